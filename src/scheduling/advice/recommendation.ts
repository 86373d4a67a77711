// A piece of advice: a change that somebody could make, and what the planner found that it brings. Does not know how it is
// found, nor where it is told.
import type { Snapshot } from "../model.ts";

export const recommendationTypes = [
  "MoveShards",
  "RaiseLimit",
  "AddNodes",
  "RemoveNodes",
  "PoolSmallerThanParallelism",
] as const;
export type RecommendationType = (typeof recommendationTypes)[number];

export interface Recommendation {
  readonly type: RecommendationType;
  /** The pool that it is about, in whose status it stands. */
  readonly pool: string;
  /** Each a sentence for people: what is the case, what the change would bring, and what it takes. */
  readonly reason: string;
  readonly gain: string;
  readonly cost: string;
}

/** With what the planner found under the change, where it is about waiting: whoever is told it keeps no snapshots in memory. */
export interface Tried extends Recommendation {
  readonly found?: Found;
}

export interface Found {
  /** The snapshot without the change and with it, once what starts at once has started. */
  readonly before: Snapshot;
  readonly changed: Snapshot;
  /** The tasks whose shards wait less; those that start once more, as `task/shard`, do not count. */
  readonly tasks: ReadonlySet<string>;
  readonly again: ReadonlySet<string>;
  readonly saved: Saved;
}

/** How long the next shards wait that start in both cases, in the mean; and how many start that would not otherwise. */
export interface Saved {
  readonly shards: number;
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly more: number;
}

/** No change is worth the trouble below this: a minute in the mean, and a fifth. */
export const leastSavedMs = 60_000;
const leastSavedPart = 0.2;

export function isWorth(saved: Saved, leastMs: number): boolean {
  return saved.more > 0 || (waitsLess(saved) && saved.beforeMs - saved.afterMs >= leastMs);
}

/** Whether anything between these could be: each of the two conditions holds for one of them. */
export function mayBeWorth(saves: readonly Saved[], leastMs: number): boolean {
  return (
    saves.some(({ beforeMs, afterMs }) => beforeMs - afterMs >= leastMs) && saves.some((saved) => waitsLess(saved))
  );
}

function waitsLess({ beforeMs, afterMs }: Saved): boolean {
  return beforeMs > afterMs && beforeMs - afterMs >= leastSavedPart * beforeMs;
}

export function savedText(saved: Saved): string {
  const { shards, beforeMs, afterMs, more } = saved;
  const parts: string[] = [];
  const whose = shards === 1 ? "wait of the next shard" : `mean wait of the next ${shards} shards`;
  if (waitsLess(saved)) parts.push(`${whose} ${waitText(beforeMs)} -> ${waitText(afterMs)}`);
  if (more > 0) parts.push(more === 1 ? "1 shard starts that never would" : `${more} shards start that never would`);
  return parts.join("; ");
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** In one unit, so coarse that a moment does not change it. */
export function waitText(ms: number): string {
  if (ms < 1000) return "none";
  if (ms < 2 * minute) return `${Math.ceil(ms / 10_000) * 10} s`;
  if (ms < 3 * hour) return `${Math.round(ms / minute)} min`;
  return ms < 3 * day ? `${Math.round(ms / hour)} h` : `${Math.round(ms / day)} days`;
}
