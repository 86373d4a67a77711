// A pool's numbers over the last hour, kept by change points: between two of them the levels are known to be constant,
// so integrals are exact and nothing is sampled. Small, plain state. Does not know objects, nor who reports what.

/** What holds from one change point to the next. */
export interface PoolLevels {
  /** By resource: capacity minus foreign, and what our shards hold of it. */
  readonly resources: Readonly<Record<string, { readonly available: number; readonly allocated: number }>>;
  /** Of each party with demand, its dominant share ÷ its entitlement. */
  readonly shares: readonly number[];
}

export type PoolEvent =
  /** Items came to their end, whatever it was. */
  | { readonly kind: "itemsFinished"; readonly count: number }
  /** From the moment at which the shard could have started (creation, end of a delay) to the decision to start it. */
  | { readonly kind: "shardStarted"; readonly waitMs: number }
  /** The first shard of a task: from the task's submission to the start of its container. */
  | { readonly kind: "taskStarted"; readonly firstStartMs: number }
  /** A task that waited in front has begun: how much later than it was first promised. */
  | { readonly kind: "headStarted"; readonly delayMs: number }
  /** From the task's submission to its end; see `boundedSlowdownMilli`. */
  | { readonly kind: "taskEnded"; readonly responseMs: number; readonly slowdownMilli: number };

export interface PoolStatistics {
  readonly asOf: number;
  /** What the numbers cover: less than the window while the pool is young, and up to a bucket less. */
  readonly windowMs: number;
  /** U = allocated × time ÷ available × time, of the resource that is used most. */
  readonly utilizationPercent: number;
  readonly utilizationPercentOf: Readonly<Record<string, number>>;
  /** By resource, what was held in the mean of the five minutes in which most was. */
  readonly busiest: Readonly<Record<string, number>>;
  readonly itemsPerSecondMilli: number;
  /** Means are absent while there is nothing to take the mean of. */
  readonly meanFirstStartMs?: number;
  readonly meanWaitMs?: number;
  readonly meanResponseMs?: number;
  readonly boundedSlowdownMilli?: number;
  readonly headDelayMs?: number;
  /** Jain's index, mean over the time in which at least two parties had demand. */
  readonly fairnessPercent?: number;
}

/** Plain and small: at most thirteen buckets. */
export interface StatisticsState {
  readonly since: number;
  readonly at: number;
  readonly levels: PoolLevels;
  readonly buckets: readonly Bucket[];
}

/** Sums over one stretch of time. Sums of amount × time may pass 2^53 and are rounded, by parts in 10^15. */
interface Bucket {
  readonly start: number;
  readonly available: Readonly<Record<string, number>>;
  readonly allocated: Readonly<Record<string, number>>;
  readonly contendedMs: number;
  readonly fairMs: number;
  readonly items: number;
  readonly waits: Mean;
  readonly firstStarts: Mean;
  readonly responses: Mean;
  readonly slowdowns: Mean;
  readonly headDelays: Mean;
}

interface Mean {
  readonly count: number;
  readonly sum: number;
}

export const statisticsWindowMs = 3_600_000;
const bucketMs = 300_000;

export function startStatistics(now: number): StatisticsState {
  return { since: now, at: now, levels: { resources: {}, shares: [] }, buckets: [] };
}

/** A change point: what held until now is accounted, `levels` hold from now on. */
export function observeAt(state: StatisticsState, now: number, levels: PoolLevels): StatisticsState {
  return { ...accountUntil(state, now), levels };
}

/** Counts what happened at `now`. */
export function countAt(state: StatisticsState, now: number, events: readonly PoolEvent[]): StatisticsState {
  const accounted = accountUntil(state, now);
  const earlier = accounted.buckets.filter(({ start }) => start !== bucketStart(accounted.at));
  const current = accounted.buckets.find(({ start }) => start === bucketStart(accounted.at));
  const counted = events.reduce(withEvent, current ?? emptyBucket(bucketStart(accounted.at)));
  return { ...accounted, buckets: [...earlier, counted] };
}

export function statisticsOf(state: StatisticsState, now: number): PoolStatistics {
  const { since, at, buckets } = accountUntil(state, now);
  const from = Math.max(since, windowStart(at));
  const windowMs = at - from;
  const available = sumByResource(buckets.map((bucket) => bucket.available));
  const allocated = sumByResource(buckets.map((bucket) => bucket.allocated));
  const utilizationPercentOf = Object.fromEntries(
    Object.entries(available).map(([name, total]) => [name, percent(allocated[name] ?? 0, total)]),
  );
  const contendedMs = sum(buckets.map((bucket) => bucket.contendedMs));
  const items = sum(buckets.map((bucket) => bucket.items));
  const firstStart = meanOf(buckets.map((bucket) => bucket.firstStarts));
  const wait = meanOf(buckets.map((bucket) => bucket.waits));
  const response = meanOf(buckets.map((bucket) => bucket.responses));
  const slowdown = meanOf(buckets.map((bucket) => bucket.slowdowns));
  const headDelay = meanOf(buckets.map((bucket) => bucket.headDelays));
  return {
    asOf: at,
    windowMs,
    utilizationPercent: Object.values(utilizationPercentOf).reduce((a, b) => Math.max(a, b), 0),
    utilizationPercentOf,
    busiest: busiestOf(buckets, from, at),
    itemsPerSecondMilli: windowMs > 0 ? Math.round((items * 1_000_000) / windowMs) : 0,
    ...(firstStart !== undefined && { meanFirstStartMs: firstStart }),
    ...(wait !== undefined && { meanWaitMs: wait }),
    ...(response !== undefined && { meanResponseMs: response }),
    ...(slowdown !== undefined && { boundedSlowdownMilli: slowdown }),
    ...(headDelay !== undefined && { headDelayMs: headDelay }),
    ...(contendedMs > 0 && { fairnessPercent: percent(sum(buckets.map((bucket) => bucket.fairMs)), contendedMs) }),
  };
}

/**
 * A task's response against the time that it would have taken alone on the pool: response ÷ max(10 s, W ÷ places),
 * never below 1. `places` is the smaller of the task's parallelism and what the pool could hold of its shards.
 */
export function boundedSlowdownMilli(responseMs: number, workMs: number, places: number): number {
  return Math.max(1000, Math.round((1000 * responseMs) / Math.max(10_000, workMs / Math.max(1, places))));
}

/** Jain's index: 1 when all have the same, 1/n when one has all. Nobody having anything is fair. */
export function fairness(shares: readonly number[]): number {
  const squares = sum(shares.map((share) => share * share));
  return squares === 0 ? 1 : sum(shares) ** 2 / (shares.length * squares);
}

/** One who contends for a pool: what it holds, would hold if there were room, and has reserved, as shares of the pool. */
export interface Party {
  readonly held: number;
  readonly wanted: number;
  readonly reserved: number;
  readonly weight: number;
}

/**
 * What each party that wants something holds, against what it is entitled to: its reservation as far as it wants it,
 * then of what is left as much as its weight gives, nobody more than it wants (max-min fairness).
 */
export function satisfaction(parties: readonly Party[]): readonly number[] {
  const wanting = parties.filter(({ wanted }) => wanted > 0);
  const entitled = wanting.map(({ wanted, reserved }) => Math.min(wanted, reserved));
  let left = Math.max(0, 1 - sum(entitled));
  let open = wanting.map((_, i) => i).filter((i) => (entitled[i] ?? 0) < (wanting[i]?.wanted ?? 0));
  while (open.length > 0 && left > 1e-12) {
    const weights = sum(open.map((i) => wanting[i]?.weight ?? 0));
    const given = open.map((i) => {
      const lacks = (wanting[i]?.wanted ?? 0) - (entitled[i] ?? 0);
      return [i, Math.min(lacks, (left * (wanting[i]?.weight ?? 0)) / weights), lacks] as const;
    });
    for (const [i, amount] of given) entitled[i] = (entitled[i] ?? 0) + amount;
    left -= sum(given.map(([, amount]) => amount));
    const unsatisfied = given.filter(([, amount, lacks]) => amount < lacks).map(([i]) => i);
    if (unsatisfied.length === open.length) break;
    open = unsatisfied;
  }
  return wanting.map(({ held }, i) => held / (entitled[i] || 1));
}

/** Splits the time since the last change point at the borders of buckets; a clock that went back accounts nothing. */
function accountUntil(state: StatisticsState, now: number): StatisticsState {
  const until = Math.max(state.at, now);
  const oldest = windowStart(until);
  const buckets = state.buckets.filter(({ start }) => start >= oldest);
  let last = buckets.at(-1);
  for (let from = Math.max(state.at, oldest); from < until; ) {
    const start = bucketStart(from);
    const to = Math.min(until, start + bucketMs);
    if (last?.start === start) buckets.pop();
    else last = emptyBucket(start);
    last = withTime(last, state.levels, to - from);
    buckets.push(last);
    from = to;
  }
  return { ...state, at: until, buckets };
}

/** The first border within the window: only whole buckets and the current one count. */
function windowStart(now: number): number {
  return Math.ceil((now - statisticsWindowMs) / bucketMs) * bucketMs;
}

function bucketStart(time: number): number {
  return Math.floor(time / bucketMs) * bucketMs;
}

function emptyBucket(start: number): Bucket {
  const none: Mean = { count: 0, sum: 0 };
  const means = { waits: none, firstStarts: none, responses: none, slowdowns: none, headDelays: none };
  return { start, available: {}, allocated: {}, contendedMs: 0, fairMs: 0, items: 0, ...means };
}

function withTime(bucket: Bucket, { resources, shares }: PoolLevels, durationMs: number): Bucket {
  const available: Record<string, number> = { ...bucket.available };
  const allocated: Record<string, number> = { ...bucket.allocated };
  for (const [name, level] of Object.entries(resources)) {
    available[name] = (available[name] ?? 0) + level.available * durationMs;
    // A node that vanished under its shards leaves more allocated than there is: no more than all can be used.
    allocated[name] = (allocated[name] ?? 0) + Math.min(level.allocated, level.available) * durationMs;
  }
  if (shares.length < 2) return { ...bucket, available, allocated };
  const contendedMs = bucket.contendedMs + durationMs;
  const fairMs = bucket.fairMs + fairness(shares) * durationMs;
  return { ...bucket, available, allocated, contendedMs, fairMs };
}

function withEvent(bucket: Bucket, event: PoolEvent): Bucket {
  switch (event.kind) {
    case "itemsFinished":
      return { ...bucket, items: bucket.items + event.count };
    case "shardStarted":
      return { ...bucket, waits: withValue(bucket.waits, event.waitMs) };
    case "taskStarted":
      return { ...bucket, firstStarts: withValue(bucket.firstStarts, event.firstStartMs) };
    case "headStarted":
      return { ...bucket, headDelays: withValue(bucket.headDelays, event.delayMs) };
    case "taskEnded":
      return {
        ...bucket,
        responses: withValue(bucket.responses, event.responseMs),
        slowdowns: withValue(bucket.slowdowns, event.slowdownMilli),
      };
  }
}

function withValue({ count, sum: total }: Mean, value: number): Mean {
  return { count: count + 1, sum: total + value };
}

function meanOf(means: readonly Mean[]): number | undefined {
  const count = sum(means.map((each) => each.count));
  return count > 0 ? Math.round(sum(means.map((each) => each.sum)) / count) : undefined;
}

function busiestOf(buckets: readonly Bucket[], from: number, until: number): Record<string, number> {
  const busiest: Record<string, number> = {};
  for (const { start, allocated } of buckets) {
    const ms = Math.min(until, start + bucketMs) - Math.max(from, start);
    for (const [name, sum] of Object.entries(allocated)) {
      if (ms > 0) busiest[name] = Math.max(busiest[name] ?? 0, Math.round(sum / ms));
    }
  }
  return busiest;
}

function sumByResource(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const one of all) for (const [name, value] of Object.entries(one)) total[name] = (total[name] ?? 0) + value;
  return total;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function percent(part: number, whole: number): number {
  return whole > 0 ? Math.round((100 * part) / whole) : 0;
}
