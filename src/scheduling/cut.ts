// How many items the next shard of a task gets, where chunks are cut as they are needed: guided self-scheduling. Small at
// first, since nothing is known; then long enough that starting a Pod costs little, and never so long that the last one
// runs alone for long. Does not know which items they are.

import type { Node } from "./model.ts";
import type { Amounts } from "./resources.ts";

/** A cluster starts about 20 Pods a second: Kubernetes' own scalability targets assume no more (SIG Scalability). */
const startEveryMs = 50;
/** What a chunk lasts at least, where there are items enough: then nobody waits long for news of it. */
const chunkMs = 30_000;
/** And so many times what its start takes: a tenth of the time goes into starting, at most. */
const chunkStarts = 10;
/** What the clock of a container can tell, and about what it costs to run anything at all. */
const itemMsLeast = 10;
/** So many chunks a place are left at any time, so that the places run out of work together. */
const chunksPerPlace = 2;
/** So many shards tell enough of an unknown item, where items are short. */
const firstProbes = 32;

/** What is known when a shard is cut. */
export interface CutRule {
  /** Shards at once, as far as anybody can tell; at least 1. */
  readonly places: number;
  /** Likely run time of one item; absent before the first of the task has ended. */
  readonly itemMs?: number;
  /** From the decision to the start of the container. */
  readonly startMs: number;
  /** Items whose results one container can hand over. */
  readonly resultsMax: number;
  /** Numbers that are left for further shards. */
  readonly shardsLeft: number;
}

/** Items of the next shard, of `left` that have none; 0 when there are none. */
export function chunkItems(left: number, { places, itemMs, startMs, resultsMax, shardsLeft }: CutRule): number {
  // Nobody may have more shards than there are numbers: a huge task begins with more than one item.
  const least = Math.ceil(left / Math.max(1, shardsLeft));
  if (itemMs === undefined) return Math.min(left, least);
  const itemsIn = (ms: number): number => ms / Math.max(itemMsLeast, itemMs);
  const lasting = Math.floor(itemsIn(Math.max(chunkMs, chunkStarts * startMs)));
  // Of n chunks of d ms the last is started after n × startEveryMs, and ends d ms later: least where d is the root of both.
  const dispatched = Math.ceil(Math.sqrt((left * startEveryMs) / Math.max(itemMsLeast, itemMs)));
  const guided = Math.max(dispatched, Math.ceil(left / (chunksPerPlace * places)));
  // A chunk that is shorter than its own start is never worth it.
  const worthStarting = Math.ceil(itemsIn(startMs));
  const wanted = Math.max(least, worthStarting, Math.min(lasting, guided));
  return Math.min(left, Math.max(1, Math.min(wanted, resultsMax)));
}

/**
 * How many shards may be cut while nothing is known of an item: as many again as run or have run already, less those that
 * are just being started. So a large pool is not filled with single short items before the first of them has told how long
 * it ran, and is full soon all the same, should they be long. What starts slowly is waited for, but not for long.
 */
export function probesAfter(begun: number, starting: number): number {
  return Math.max(0, Math.max(firstProbes, begun) - starting);
}

/** A shard that has been starting for so long holds up no further probe: it may be its image that takes minutes. */
export const probeStartMs = 4000;

/** How many shards are still to be cut, were they all as the next one; they get smaller, so rather more. */
export function chunksLeft(left: number, rule: CutRule): number {
  return left === 0 ? 0 : Math.ceil(left / chunkItems(left, rule));
}

/** How many such shards the nodes hold when nothing else does; for a rule of thumb, so constraints are left aside. */
export function placesOn(nodes: readonly Node[], request: Amounts): number {
  let places = 0;
  for (const { allocatable, ready, cordoned } of nodes) {
    if (!ready || cordoned) continue;
    let here = Number.POSITIVE_INFINITY;
    for (const resource in request) {
      const amount = request[resource] ?? 0;
      if (amount > 0) here = Math.min(here, Math.floor((allocatable[resource] ?? 0) / amount));
    }
    if (Number.isFinite(here)) places += here;
  }
  return places;
}
