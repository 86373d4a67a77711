// What a snapshot becomes when time goes on: a plan is carried out, a shard ends. The simulator and the forecast go by it.
// Does not know when anything happens.
import type { Decision, Plan } from "./decision.ts";
import type { ActiveShard, Pool, ShardRange, Snapshot, Task } from "./model.ts";
import type { Amounts } from "./resources.ts";

/** What of a plan changes a snapshot. */
export type Carriable = Pick<Plan, "decisions" | "memory">;

/** What the queues remember after the plan. */
export function withMemory(pools: readonly Pool[], { memory }: Carriable): readonly Pool[] {
  return pools.map((pool) => {
    const remembered = memory?.[pool.name];
    return remembered === undefined ? pool : { ...pool, memory: remembered };
  });
}

/** As it is observed once every decision has been carried out: what starts has not begun, what is stopped has not ended. */
export function carriedOut(snapshot: Snapshot, plan: Carriable, now: number): Snapshot {
  const byTask = Map.groupBy(plan.decisions, ({ task }) => task);
  const tasks = snapshot.tasks.map((task) => {
    const decisions = byTask.get(task.key);
    return decisions === undefined ? task : withDecisions(task, decisions, now);
  });
  return { ...snapshot, pools: withMemory(snapshot.pools, plan), tasks };
}

function withDecisions(task: Task, decisions: readonly Decision[], now: number): Task {
  const shards = (kind: Decision["kind"]): ReadonlySet<number> =>
    new Set(decisions.filter((each) => each.kind === kind).map(({ shard }) => shard));
  const started = shards("start");
  const stopped = shards("stop");
  const { request } = task;
  const starts = decisions.flatMap(({ kind, shard, node }): ActiveShard[] =>
    kind === "start" ? [{ shard, attempt: 0, node, request, state: "Starting", since: now }] : [],
  );
  const active = task.active.map(
    (each): ActiveShard => (stopped.has(each.shard) ? { ...each, state: "Stopping" } : each),
  );
  return {
    ...task,
    ...(starts.length > 0 && { waitingSince: now }),
    waiting: without(task.waiting, started),
    backingOff: task.backingOff.filter(({ shard }) => !started.has(shard)),
    active: [...active, ...starts],
  };
}

/** A shard that has begun, in thought: there are thousands. */
class Begun implements ActiveShard {
  readonly shard: number;
  readonly attempt = 0;
  readonly node: string;
  readonly request: Amounts;
  readonly state = "Running";
  readonly since: number;

  constructor(shard: number, node: string, request: Amounts, since: number) {
    this.shard = shard;
    this.node = node;
    this.request = request;
    this.since = since;
  }
}

/** All that starts of the task at one moment: it costs as much as one alone, where thousands run. */
export function withActive(task: Task, starts: readonly Pick<Decision, "shard" | "node">[], since: number): Task {
  const { request } = task;
  const started = starts.map(({ shard, node }) => new Begun(shard, node, request, since));
  const shards = new Set(starts.map(({ shard }) => shard));
  const backingOff = task.backingOff.filter(({ shard }) => !shards.has(shard));
  const waiting = without(task.waiting, shards);
  return { ...task, waiting, backingOff, active: [...task.active, ...started], waitingSince: since };
}

/** All that ends of it at one moment. */
export function withoutActive(task: Task, shards: readonly number[]): Task {
  const ended = new Set(shards);
  const active = task.active.filter(({ shard }) => !ended.has(shard));
  return { ...task, active, finished: (task.finished ?? 0) + ended.size };
}

/** What is left of the ranges; costs by what is gone, however long they are. */
function without(ranges: readonly ShardRange[], gone: Iterable<number>): readonly ShardRange[] {
  const inOrder = [...gone].sort((a, b) => a - b);
  return ranges.flatMap(({ start, end }) => {
    const left: ShardRange[] = [];
    let from = start;
    for (const shard of inOrder) {
      if (shard < from || shard >= end) continue;
      if (from < shard) left.push({ start: from, end: shard });
      from = shard + 1;
    }
    if (from < end) left.push({ start: from, end });
    return left;
  });
}
