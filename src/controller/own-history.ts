// What a task learns of itself: how long its items run, what a start takes, and how much an item leaves behind. A sample
// is one attempt; the account folds them in the order of the records.
import { Buffer } from "node:buffer";
import { type History, withSample } from "../scheduling/index.ts";

export interface OwnHistory {
  readonly itemMs?: History;
  /** From the decision to the start of the container. */
  readonly startMs?: History;
  /**
   * Of what an item leaves behind, its result or its last words: raised at once and lowered slowly, since a chunk whose
   * results have no room costs another start.
   */
  readonly bytes?: number;
  /** Its ends as they come one after the other, since it last rested. */
  readonly ends?: Ends;
}

interface Ends {
  /** When the first of them began. */
  readonly since: number;
  readonly first: number;
  readonly last: number;
  /** After the first. */
  readonly count: number;
  /** That have ended in all of them, the first included. */
  readonly items: number;
}

/** Without a place for so long, it rested: suspended, or behind others. */
const restMs = 60_000;

/** Sums over the items of one attempt. */
export interface ItemSums {
  /** All of them. */
  ended: number;
  /** Whose time is known. */
  timed: number;
  ms: number;
  /** Whose result is known: of those that are not kept nobody knows how long they were. */
  kept: number;
  bytes: number;
}

export function noItems(): ItemSums {
  return { ended: 0, timed: 0, ms: 0, kept: 0, bytes: 0 };
}

interface ItemEnd {
  readonly ms?: number;
  readonly result?: string;
  readonly message?: string;
}

export function addItem(sums: ItemSums, { ms, result, message }: ItemEnd): void {
  sums.ended += 1;
  if (ms !== undefined) sums.timed += 1;
  sums.ms += ms ?? 0;
  sums.kept += 1;
  sums.bytes += Buffer.byteLength(result ?? message ?? "");
}

export function sumsOf(ends: readonly ItemEnd[]): ItemSums {
  const sums = noItems();
  for (const end of ends) addItem(sums, end);
  return sums;
}

/** What is known once this attempt has ended too. */
export function withEnd(
  own: OwnHistory,
  { decided, start, end }: { readonly decided: number; readonly start?: number; readonly end: number },
  { ended, timed, ms, kept, bytes }: ItemSums,
): OwnHistory {
  return {
    ...own,
    ends: withOneMore(own.ends, { decided, began: start ?? decided, end, items: ended }),
    ...(timed > 0 && { itemMs: withSample(own.itemMs, ms / timed) }),
    ...(start !== undefined && { startMs: withSample(own.startMs, Math.max(0, start - decided)) }),
    ...(kept > 0 && { bytes: peak(own.bytes ?? 0, bytes / kept) }),
  };
}

function withOneMore(
  ends: Ends | undefined,
  { decided, began, end, items }: Readonly<Record<"decided" | "began" | "end" | "items", number>>,
): Ends {
  if (ends === undefined || decided - ends.last > restMs)
    return { since: began, first: end, last: end, count: 0, items };
  return {
    since: Math.min(ends.since, began),
    first: Math.min(ends.first, end),
    last: Math.max(ends.last, end),
    count: ends.count + 1,
    items: ends.items + items,
  };
}

function peak(former: number, sample: number): number {
  return sample > former ? sample : former + 0.3 * (sample - former);
}
