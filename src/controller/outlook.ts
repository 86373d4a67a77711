// What is to be expected of a task's shards, and how the next ones are to be cut: from what the task has learned of
// itself, what its pool knows of others like it, and what its user says. Pure; cuts nothing.
import { shardCountMax } from "../api/chunks.ts";
import type { PooledTaskSpec } from "../api/pooled-task.ts";
import { type EndedAttempt, type RunningAttempt, shardForm } from "../engine/engine.ts";
import { itemsWithin, messageBytesMax } from "../engine/termination-message.ts";
import {
  type Amounts,
  type CutRule,
  chunkItems,
  chunksLeft,
  type Expectation,
  expectationFor,
  itemMsOf,
  type Keys,
  type Learned,
  type Node,
  placesOn,
} from "../scheduling/index.ts";
import type { Account } from "./account.ts";
import { type OwnHistory, sumsOf, withEnd } from "./own-history.ts";

export interface OutlookFacts {
  readonly spec: PooledTaskSpec;
  /** Under which what it takes is learned. */
  readonly keys: Keys;
  /** Of one shard. */
  readonly request: Amounts;
  readonly account: Account;
  /** Ended, and not recorded: the account does not know them yet. */
  readonly ended: readonly EndedAttempt[];
  readonly running: readonly Pick<RunningAttempt, "start" | "items">[];
  readonly learned: Learned;
  /** Of the tree. */
  readonly nodes: readonly Node[];
  /** Of the pool and of those above it. */
  readonly limits: readonly Amounts[];
}

export interface Outlook {
  /** Of a shard with so many items. */
  readonly expected: (items: number) => Expectation;
  /** How it has gone so far. Absent until an item has shown how long it takes: when all end, nobody can tell before. */
  readonly shown?: { readonly startMs: number; readonly ends: OwnHistory["ends"] };
  /** Items of the shard that starts next, as far as anybody can tell. */
  readonly nextItems: number;
  /** Absent where chunks are of one size. */
  readonly cutRule?: CutRule;
  /** Shards that are still to be cut, about. */
  readonly shardsToCut: number;
  /** All shards, those that are still to be cut among them. */
  readonly shards: number;
}

export function outlookOf(facts: OutlookFacts, now: number): Outlook {
  const { spec, account, keys, learned } = facts;
  const own = facts.ended.reduce(
    (known, attempt) => withEnd(known, attempt, sumsOf(attempt.outcomes)),
    account.learned,
  );
  // That one has ended is seen about as late as that one has started, and both are told in whole seconds.
  const seenAfterMs = 1000 + (own.startMs?.mean ?? 0);
  const asked = {
    keys,
    ...(own.itemMs !== undefined && { own: own.itemMs }),
    ...statedBy(spec),
    runningItemMs: facts.running.map(
      ({ start, items }) => Math.max(0, now - start - seenAfterMs) / Math.max(1, items.length),
    ),
  };
  const known = new Map<number, Expectation>();
  const expected = (items: number): Expectation => {
    const expectation = known.get(items) ?? expectationFor(learned, asked, items, runLimitMs(spec, items));
    known.set(items, expectation);
    return expectation;
  };
  const shown = own.itemMs && { shown: { startMs: own.startMs?.mean ?? 0, ends: own.ends } };
  if (spec.chunk.size !== "Auto")
    return { expected, ...shown, nextItems: spec.chunk.size, shardsToCut: 0, shards: account.shards };
  // Chunks grow by what the task itself has shown, and by nothing else: a guess of others would be cut for good.
  const itemMs = own.itemMs && itemMsOf(learned, { ...asked, own: own.itemMs });
  const cutRule = cutRuleOf(facts, own, itemMs);
  const left = account.uncutItems;
  const nextItems = left === 0 ? 1 : chunkItems(left, cutRule);
  const shardsToCut = chunksLeft(left, cutRule);
  return { expected, ...shown, nextItems, cutRule, shardsToCut, shards: account.shards + shardsToCut };
}

/** Of a shard with so many items, of a task that has shown nothing yet: what `outlookOf` says of it. */
export function firstExpected(spec: PooledTaskSpec, keys: Keys, learned: Learned, items: number): Expectation {
  return expectationFor(learned, { keys, ...statedBy(spec) }, items, runLimitMs(spec, items));
}

function statedBy({ expectedItemSeconds }: PooledTaskSpec): { readonly statedItemMs?: number } {
  return expectedItemSeconds === undefined ? {} : { statedItemMs: expectedItemSeconds * 1000 };
}

function cutRuleOf(
  { spec, account, request, nodes, limits }: OutlookFacts,
  own: OwnHistory,
  itemMs: number | undefined,
): CutRule {
  const places = Math.min(
    spec.parallelism ?? Number.POSITIVE_INFINITY,
    placesOf(nodes, request),
    ...limits.map((limit) => timesWithin(request, limit)),
  );
  return {
    places: Math.max(1, places),
    ...(itemMs !== undefined && { itemMs }),
    startMs: own.startMs?.mean ?? 0,
    resultsMax: resultsMax(spec, own, itemMs ?? 0),
    shardsLeft: shardCountMax - account.shards,
  };
}

function resultsMax(spec: PooledTaskSpec, { bytes }: OwnHistory, itemMs: number): number {
  const form = shardForm(spec.chunk);
  if (form === "Single" || bytes === undefined) return 1;
  const { containers, initContainers = [] } = spec.template.spec;
  const limit = messageBytesMax(containers.length + initContainers.length);
  return itemsWithin(form, limit, bytes, itemMs);
}

/** How long one attempt may run: `itemTimeoutSeconds`, times its items. */
export function runLimitMs(spec: PooledTaskSpec, items: number): number | undefined {
  return spec.itemTimeoutSeconds === undefined ? undefined : spec.itemTimeoutSeconds * 1000 * Math.max(1, items);
}

/** How many such shards a limit lets run; it says nothing of what it does not name. */
function timesWithin(request: Amounts, limit: Amounts): number {
  const asked = Object.entries(request).filter(([name, amount]) => amount > 0 && limit[name] !== undefined);
  return Math.min(...asked.map(([name, amount]) => Math.floor((limit[name] ?? 0) / amount)));
}

/** Tasks that ask for the same share the answer: a walk over all nodes a task would be too much. */
const placesByNodes = new WeakMap<readonly Node[], Map<string, number>>();

function placesOf(nodes: readonly Node[], request: Amounts): number {
  let known = placesByNodes.get(nodes);
  if (known === undefined) {
    known = new Map();
    placesByNodes.set(nodes, known);
  }
  const key = JSON.stringify(request);
  const places = known.get(key) ?? placesOn(nodes, request);
  known.set(key, places);
  return places;
}
