// What came back from a container: the text that the kubelet kept of the file that it wrote, read as its form of shard
// wrote it. Knows no Pod and no time but what the text itself says.
//
// The kubelet keeps the last 4,096 bytes of the file, then the first 12,288 ÷ containers of those (Kubernetes 1.36:
// pkg/kubelet/kuberuntime, pkg/kubelet/status). A cut through a character, and any byte that is not UTF-8, arrives as
// U+FFFD.
import { Buffer } from "node:buffer";
import { endMark, recordsMark } from "./wrapper.ts";

const containerBytesMax = 4096;
const podBytesMax = 12_288;

/** Of one container in a Pod with so many, init containers counted. */
export function messageBytesMax(containers: number): number {
  return Math.min(containerBytesMax, Math.floor(podBytesMax / Math.max(1, containers)));
}

/** What of a container's room the wrapper keeps free: its marks, and a record as large as it must expect. */
const wrapperReserveBytes = 48;

/**
 * How many items a container can tell of, each leaving so many bytes behind. With a wrapper, a result that has no room
 * is only run again; where the program writes all itself it fails the shard, so half of the room is left free.
 */
export function itemsWithin(form: "Each" | "Whole", limit: number, bytes: number, itemMs: number): number {
  if (form === "Whole") return Math.max(1, Math.floor(limit / 2 / (bytes + 1)));
  const times = String(Math.round(itemMs)).length + "+10=\n".length;
  return Math.max(1, Math.floor((limit - wrapperReserveBytes) / (bytes + times)));
}

export interface Result {
  /** Absent where the program wrote nothing: an empty result is written as an empty line. */
  readonly result?: string;
  readonly truncated?: true;
}

/**
 * The result of a single item. One that fills the room to the last byte cannot be told from one that was longer, so it
 * counts as truncated: better a false alarm than a silent loss. Which end was cut off is Kubernetes' choice: the front.
 */
export function singleResult(message: string, bytesMax: number): Result {
  if (message === "") return {};
  if (Buffer.byteLength(message) < bytesMax) return { result: withoutLastBreak(message) };
  return { result: withoutBrokenEnds(withoutLastBreak(message)), truncated: true };
}

/** The results of a shard whose program writes a line for each item itself; a string says what is wrong with them. */
export function lineResults(message: string, count: number, bytesMax: number): readonly string[] | string {
  const lines = message === "" ? [] : withoutLastBreak(message).split("\n");
  const limit = `all results of a shard share ${bytesMax} bytes; set a smaller spec.chunk.size or write shorter results`;
  if (Buffer.byteLength(message) >= bytesMax) return `the results fill the limit and may be cut: ${limit}`;
  if (lines.length === count) return lines;
  return `${lines.length} results for ${count} items: in mode Whole the program writes one line for each item to $POOL_RESULT`;
}

/** One record of the wrapper; the n-th is that of the n-th item. */
export interface WrapperRecord extends Result {
  /** From the end of the last run, or the start of the wrapper, to the start of this one. */
  readonly gapMs: number;
  readonly ms: number;
  readonly exit: number;
  /** Of a failed run: the tail of its stderr. */
  readonly message?: string;
}

export interface WrapperRecords {
  readonly records: readonly WrapperRecord[];
  /** The wrapper ended by its own will: what has no record was not run. */
  readonly ended: boolean;
}

/** Undefined for a text that is no records: nothing was recorded, and the kubelet put the tail of the log there. */
export function wrapperRecords(message: string): WrapperRecords | undefined {
  const lines = message.split("\n");
  if (lines.shift() !== recordsMark) return undefined;
  // What follows the last line break is torn, or empty.
  lines.pop();
  const records: WrapperRecord[] = [];
  let body: string[] = [];
  for (const line of lines) {
    if (line.startsWith(">")) {
      body.push(line.slice(1));
      continue;
    }
    if (line === endMark) return { records, ended: true };
    const record = parseRecord(line, body);
    if (record === undefined) break;
    records.push(record);
    body = [];
  }
  return { records, ended: false };
}

function parseRecord(line: string, body: readonly string[]): WrapperRecord | undefined {
  const match = /^(\d{1,15})(?:\+(\d{1,15}))?(?:!(\d{1,3}))?(~)?(?:=(.*))?$/.exec(line);
  if (match === null) return undefined;
  const [, ms, gap, exit, cut, last] = match;
  const text = last === undefined ? undefined : [...body, last].join("\n");
  const times = { ms: Number(ms), gapMs: Number(gap ?? 0), exit: Number(exit ?? 0) };
  if (exit !== undefined) return { ...times, ...(text !== undefined && { message: failureText(text) }) };
  if (text === undefined) return times;
  return cut === undefined
    ? { ...times, result: text }
    : { ...times, result: withoutBrokenEnds(text), truncated: true };
}

const failureBytesMax = 2048;

/** The end of what a failed program said, since the end tells most; without what a cut left of a character. */
export function failureText(message: string): string {
  const bytes = Buffer.from(message.trimEnd());
  if (bytes.length <= failureBytesMax) return withoutBrokenEnds(bytes.toString()).trim();
  return withoutBrokenEnds(bytes.subarray(bytes.length - failureBytesMax).toString()).trim();
}

function withoutLastBreak(text: string): string {
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}

function withoutBrokenEnds(text: string): string {
  // A character has at most four bytes, so a cut leaves at most three of them.
  return text.replace(/^\uFFFD{1,3}/, "").replace(/\uFFFD{1,3}$/, "");
}
