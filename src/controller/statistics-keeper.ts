// Feeds a pool's statistics from what two observations differ in. A restart begins a new window: what records and
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
import type { Observed, ObservedTask } from "./observe.ts";

interface Seen {
  readonly ended: number;
  readonly started: boolean;
  readonly finished: boolean;
}

export class StatisticsKeeper {
  #state: StatisticsState;
  #seen = new Map<string, Seen>();
  readonly #since: number;

  constructor(now: number) {
    this.#state = startStatistics(now);
    this.#since = now;
  }

  update(observed: Observed, plan: Plan, now: number): PoolStatistics {
    const resources = Object.fromEntries(
      plan.usage.map(({ name, capacity, foreign, allocated }) => [
        name,
        { available: Math.max(0, capacity - foreign), allocated },
      ]),
    );
    this.#state = observeAt(this.#state, now, { resources, shares: [] });
    const seen = new Map<string, Seen>();
    const events: PoolEvent[] = [];
    for (const task of observed.tasks) {
      const { uid } = task.object.metadata;
      const next = seenOf(task);
      // What began before us is not counted as having happened now.
      const before =
        this.#seen.get(uid) ?? (createdMs(task) < this.#since ? next : { ended: 0, started: false, finished: false });
      events.push(...eventsOf(task, before, next, now));
      seen.set(uid, next);
    }
    this.#seen = seen;
    const tasks = new Map(observed.tasks.map((task) => [task.key, task]));
    for (const decision of plan.decisions) {
      const task = decision.kind === "start" && tasks.get(decision.task);
      if (task) events.push({ kind: "shardStarted", waitMs: Math.max(0, now - waitingSince(task, decision.shard)) });
    }
    if (events.length > 0) this.#state = countAt(this.#state, now, events);
    return statisticsOf(this.#state, now);
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
