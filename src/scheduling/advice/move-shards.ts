// MoveShards: a large shard fits on no node, though enough is free in sum. Which shards of which node would find room
// elsewhere, so that it does. The planner says where; what is moved is stopped, and runs again.
import type { ActiveShard, Node, Snapshot, Task } from "../model.ts";
import { compareText } from "../order/chain.ts";
import { decide } from "../plan.ts";
import { hasStarted } from "../queue.ts";
import { type Amounts, covers, minus, plus } from "../resources.ts";
import { admits } from "../what-if.ts";
import type { AdviceKind, Situation } from "./advise.ts";
import { savedText, waitText } from "./recommendation.ts";

const tasksMax = 2;
const movesMax = 3;
const shardsNamed = 5;

interface Running {
  readonly task: Task;
  readonly shard: ActiveShard;
  /** What has been done of it, and would be done again. */
  readonly lostMs: number;
}

interface Move {
  readonly node: Node;
  readonly shards: readonly Running[];
  readonly lostMs: number;
}

export const moveShards: AdviceKind = function* (situation) {
  const { snapshot, front, trials, memo, now } = situation;
  const root = snapshot.pools.find(({ parent }) => parent === undefined);
  const large = front.filter(({ task, waiting: { reason } }) => {
    const isAlone = hasStarted(task) || (task.minParallelism ?? 1) === 1;
    return reason === "NoNodeFits" && isAlone;
  });
  if (root === undefined || large.length === 0) return [];
  yield;
  const running = runningBy(situation);
  for (const { task, waiting } of large.slice(0, tasksMax)) {
    yield;
    for (const { node, shards, lostMs } of movesFor(task, running, situation)) {
      const changed = shards.reduce(withStopped, snapshot);
      const again = new Set(shards.map(idOf));
      yield;
      const starts = decide(changed, now, memo).decisions.filter(({ kind }) => kind === "start");
      const onceMore = starts.filter((start) => again.has(`${start.task}/${start.shard}`));
      if (onceMore.length < shards.length || !starts.some((start) => start.task === task.key)) continue;
      const tasks = new Set([task.key]);
      const found = yield* trials.savedBy(changed, tasks, again);
      if (found === undefined) continue;
      return [
        {
          type: "MoveShards",
          pool: root.name,
          reason: `${task.key} waits: ${waiting.message}`,
          gain: savedText(found.saved),
          cost: `stop ${shardsText(shards)} on ${node.name}, to run again elsewhere: ${waitText(lostMs)} of work is lost`,
          found,
        },
      ];
    }
  }
  return [];
};

/** What may be moved, by node. */
function runningBy({ whole, now }: Situation): ReadonlyMap<string, readonly Running[]> {
  const running = whole.tasks.flatMap((task) =>
    task.stop !== undefined
      ? []
      : task.active
          .filter(({ state }) => state !== "Stopping")
          .map((shard): Running => ({ task, shard, lostMs: Math.max(0, now - shard.since) })),
  );
  return Map.groupBy(running, ({ shard }) => shard.node);
}

/** For each node that could hold one of its shards those that lose least, of nobody more important; the cheapest node first. */
function movesFor(
  large: Task,
  running: ReadonlyMap<string, readonly Running[]>,
  { snapshot, held }: Situation,
): readonly Move[] {
  const moves = snapshot.nodes.flatMap((node): Move[] => {
    if (!node.ready || node.cordoned || !admits(node, large)) return [];
    const movable = (running.get(node.name) ?? []).filter(
      ({ task }) => task.key !== large.key && task.priority <= large.priority,
    );
    const shards = fewest(movable, held.freeOn(node), large.request);
    if (shards.length === 0) return [];
    return [{ node, shards, lostMs: shards.reduce((sum, { lostMs }) => sum + lostMs, 0) }];
  });
  return moves.sort((a, b) => a.lostMs - b.lostMs || compareText(a.node.name, b.node.name)).slice(0, movesMax);
}

/** Those that lose least until the request fits, less those without which it fits all the same; none where it never does. */
function fewest(movable: readonly Running[], free: Amounts, request: Amounts): readonly Running[] {
  const inOrder = [...movable].sort((a, b) => a.lostMs - b.lostMs || compareText(idOf(a), idOf(b)));
  const chosen: Running[] = [];
  let room = free;
  for (const each of inOrder) {
    if (covers(room, request)) break;
    chosen.push(each);
    room = plus(room, each.shard.request);
  }
  if (!covers(room, request)) return [];
  return chosen.reverse().filter(({ shard }) => {
    const without = minus(room, shard.request);
    if (!covers(without, request)) return true;
    room = without;
    return false;
  });
}

function withStopped(snapshot: Snapshot, { task: { key }, shard: { shard } }: Running): Snapshot {
  const tasks = snapshot.tasks.map((task): Task => {
    if (task.key !== key) return task;
    const waiting = [...task.waiting, { start: shard, end: shard + 1 }].sort((a, b) => a.start - b.start);
    return { ...task, waiting, active: task.active.filter((each) => each.shard !== shard), hasStarted: true };
  });
  return { ...snapshot, tasks };
}

function idOf({ task, shard }: Running): string {
  return `${task.key}/${shard.shard}`;
}

function shardsText(shards: readonly Running[]): string {
  const named = shards.slice(0, shardsNamed).map(({ task, shard }) => `shard ${shard.shard} of ${task.key}`);
  const others = shards.length - named.length;
  return others > 0 ? `${named.join(", ")} and ${others} more` : named.join(", ");
}
