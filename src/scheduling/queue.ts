// Who stands in the queue, and how many shards each may start now. Does not know nodes, nor what is free.
import type { TaskReason } from "./decision.ts";
import type { Task } from "./model.ts";

/** A task that may start shards, if there is room. */
export class Queued {
  readonly task: Task;
  /** Shards that may start, whether or not the task's parallelism lets them. */
  readonly startable: number;
  /** Places that the task's parallelism leaves it, perhaps none; infinite where it states none. */
  readonly places: number;

  constructor(task: Task, startable: number) {
    this.task = task;
    this.startable = startable;
    this.places = Math.max(0, (task.parallelism ?? Number.POSITIVE_INFINITY) - task.active.length);
  }
}

/** A task of which nothing may start, and why; or nothing is left to start and it needs no reason. */
export interface Idle {
  readonly task: Task;
  readonly reason?: TaskReason;
  readonly message?: string;
}

/** Where a task stands in the queue of its pool at any moment; undefined where it depends on the moment. */
export function standingAnyTime(task: Task): Queued | Idle | undefined {
  const { blocked, backingOff } = task;
  return blocked === undefined && backingOff.length === 0 ? standing(task, true, undefined, 0) : undefined;
}

/** Where the task stands. Without `hasPool` the one that it names does not exist or, as `problem` says, has no place. */
export function standing(task: Task, hasPool: boolean, problem: string | undefined, now: number): Queued | Idle {
  if (task.blocked && !isLifted(task.blocked.until, now)) {
    const { reason, message } = task.blocked;
    return hasWork(task) || task.active.length === 0 ? { task, reason, message } : { task };
  }
  if (task.stop !== undefined) {
    return hasWork(task)
      ? { task, reason: "Suspended", message: `nothing starts while the task is stopped (${task.stop})` }
      : { task };
  }
  if (!hasPool && hasWork(task)) return withoutPool(task, problem);
  const startable = countStartable(task, now);
  if (!hasPool || startable === 0) return task.backingOff.length === 0 ? { task } : backingOff(task, now);
  return new Queued(task, startable);
}

export function isQueued(standing: Queued | Idle): standing is Queued {
  return standing instanceof Queued;
}

/** The reason of a task that has all the places it asked for. */
export function atParallelism(task: Task, waiting: number, holding: number): Idle {
  const message = `${holding} of at most ${task.parallelism} shards hold a place; ${waiting} more wait for one of them`;
  return { task, reason: "ParallelismReached", message };
}

/** The reason of a task all of whose open shards wait out the delay after an attempt; none if there are none. */
export function backingOff(task: Task, now: number): Idle {
  const ends = task.backingOff.map(({ until }) => until).filter((until) => until > now);
  if (ends.length === 0) return { task };
  const next = new Date(ends.reduce((a, b) => Math.min(a, b))).toISOString().replace(/\.\d+Z$/, "Z");
  const message =
    ends.length === 1
      ? `1 shard waits until ${next}, after an attempt that did not succeed`
      : `${ends.length} shards wait after attempts that did not succeed, the next until ${next}`;
  return { task, reason: "BackingOff", message };
}

function withoutPool(task: Task, problem: string | undefined): Idle {
  if (problem !== undefined) return { task, reason: "PoolNotReady", message: `${task.pool}: ${problem}` };
  return { task, reason: "PoolNotFound", message: `there is no pool ${task.pool}` };
}

function isLifted(until: number | undefined, now: number): boolean {
  return until !== undefined && until <= now;
}

function hasWork(task: Task): boolean {
  return openShards(task) > 0;
}

function countStartable(task: Task, now: number): number {
  return openShards(task) - task.backingOff.filter(({ until }) => until > now).length;
}

/** Something of it runs, has ended, or did so once: its minimum is behind it. */
export function hasStarted({ active, finished = 0, hasStarted = false }: Task): boolean {
  return hasStarted || active.length > 0 || finished > 0;
}

/** Shards that hold no place and have not ended for good, those included that wait out a delay. */
export function openShards({ waiting, backingOff }: Task): number {
  return waiting.reduce((count, { start, end }) => count + Math.max(0, end - start), backingOff.length);
}

/** The numbers of the shards that may start, in the order in which they shall; a plan walks through no others. */
export function* startableShards(task: Task, now: number): Generator<number, undefined> {
  const retries = task.backingOff.filter(({ until }) => until <= now).map(({ shard }) => shard);
  yield* retries.sort((a, b) => a - b);
  for (const { start, end } of task.waiting) for (let shard = start; shard < end; shard += 1) yield shard;
}
