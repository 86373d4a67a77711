// How long an item lasts, learned from those that have ended: a decayed mean under each key that a task shares with
// others, of which the first with a history speaks. Pure: the operator, the simulator and the yardsticks learn alike.
// Does not know where it is kept.
import type { Expectation } from "./model.ts";
import { compareText } from "./order/chain.ts";
import type { Amounts } from "./resources.ts";

/** The weight of the newest sample. */
const learningRate = 0.3;
/**
 * More keys are not remembered. Forgotten first are those learned from once only, the oldest first: most templates run
 * once, and would push out what is asked for again and again.
 */
export const learnedKeysMax = 512;
/** A shard of which nothing at all is known. */
export const unknownShardMs = 60_000;

/** Whole numbers, so that what is read back after a restart is what was in memory. */
export interface History {
  readonly count: number;
  readonly mean: number;
  /** Nine of ten samples were below, as far as a fold of one number can tell. */
  readonly p90: number;
}

/** By key, the one learned from longest ago first. */
export type Learned = ReadonlyMap<string, History>;

export const nothingLearned: Learned = new Map();

export function withSample(history: History | undefined, sample: number): History {
  if (history === undefined) return { count: 1, mean: Math.round(sample), p90: Math.round(sample) };
  const { count, mean, p90 } = history;
  // Up by nine where one of ten is above, down by one where nine of ten are below: so it rests where that is so.
  const step = learningRate * Math.max(mean, sample) * (sample > p90 ? 0.9 : -0.1);
  return {
    count: count + 1,
    mean: Math.round(mean + learningRate * (sample - mean)),
    p90: Math.max(0, Math.round(sample > p90 ? Math.min(sample, p90 + step) : Math.max(sample, p90 + step))),
  };
}

/** What a task has in common with others. */
export interface Kind {
  readonly pool: string;
  /** A digest of its Pod template. */
  readonly template: string;
  readonly namespace: string;
  readonly name: string;
  /** Of one shard. */
  readonly request: Amounts;
}

/** Most particular first. The first says the same program; the others are guesses. */
export type Keys = readonly [sameTemplate: string, ...others: string[]];

export function keysOf({ pool, template, namespace, name, request }: Kind): Keys {
  const asked = Object.entries(request)
    .sort(([a], [b]) => compareText(a, b))
    .map(([resource, amount]) => `${resource}=${amount}`)
    .join();
  return [
    keyOf("template", pool, template),
    keyOf("name", namespace, stemOf(name), asked),
    keyOf("request", namespace, asked),
    keyOf("namespace", namespace),
    keyOf("pool", pool),
  ];
}

/** A name without what only tells its bearer from others of its kind: digits, dates, a generated suffix. */
export function stemOf(name: string): string {
  // Kubernetes makes suffixes of five letters without vowels, so that they are no words.
  const stem = name.replace(/(?:[-._]?\d+|-[bcdfghjklmnpqrstvwxz2456789]{5})+$/, "");
  return stem === "" ? name : stem;
}

/** Of whole parts: a name cannot pass for two. */
function keyOf(...parts: readonly string[]): string {
  return digestOf(parts.map((part) => `${part.length}:${part}`).join(""));
}

/** Short, since 512 keys stand in a pool's status: 52 bits of two FNV-1a hashes, from different beginnings. */
function digestOf(text: string): string {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit ^ (low >>> 15), 0x01000193);
  }
  return ((high >>> 0) * 2 ** 20 + ((low >>> 12) & 0xfffff)).toString(36);
}

export interface Observation {
  readonly keys: Keys;
  /** Of one item: in the mean, where an attempt ran several. */
  readonly itemMs: number;
}

/** What is known once these have ended too, in their order. */
export function learn(learned: Learned, observations: readonly Observation[]): Learned {
  if (observations.length === 0) return learned;
  const next = new Map(learned);
  for (const { keys, itemMs } of observations) {
    for (const key of keys) {
      const history = withSample(next.get(key), itemMs);
      // Deleted first, so that it stands last.
      next.delete(key);
      next.set(key, history);
    }
  }
  while (next.size > learnedKeysMax) forgetOne(next);
  return next;
}

function forgetOne(learned: Map<string, History>): void {
  const [oldest = ""] = learned.keys();
  for (const [key, { count }] of learned) {
    if (count > 1) continue;
    learned.delete(key);
    return;
  }
  learned.delete(oldest);
}

/** What is asked about: an item of this task. */
export interface Asked {
  readonly keys: Keys;
  /** What the task itself finished; absent before its first end. */
  readonly own?: History;
  /** What the task says of itself: heard where neither it nor its template has a history. */
  readonly statedItemMs?: number;
  /** How long those run that have not ended, a time an item: of the task itself. */
  readonly runningItemMs?: readonly number[];
}

/** The likely time of one item; undefined where nobody knows anything. */
export function itemMsOf(learned: Learned, { keys, own, statedItemMs, runningItemMs = [] }: Asked): number | undefined {
  const [sameTemplate, ...others] = keys;
  const same = own ?? learned.get(sameTemplate);
  const known = same?.mean ?? statedItemMs ?? others.flatMap((key) => learned.get(key)?.mean ?? [])[0];
  return known === undefined ? undefined : outlived(known, runningItemMs);
}

/**
 * The short ones end first, so those that have ended say too little. Whatever has run longer than the mean counts as if
 * it ended now; to count all that run would make a thousand equal shards a thousand times as long when the first ends.
 */
function outlived(mean: number, runningItemMs: readonly number[]): number {
  const late = runningItemMs.filter((age) => age > mean).sort((a, b) => a - b);
  return late.reduce((raised, age) => raised + learningRate * (age - raised), mean);
}

/** How long a shard of so many items lasts: `limitMs` is its timeout, which it does not outlive. */
export function expectationFor(learned: Learned, asked: Asked, items: number, limitMs?: number): Expectation {
  const itemMs = itemMsOf(learned, asked);
  const likelyMs = itemMs === undefined ? unknownFor(asked.runningItemMs ?? [], items) : itemMs * items;
  return limitMs === undefined ? { likelyMs } : { likelyMs: Math.min(likelyMs, limitMs), limitMs };
}

/** A minute, doubled as often as something of it has outlived that. */
function unknownFor(runningItemMs: readonly number[], items: number): number {
  const longest = Math.max(0, ...runningItemMs) * items;
  let guess = unknownShardMs;
  while (guess < longest) guess *= 2;
  return guess;
}
