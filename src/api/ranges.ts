// Sets of whole numbers as short text: `0-611,650-712`, ends included, ascending, apart. In memory a range excludes
// its end, as everywhere in the planner.
import type { ShardRange } from "../scheduling/model.ts";

/** Consecutive numbers, `end` excluded. */
export type Range = ShardRange;

/** Stands where ranges were left out: the text says less than the set holds, and says so. */
export const truncationMark = "…";

/** Joins ascending numbers into ranges. */
export function* rangesOf(numbers: Iterable<number>): Generator<Range> {
  let start: number | undefined;
  let end = 0;
  for (const number of numbers) {
    if (start !== undefined && number === end) {
      end += 1;
      continue;
    }
    if (start !== undefined && number < end) throw new RangeError(`numbers not ascending: ${number} after ${end - 1}`);
    if (start !== undefined) yield { start, end };
    start = number;
    end = number + 1;
  }
  if (start !== undefined) yield { start, end };
}

/** At most `limit` ranges as text; where there are more it ends with `,…`. */
export function formatRanges(ranges: Iterable<Range>, limit: number = Number.POSITIVE_INFINITY): string {
  const parts: string[] = [];
  for (const { start, end } of ranges) {
    if (end <= start) continue;
    if (parts.length >= limit) {
      parts.push(truncationMark);
      break;
    }
    parts.push(end - start === 1 ? `${start}` : `${start}-${end - 1}`);
  }
  return parts.join(",");
}

export interface ParsedRanges {
  readonly ranges: readonly Range[];
  /** False: the text was cut, the set holds more. */
  readonly complete: boolean;
}

/** Undefined for text that `formatRanges` would never write: out of order, overlapping, adjoining, not numbers. */
export function parseRanges(text: string): ParsedRanges | undefined {
  if (text === "") return { ranges: [], complete: true };
  const parts = text.split(",");
  const complete = parts.at(-1) !== truncationMark;
  if (!complete) parts.pop();
  const ranges: Range[] = [];
  let least = 0;
  for (const part of parts) {
    const range = parseRange(part);
    if (range === undefined || range.start < least) return undefined;
    ranges.push(range);
    // A range that began right at the end of the last one would have been joined with it.
    least = range.end + 1;
  }
  return { ranges, complete };
}

function parseRange(text: string): Range | undefined {
  const match = /^(0|[1-9]\d{0,15})(?:-([1-9]\d{0,15}))?$/.exec(text);
  if (match === null) return undefined;
  const start = Number(match[1]);
  const last = match[2] === undefined ? start : Number(match[2]);
  if (match[2] !== undefined && last <= start) return undefined;
  return Number.isSafeInteger(last + 1) ? { start, end: last + 1 } : undefined;
}

/** Ascending ranges less ascending numbers. */
export function* rangesWithout(ranges: Iterable<Range>, numbers: Iterable<number>): Generator<Range> {
  const holes = [...rangesOf(numbers)];
  let next = 0;
  for (const range of ranges) {
    let { start } = range;
    while (next < holes.length) {
      const hole = holes[next];
      if (hole === undefined || hole.start >= range.end) break;
      if (hole.start > start) yield { start, end: hole.start };
      start = Math.max(start, hole.end);
      if (hole.end > range.end) break;
      next++;
    }
    if (start < range.end) yield { start, end: range.end };
  }
}

export function countOf(ranges: Iterable<Range>): number {
  let count = 0;
  for (const { start, end } of ranges) count += Math.max(0, end - start);
  return count;
}

/** The first so many numbers of ascending ranges, and the others. */
export function splitRanges(
  ranges: Iterable<Range>,
  count: number,
): { readonly first: readonly Range[]; readonly others: readonly Range[] } {
  const first: Range[] = [];
  const others: Range[] = [];
  let wanted = count;
  for (const { start, end } of ranges) {
    const middle = Math.min(end, start + Math.max(0, wanted));
    if (middle > start) first.push({ start, end: middle });
    if (end > middle) others.push({ start: middle, end });
    wanted -= middle - start;
  }
  return { first, others };
}

/** Ascending ranges less others; undefined unless it holds all of these. */
export function subtractRanges(ranges: Iterable<Range>, taken: readonly Range[]): readonly Range[] | undefined {
  const left: Range[] = [];
  let next = 0;
  for (const { start, end } of ranges) {
    let from = start;
    for (let hole = taken[next]; hole !== undefined && hole.end <= end; hole = taken[next]) {
      if (hole.start < from) return undefined;
      if (hole.start > from) left.push({ start: from, end: hole.start });
      from = hole.end;
      next += 1;
    }
    if (from < end) left.push({ start: from, end });
  }
  return next === taken.length ? left : undefined;
}

/** Ascending, adjoining ones joined; they must not overlap. */
export function joinRanges(...all: readonly (readonly Range[])[]): readonly Range[] {
  const joined: Range[] = [];
  for (const range of all.flat().sort((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last !== undefined && last.end === range.start)
      joined[joined.length - 1] = { start: last.start, end: range.end };
    else joined.push(range);
  }
  return joined;
}
