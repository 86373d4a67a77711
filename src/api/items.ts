// The items of a task, whatever they are written as: how many, each one's text, and a digest that tells whether they
// are still the same. Ranges and matrices are computed, never spelled out. Reads no ConfigMap itself.
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { ConfigMapKeyRef, ItemSource, MatrixAxis, RangeSource } from "./item-source.ts";
import { Lines } from "./lines.ts";
import { isProblem, type Problem } from "./problem.ts";

export const itemCountMax = 1_000_000;
export const itemBytesMax = 32_768;
export const listLengthMax = 10_000;
export const listBytesMax = 200_000;

/** UTF-8 takes at most so many bytes for a UTF-16 unit, so that most texts need no counting. */
const bytesPerUnitMax = 3;

/** One coordinate of a matrix item. */
export interface Axis {
  readonly name: string;
  readonly value: string;
}

export interface Items {
  readonly count: number;
  /** The text of an item; throws for an index outside. */
  at(index: number): string;
  /** The coordinates of a matrix item; none for other kinds of items. */
  axes(index: number): readonly Axis[];
  /** No item is longer, in bytes of UTF-8; the longest may be shorter. */
  readonly bytesMax: number;
  /** `sha256:` and 64 digits; the same for the same items of the same kind. */
  readonly digest: string;
}

/** The text behind a reference; undefined or a problem where there is none. */
export type TextLookup = (ref: ConfigMapKeyRef) => string | Problem | undefined;

/** The items that a task's `spec.items` stands for, or the first thing that is wrong with it. */
export function itemsOf(source: ItemSource, texts: TextLookup): Items | Problem {
  if (source.range !== undefined) return rangeItems(source.range);
  if (source.list !== undefined) return listItems(source.list);
  if (source.matrix !== undefined) return matrixItems(source.matrix);
  if (source.configMapRefs !== undefined) return lineItems(source.configMapRefs, texts);
  return invalid("spec.items", "none given; give exactly one of range, list, matrix, configMapRefs");
}

function rangeItems({ start, end, step }: RangeSource): Items | Problem {
  if (step === 0) return invalid("spec.items.range.step", "must not be 0");
  // Both zeroes are one here; as a text they would be two.
  const count = Math.max(0, Math.ceil((end - start) / step)) + 0;
  if (count > itemCountMax) return tooMany("spec.items.range", count);
  const at = (index: number): string => String(start + checked(index, count) * step);
  const last = count === 0 ? start : start + (count - 1) * step;
  return {
    count,
    at,
    axes: () => [],
    bytesMax: Math.max(String(start).length, String(last).length),
    digest: digestOf([`${start} ${end} ${step}`], "range\n"),
  };
}

function listItems(list: readonly string[]): Items | Problem {
  if (list.length > listLengthMax) {
    return invalid(
      "spec.items.list",
      `${list.length} items, over the limit of ${listLengthMax}; put them into ConfigMaps and name these in configMapRefs`,
    );
  }
  let bytesMax = 0;
  let total = 0;
  for (const [index, text] of list.entries()) {
    const flaw = flawOf(text);
    if (flaw !== undefined) return invalid(`spec.items.list[${index}]`, flaw);
    const bytes = Buffer.byteLength(text);
    bytesMax = Math.max(bytesMax, bytes);
    total += bytes;
  }
  if (total > listBytesMax) {
    return invalid(
      "spec.items.list",
      `${total} bytes together, over the limit of ${listBytesMax}; put the items into ConfigMaps and name these in configMapRefs`,
    );
  }
  return {
    count: list.length,
    at: (index) => list[checked(index, list.length)] ?? "",
    axes: () => [],
    bytesMax,
    digest: digestOf(ended(list), "lines\n"),
  };
}

function matrixItems(matrix: readonly MatrixAxis[]): Items | Problem {
  if (matrix.length === 0) return invalid("spec.items.matrix", "has no axis; give at least one");
  const variables = new Map<string, string>();
  let count = 1;
  let bytesMax = matrix.length - 1;
  for (const [index, { name, values }] of matrix.entries()) {
    const taken = variables.get(axisVariable(name));
    if (taken !== undefined) {
      return invalid(
        `spec.items.matrix[${index}].name`,
        `${name} and ${taken} would both be the variable ${axisVariable(name)}; rename one`,
      );
    }
    variables.set(axisVariable(name), name);
    for (const [at, value] of values.entries()) {
      const flaw = flawOf(value);
      if (flaw !== undefined) return invalid(`spec.items.matrix[${index}].values[${at}]`, flaw);
    }
    count *= values.length;
    bytesMax += name.length + 1 + Math.max(0, ...values.map((value) => Buffer.byteLength(value)));
  }
  if (count > itemCountMax) return tooMany("spec.items.matrix", count);
  if (bytesMax > itemBytesMax) {
    return invalid(
      "spec.items.matrix",
      `an item would be ${bytesMax} bytes long, over the limit of ${itemBytesMax}; shorten the values`,
    );
  }
  const axes = (index: number): readonly Axis[] => {
    let rest = checked(index, count);
    const found: Axis[] = [];
    for (const { name, values } of matrix.toReversed()) {
      found.push({ name, value: values[rest % values.length] ?? "" });
      rest = Math.floor(rest / values.length);
    }
    return found.reverse();
  };
  return {
    count,
    at: (index) =>
      axes(index)
        .map(({ name, value }) => `${name}=${value}`)
        .join(","),
    axes,
    bytesMax,
    digest: digestOf(ended(matrix.flatMap(({ name, values }) => [name, `${values.length}`, ...values])), "matrix\n"),
  };
}

/** One item a line, the empty lines too, so that the n-th line is always the n-th item. */
function lineItems(refs: readonly ConfigMapKeyRef[], texts: TextLookup): Items | Problem {
  const lines = new Lines();
  for (const [index, ref] of refs.entries()) {
    const field = `spec.items.configMapRefs[${index}]`;
    const text = texts(ref);
    if (text === undefined) {
      const message = `ConfigMap ${ref.name} has no key ${ref.key}, or is not there; create it`;
      return { reason: "DependencyMissing", field, message };
    }
    if (isProblem(text)) return text;
    const first = lines.count;
    lines.add(text);
    if (lines.count > itemCountMax) return tooMany("spec.items.configMapRefs", lines.count);
    const flawed = mayHaveFlaw(text) ? firstFlaw(lines, first) : undefined;
    if (flawed !== undefined) {
      const place = `line ${flawed.line - first + 1} of key ${ref.key} in ConfigMap ${ref.name}`;
      return invalid(field, `${place}: ${flawed.flaw}`);
    }
  }
  if (lines.lengthMax * bytesPerUnitMax > itemBytesMax) {
    const flawed = firstFlaw(lines, 0);
    if (flawed !== undefined) return invalid("spec.items.configMapRefs", `item ${flawed.line}: ${flawed.flaw}`);
  }
  return {
    count: lines.count,
    at: (index) => lines.at(checked(index, lines.count)),
    axes: () => [],
    bytesMax: Math.min(lines.lengthMax * bytesPerUnitMax, itemBytesMax),
    digest: digestOf(lines.texts(), "lines\n"),
  };
}

/** Looked for in the whole text, since single lines of a million would take a second. */
function mayHaveFlaw(text: string): boolean {
  return text.includes("\r") || text.includes("\0") || !text.isWellFormed();
}

function firstFlaw(lines: Lines, from: number): { readonly line: number; readonly flaw: string } | undefined {
  for (let line = from; line < lines.count; line += 1) {
    const flaw = flawOf(lines.at(line));
    if (flaw !== undefined) return { line, flaw };
  }
  return undefined;
}

/** What a ConfigMap holds under a key, as an answer to `TextLookup`. `undefined`: there is no such ConfigMap. */
export function configMapText(
  configMap:
    | { readonly data?: Readonly<Record<string, string>>; readonly binaryData?: Readonly<Record<string, string>> }
    | undefined,
  ref: ConfigMapKeyRef,
  index: number,
): string | Problem {
  const field = `spec.items.configMapRefs[${index}]`;
  const missing = (message: string): Problem => ({ reason: "DependencyMissing", field, message });
  if (configMap === undefined) return missing(`there is no ConfigMap ${ref.name} in the task's namespace; create it`);
  const text = configMap.data?.[ref.key];
  if (text !== undefined) return text;
  if (configMap.binaryData?.[ref.key] !== undefined) {
    return invalid(
      field,
      `key ${ref.key} of ConfigMap ${ref.name} is not text (it stands under binaryData); items are lines of UTF-8`,
    );
  }
  return missing(`ConfigMap ${ref.name} has no key ${ref.key}; add it`);
}

/** The variable that carries a coordinate: the axis in capitals, whatever a variable cannot hold as `_`. */
export function axisVariable(name: string): string {
  return `POOL_ITEM_${name.toUpperCase().replaceAll(/[^A-Z0-9_]/g, "_")}`;
}

function flawOf(text: string): string | undefined {
  if (/[\n\r]/.test(text)) return "has a line break in it; an item is one line";
  if (text.includes("\0")) return "has a NUL character in it; no environment variable can hold one";
  if (!text.isWellFormed()) return "is not valid UTF-8";
  if (text.length * bytesPerUnitMax <= itemBytesMax) return undefined;
  const bytes = Buffer.byteLength(text);
  return bytes > itemBytesMax
    ? `is ${bytes} bytes long, over the limit of ${itemBytesMax}; pass an address of the input instead`
    : undefined;
}

function checked(index: number, count: number): number {
  if (!Number.isInteger(index) || index < 0 || index >= count) throw new RangeError(`item ${index} of ${count}`);
  return index;
}

function digestOf(texts: Iterable<string>, kind: string): string {
  const hash = createHash("sha256").update(kind);
  for (const text of texts) hash.update(text);
  return `sha256:${hash.digest("hex")}`;
}

function* ended(lines: Iterable<string>): Generator<string> {
  for (const line of lines) yield `${line}\n`;
}

function invalid(field: string, message: string): Problem {
  return { reason: "ItemsInvalid", field, message };
}

function tooMany(field: string, count: number): Problem {
  return invalid(field, `${count} items, over the limit of ${itemCountMax}; cut the work into several tasks`);
}
