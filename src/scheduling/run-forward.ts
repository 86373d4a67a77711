// A plan run forward in time: what it starts runs in thought, and at each end that is expected the planner is asked again.
// Does not know what anybody wants to learn from it.
import type { Decided, Decision, Plan } from "./decision.ts";
import { expectationOf, expectedEnd } from "./estimate.ts";
import { withActive, withMemory, withoutActive } from "./forward.ts";
import { Memo } from "./memo.ts";
import type { ActiveShard, Snapshot, Task } from "./model.ts";
import { decide } from "./plan.ts";
import { earliest } from "./stops.ts";

export interface Moment {
  readonly at: number;
  readonly starts: readonly Decision[];
  /** When the last shard of each task ended of which nothing is left, since the moment before. */
  readonly ended: ReadonlyMap<string, number>;
}

/** What all plans of one run may cost together, counted in tasks that they look at. */
const runWork = 16_000;

/** How many plans a run may take over so many tasks. */
export function plansOver(tasks: number): number {
  return Math.max(8, Math.floor(runWork / Math.max(100, tasks)));
}

/**
 * From `first`, the plan of the snapshot at `start`. Each end is a moment at which the planner is asked again. Where there
 * are more ends than plans that may be made, the next ones count as one moment, the last of theirs: starts are then told
 * rather late than early. So many ends are taken `together` as are stated; else as many as it takes to see the end of all,
 * which makes the last moments the latest. Returns whether the run came to its end: nothing more would happen.
 */
export function* runForward(
  { nodes, ...from }: Snapshot,
  first: Decided,
  start: number,
  together?: number,
  memo: Memo = new Memo(),
): Generator<Moment, boolean> {
  let { pools } = from;
  const live = new Map(from.tasks.map((task) => [task.key, task]));
  let ended: ReadonlyMap<string, number> = new Map();
  let plan = first;
  let now = start;
  for (let plansLeft = plansOver(live.size); ; plansLeft -= 1) {
    const starts = plan.decisions.filter(({ kind }) => kind === "start");
    for (const [key, ofTask] of Map.groupBy(starts, ({ task }) => task)) {
      const task = live.get(key);
      if (task !== undefined) live.set(key, withActive(task, ofTask, now));
    }
    pools = withMemory(pools, plan);
    yield { at: now, starts, ended };
    if (plansLeft === 0) return false;
    const ends = endsOf(live, now);
    const count = Math.min(ends.length, together ?? Math.ceil(ends.length / plansLeft));
    const next = earliest(ends.slice().sort()[count - 1], plan.wakeAt);
    if (next === undefined) return true;
    now = next;
    ended = endAll(live, ends, now);
    plan = decide({ pools, nodes, tasks: [...live.values()] }, now, memo);
  }
}

/** So many tasks in front of each pool's queue are run forward; behind them, only what runs counts. */
const queueDepth = 20;

/**
 * A short queue as it is; of a long one the front, and what runs. Who has all the places that it asked for goes on with
 * its next shards; others behind the front only keep their places.
 */
export function inFront(snapshot: Snapshot, plan: Plan, told: readonly string[]): Snapshot {
  const kept = new Set(told);
  for (const { task, position, reason } of plan.waiting) {
    if (reason === "ParallelismReached" || (position !== undefined && position <= queueDepth)) kept.add(task);
  }
  for (const { task, kind } of plan.decisions) if (kind === "start") kept.add(task);
  const tasks = snapshot.tasks.flatMap((task): Task[] => {
    if (kept.has(task.key)) return [task];
    return task.active.length === 0 ? [] : [{ ...task, waiting: [], backingOff: [] }];
  });
  return { ...snapshot, tasks };
}

/** When each shard that runs ends, by task and place among its shards: numbers alone, since there are thousands a plan. */
function endsOf(live: ReadonlyMap<string, Task>, now: number): Float64Array {
  let count = 0;
  for (const { active } of live.values()) count += active.length;
  const ends = new Float64Array(count);
  let at = 0;
  for (const task of live.values()) {
    const { likelyMs } = expectationOf(task);
    for (const shard of task.active) ends[at++] = endOf(task, shard, likelyMs, now);
  }
  return ends;
}

/** When it is likely to; what has run longer ends when its place is expected back. */
function endOf(task: Task, shard: ActiveShard, likelyMs: number, now: number): number {
  const likely = shard.since + likelyMs;
  return shard.state === "Running" && likely > now ? likely : Math.max(expectedEnd(task, shard, now), now + 1);
}

/** What ends by then, in thought; tasks of which nothing is left are gone, and when their last shard ended is told. */
function endAll(live: Map<string, Task>, ends: Float64Array, by: number): ReadonlyMap<string, number> {
  const ended = new Map<string, number>();
  let first = 0;
  for (const [key, task] of live) {
    const { active } = task;
    const ofTask = ends.subarray(first, first + active.length);
    first += active.length;
    const gone: number[] = [];
    let last = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < ofTask.length; i += 1) {
      const at = ofTask[i] as number;
      if (at > by) continue;
      gone.push((active[i] as ActiveShard).shard);
      last = Math.max(last, at);
    }
    if (gone.length === 0) continue;
    const after = withoutActive(task, gone);
    const isOver = after.active.length + after.waiting.length + after.backingOff.length === 0;
    if (isOver) ended.set(key, last);
    if (isOver) live.delete(key);
    else live.set(key, after);
  }
  return ended;
}
