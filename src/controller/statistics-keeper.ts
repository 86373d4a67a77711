// Feeds the statistics of a tree's pools from what two observations differ in. A restart begins a new window: what records and
// status do not hold is not made up.
import {
  boundedSlowdownMilli,
  countAt,
  observeAt,
  type Plan,
  type PoolEvent,
  type PoolStatistics,
  type StatisticsState,
  startStatistics,
  statisticsOf,
} from "../scheduling/index.ts";
import type { Observed } from "./observe.ts";
import type { ObservedPool } from "./observed/pools.ts";
import type { ObservedTask } from "./observed/task.ts";
import { levelsOf } from "./pool-levels.ts";

interface Seen {
  readonly ended: number;
  readonly started: boolean;
  readonly finished: boolean;
}

interface Promised {
  /** UID of the task that waits in front. */
  readonly task: string;
  /** When it was first expected to start. */
  readonly at: number;
}

export class StatisticsKeeper {
  /** By the pool's name. */
  readonly #states = new Map<string, StatisticsState>();
  readonly #promised = new Map<string, Promised>();
  /** By the task's uid. */
  readonly #seen = new Map<string, Seen>();
  /** Tasks at rest as they were seen last: the same one again has nothing new to tell. */
  readonly #resting = new WeakSet<ObservedTask>();
  readonly #since: number;

  constructor(now: number) {
    this.#since = now;
  }

  /** The numbers of each pool of the tree, by its name. */
  update(observed: Observed, plan: Plan, now: number): ReadonlyMap<string, PoolStatistics> {
    const events = this.#eventsByPool(observed, plan, now);
    for (const name of this.#states.keys()) if (!observed.pools.has(name)) this.#forget(name);
    return new Map(
      [...observed.pools].map(([name, pool]) => {
        const levels = levelsOf(observed, pool, plan);
        const before = this.#states.get(name) ?? startStatistics(now);
        const counted = countAt(observeAt(before, now, levels), now, events.get(pool) ?? []);
        this.#states.set(name, counted);
        return [name, statisticsOf(counted, now)];
      }),
    );
  }

  #eventsByPool(observed: Observed, plan: Plan, now: number): ReadonlyMap<ObservedPool, readonly PoolEvent[]> {
    const events = new Map<ObservedPool, PoolEvent[]>();
    const tell = (pool: ObservedPool | undefined, told: readonly PoolEvent[]): void => {
      for (const each of pool?.lineage ?? []) {
        const ofPool = events.get(each);
        // A plan may start a thousand shards: a new list for each of them would cost more than the plan.
        if (ofPool === undefined) events.set(each, [...told]);
        else ofPool.push(...told);
      }
    };
    const poolOf = (task: ObservedTask): ObservedPool | undefined =>
      observed.pools.get(task.object.spec?.poolRef?.name);
    for (const task of observed.tasks) {
      if (this.#resting.has(task)) continue;
      const { uid } = task.object.metadata;
      const next = seenOf(task);
      // What began before us is not counted as having happened now.
      const before =
        this.#seen.get(uid) ?? (createdMs(task) < this.#since ? next : { ended: 0, started: false, finished: false });
      const told = eventsOf(task, before, next, now);
      if (told.length > 0) tell(poolOf(task), told);
      this.#seen.set(uid, next);
      if (task.stage.kind === "Finished" || task.firstDecided === undefined) this.#resting.add(task);
    }
    const there = observed.asleep.reduce((sum, { size }) => sum + size, observed.tasks.length);
    if (this.#seen.size > there) this.#forgetTheGone(observed);
    const started = new Set<string>();
    for (const decision of plan.decisions) {
      const task = decision.kind === "start" && observed.byKey.get(decision.task);
      if (!task) continue;
      started.add(task.object.metadata.uid);
      tell(poolOf(task), [{ kind: "shardStarted", waitMs: Math.max(0, now - waitingSince(task, decision.shard)) }]);
    }
    for (const [name, pool] of observed.pools) {
      const promised = this.#promised.get(name);
      const head = plan.memory?.[name]?.head;
      const hasStarted = promised !== undefined && started.has(promised.task);
      if (hasStarted) tell(pool, [{ kind: "headStarted", delayMs: Math.max(0, now - promised.at) }]);
      if (head === undefined) this.#promised.delete(name);
      else if (hasStarted || promised?.task !== head.task) this.#promised.set(name, head);
    }
    return events;
  }

  #forgetTheGone({ tasks, asleep }: Observed): void {
    const there = new Set(tasks.map(({ object }) => object.metadata.uid));
    for (const sleepers of asleep) for (const uid of sleepers.keys()) there.add(uid);
    for (const uid of this.#seen.keys()) if (!there.has(uid)) this.#seen.delete(uid);
  }

  #forget(pool: string): void {
    this.#states.delete(pool);
    this.#promised.delete(pool);
  }
}

function createdMs({ object }: ObservedTask): number {
  return Date.parse(object.metadata.creationTimestamp);
}

function waitingSince(task: ObservedTask, shard: number): number {
  return Math.max(createdMs(task), task.memory?.work?.account.retryAt(shard) ?? 0);
}

function seenOf({ memory, object, stage, firstDecided }: ObservedTask): Seen {
  const account = memory?.work?.account;
  return {
    ended: account === undefined ? (object.status?.items?.succeeded ?? 0) : account.done.count + account.failedCount,
    started: firstDecided !== undefined || object.status?.startTime !== undefined,
    finished: stage.kind === "Ended" || stage.kind === "Finished",
  };
}

function eventsOf(task: ObservedTask, before: Seen, next: Seen, now: number): readonly PoolEvent[] {
  const events: PoolEvent[] = [];
  if (next.ended > before.ended) events.push({ kind: "itemsFinished", count: next.ended - before.ended });
  const created = createdMs(task);
  if (next.started && !before.started) {
    events.push({ kind: "taskStarted", firstStartMs: Math.max(0, (task.firstDecided ?? now) - created) });
  }
  if (next.finished && !before.finished) {
    const responseMs = Math.max(0, now - created);
    const workMs = task.memory?.work?.account.facts.workMs ?? task.object.status?.statistics?.workMs ?? 0;
    const shards = task.memory?.work?.account.shards ?? 1;
    const places = Math.max(1, Math.min(shards, task.spec?.parallelism ?? shards));
    events.push({ kind: "taskEnded", responseMs, slowdownMilli: boundedSlowdownMilli(responseMs, workMs, places) });
  }
  return events;
}
