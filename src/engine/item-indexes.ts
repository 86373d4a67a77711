// The indexes of an attempt's items as text, as its Job carries them: so what is read back from it rests on nothing but
// the Job itself.
import { group } from "../api/group.ts";
import { formatRanges, parseRanges, rangesOf } from "../api/ranges.ts";

/** On a Job: which items it runs, `40-43,47`. */
export const itemIndexesAnnotation = `${group}/item-indexes`;

export function indexesText(items: readonly { readonly index: number }[]): string {
  return formatRanges(rangesOf(items.map(({ index }) => index)));
}

/** Somebody may have edited the annotation, and a range is short to write: more than a chunk can hold is none of ours. */
const indexesMax = 200_000;

/** Undefined for text that is no set of indexes. */
export function indexesOf(text: string): readonly number[] | undefined {
  // Most shards have one item, and all Jobs of a task are read at each reconcile.
  if (/^(0|[1-9]\d{0,8})$/.test(text)) return [Number(text)];
  const parsed = parseRanges(text);
  if (parsed === undefined || !parsed.complete) return undefined;
  const indexes: number[] = [];
  for (const { start, end } of parsed.ranges) {
    if (indexes.length + end - start > indexesMax) return undefined;
    for (let index = start; index < end; index += 1) indexes.push(index);
  }
  return indexes;
}
