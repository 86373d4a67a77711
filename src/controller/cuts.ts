// The cuts that the starts of a plan ask for: which items each shard has that is not cut yet. Pure; the recorder writes
// them before the first start of any of them.
import { fillChunk } from "../api/chunks.ts";
import type { Items } from "../api/items.ts";
import { countOf, formatRanges, splitRanges } from "../api/ranges.ts";
import type { CutRecord } from "../api/records.ts";
import { type CutRule, chunkItems, probesAfter } from "../scheduling/index.ts";
import type { Account } from "./account.ts";

/** More cuts are left to the next append: a plan may start as many shards as the pool has places. */
const cutsPerAppend = 1000;

/**
 * The next shards, so many at most: fewer where no items are left, or where nobody knows yet how long one takes. Those of
 * a gang are cut together.
 */
export function nextCuts(account: Account, items: Items, rule: CutRule, count: number, gang = 1): readonly CutRecord[] {
  const probes = rule.itemMs === undefined ? Math.max(gang, probesAfter(account.shards)) : count;
  const most = Math.min(count, probes, cutsPerAppend);
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
