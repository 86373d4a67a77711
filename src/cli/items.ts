// The items of `map`: from lines or from words after `:::`, checked before anything is created. Where a task cannot
// hold them itself, they are cut into the texts of ConfigMaps.
import { Buffer } from "node:buffer";
import { type ChunkSize, shardCountMax } from "../api/chunks.ts";
import { itemBytesMax, itemCountMax, listBytesMax, listLengthMax } from "../api/items.ts";
import { UsageError } from "./usage-error.ts";

/** Between the command and its items, as in GNU parallel. */
const itemsMark = ":::";
/** Under the 1 MiB of a ConfigMap, with room for the rest of the object. */
const textBytesMax = 900_000;
/** As many as spec.items.configMapRefs takes. */
const textCountMax = 100;

export interface CommandAndItems {
  readonly command: readonly string[];
  /** Undefined: they come from standard input. */
  readonly items: readonly string[] | undefined;
}

export function splitCommand(words: readonly string[]): CommandAndItems {
  const mark = words.indexOf(itemsMark);
  if (mark < 0) return { command: words, items: undefined };
  const items = words.slice(mark + 1);
  if (items.includes(itemsMark)) {
    throw new UsageError(
      `${itemsMark} may stand once; for every combination of lists write spec.items.matrix in a manifest`,
    );
  }
  return { command: words.slice(0, mark), items };
}

/** One item a line, the empty lines too; a line ends with LF or CRLF. The same reading as of `configMapRefs`. */
export function linesOf(text: string): readonly string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
}

/** Throws for items that no task takes; what a shard may hold is left to the API server. */
export function checkItems(items: readonly string[], chunkSize: ChunkSize): void {
  if (items.length > itemCountMax) {
    throw new UsageError(`${items.length} items, over the limit of ${itemCountMax}; cut the work into several tasks`);
  }
  const chunkSizeLeast = Math.ceil(items.length / shardCountMax);
  if (chunkSize !== "Auto" && chunkSize < chunkSizeLeast) {
    throw new UsageError(
      `${items.length} items in chunks of ${chunkSize} are over the limit of ${shardCountMax} shards; set --chunk ${chunkSizeLeast} or more`,
    );
  }
  for (const [index, item] of items.entries()) {
    const flaw = flawOf(item);
    if (flaw !== undefined) throw new UsageError(`item ${index} ${flaw}`);
  }
}

function flawOf(item: string): string | undefined {
  if (/[\n\r]/.test(item)) return "has a line break in it; an item is one line";
  if (item.includes("\0")) return "has a NUL character in it; no environment variable can hold one";
  if (item.length * 3 <= itemBytesMax) return undefined;
  const bytes = Buffer.byteLength(item);
  if (bytes <= itemBytesMax) return undefined;
  return `is ${bytes} bytes long, over the limit of ${itemBytesMax}; pass the address of the input instead`;
}

export function fitInTask(items: readonly string[]): boolean {
  if (items.length > listLengthMax) return false;
  let bytes = 0;
  for (const item of items) bytes += Buffer.byteLength(item);
  return bytes <= listBytesMax;
}

/** The items as texts, one item a line, each small enough for a ConfigMap. */
export function cutIntoTexts(items: readonly string[], bytesMax: number = textBytesMax): readonly string[] {
  const texts: string[] = [];
  let lines: string[] = [];
  let bytes = 0;
  const close = (): void => {
    if (lines.length > 0) texts.push(`${lines.join("\n")}\n`);
    lines = [];
    bytes = 0;
  };
  for (const item of items) {
    const itemBytes = Buffer.byteLength(item) + 1;
    if (bytes + itemBytes > bytesMax) close();
    lines.push(item);
    bytes += itemBytes;
  }
  close();
  if (texts.length > textCountMax) {
    throw new UsageError(
      `the items are over the limit of ${textCountMax * bytesMax} bytes together; pass the addresses of the inputs instead`,
    );
  }
  return texts;
}
