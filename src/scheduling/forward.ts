// What a snapshot becomes when time goes on: a plan is carried out, a shard ends. The simulator and the forecast go by it.
// Does not know when anything happens.
import type { Plan } from "./decision.ts";
import type { ActiveShard, Pool, ShardRange, Task } from "./model.ts";

/** What the queues remember after the plan. */
export function withMemory(pools: readonly Pool[], { memory }: Plan): readonly Pool[] {
  return pools.map((pool) => {
    const remembered = memory?.[pool.name];
    return remembered === undefined ? pool : { ...pool, memory: remembered };
  });
}

export function withActive(task: Task, shard: number, node: string, since: number): Task {
  const started: ActiveShard = { shard, attempt: 0, node, request: task.request, state: "Running", since };
  const backingOff = task.backingOff.filter((each) => each.shard !== shard);
  const waiting = without(task.waiting, shard);
  return { ...task, waiting, backingOff, active: [...task.active, started], waitingSince: since };
}

export function withoutActive(task: Task, shard: number): Task {
  const active = task.active.filter((each) => each.shard !== shard);
  return { ...task, active, finished: (task.finished ?? 0) + 1 };
}

function without(ranges: readonly ShardRange[], shard: number): readonly ShardRange[] {
  return ranges.flatMap(({ start, end }) => {
    if (shard < start || shard >= end) return [{ start, end }];
    return [
      { start, end: shard },
      { start: shard + 1, end },
    ].filter((range) => range.start < range.end);
  });
}
