// The cuts that the starts of a plan ask for: which items each shard has that is not cut yet. Pure; the recorder writes
// them before the first start of any of them.
import { fillChunk } from "../api/chunks.ts";
import type { Items } from "../api/items.ts";
import { countOf, formatRanges, splitRanges } from "../api/ranges.ts";
import type { CutRecord } from "../api/records.ts";
import { type CutRule, chunkItems, probesAfter } from "../scheduling/index.ts";
import type { Account } from "./account.ts";

/**
 * More cuts are left to the next append: a plan may start as many shards as the pool has places, but no more than these
 * at once, and by then more is known of an item.
 */
const cutsPerAppend = 200;

export interface Wanted {
  /** So many shards at most. */
  readonly count: number;
  /** So many have to start together, if any do. */
  readonly gang?: number;
  /** Of those that are cut, which are just being started. */
  readonly starting: number;
}

/** The next shards: fewer than are wanted where no items are left, or where nobody knows yet how long one takes. */
export function nextCuts(
  account: Account,
  items: Items,
  rule: CutRule,
  { count, gang = 1, starting }: Wanted,
): readonly CutRecord[] {
  const atOnce = rule.itemMs === undefined ? probesAfter(account.shards - starting, starting) : cutsPerAppend;
  const most = Math.min(count, Math.max(gang, atOnce));
  const cuts: CutRecord[] = [];
  let { uncut } = account;
  let left = countOf(uncut);
  let { shardsLeft } = rule;
  while (cuts.length < most && left > 0) {
    const chunk = fillChunk(uncut, items, chunkItems(left, { ...rule, shardsLeft }));
    const size = countOf(chunk);
    cuts.push({ kind: "cut", shard: account.shards + cuts.length, cut: formatRanges(chunk) });
    uncut = splitRanges(uncut, size).others;
    left -= size;
    shardsLeft -= 1;
  }
  return cuts;
}
