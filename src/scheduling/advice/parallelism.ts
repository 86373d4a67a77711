// PoolSmallerThanParallelism: a task asks for more shards at once than its pool could hold with all its nodes empty. Alike
// shards leave nothing to plan: how many of them a node and a limit hold is exact.
import { isPassing, selects, tolerates } from "../constraints.ts";
import type { Node, Pool, Task } from "../model.ts";
import { compareText } from "../order/chain.ts";
import { openShards } from "../queue.ts";
import { type Amounts, amountOfText, minus, requestText, times } from "../resources.ts";
import { bySize, moreLike } from "../what-if.ts";
import type { Advice, Situation } from "./advise.ts";
import type { Recommendation } from "./recommendation.ts";

/** How many of a task's shards there could be at once: on all nodes, and under each limit. */
interface Reach {
  readonly onNodes: number;
  readonly under: readonly { readonly pool: Pool; readonly most: number }[];
  readonly most: number;
}

interface Lack {
  readonly task: Task;
  readonly wanted: number;
  readonly reach: Reach;
}

export const poolSmallerThanParallelism: Advice = function* (situation) {
  yield;
  const { whole, held } = situation;
  const root = whole.pools.find(({ parent }) => parent === undefined);
  const reaches = new Map<string, Reach>();
  const worst = new Map<string, Lack>();
  for (const task of whole.tasks) {
    const wanted = Math.min(task.parallelism ?? 0, task.active.length + openShards(task));
    if (wanted < 2 || task.blocked !== undefined || task.stop !== undefined) continue;
    if (held.lineageOf(task.pool).at(-1) !== root) continue;
    const ask = JSON.stringify([task.pool, task.request, task.constraints]);
    const reach = reaches.get(ask) ?? reachOf(task, situation);
    reaches.set(ask, reach);
    if (reach.most === 0 || reach.most >= wanted) continue;
    const lack = { task, wanted, reach };
    const known = worst.get(task.pool);
    if (known === undefined || byLack(lack, known) < 0) worst.set(task.pool, lack);
  }
  return [...worst.values()].map((lack) => told(lack, situation));
};

function told({ task, wanted, reach }: Lack, { whole }: Situation): Recommendation {
  const { onNodes, under, most } = reach;
  const takes = under
    .filter((each) => each.most < wanted)
    .map(({ pool }) => `a limit of ${limitText(pool, task, wanted)} for ${pool.name}`);
  const like = whole.nodes
    .filter((node) => admitsEver(node, task) && timesIn(node.allocatable, task) > 0)
    .sort(bySize)[0];
  const each = like === undefined ? 0 : Math.max(...moreLike(like, whole.nodes, 1).map((node) => placesOn(node, task)));
  if (onNodes < wanted && like !== undefined && each > 0) {
    const count = Math.ceil((wanted - onNodes) / each);
    takes.push(`${count} more ${count === 1 ? "node" : "nodes"} like ${like.name} (${requestText(like.allocatable)})`);
  }
  return {
    type: "PoolSmallerThanParallelism",
    pool: task.pool,
    reason: `${task.key} asks for ${wanted} shards at once, and ${task.pool} could hold ${most} of them if nothing else ran`,
    gain: `${most} -> ${wanted} shards at once`,
    cost: `${takes.join(" and ")}; parallelism ${most} changes nothing, and says what there is`,
  };
}

function reachOf(task: Task, { whole, held }: Situation): Reach {
  const onNodes = whole.nodes
    .filter((node) => admitsEver(node, task))
    .reduce((sum, node) => sum + placesOn(node, task), 0);
  const under = held
    .lineageOf(task.pool)
    .flatMap((pool) => (pool.limit === undefined ? [] : { pool, most: timesUnder(pool.limit, task.request) }));
  return { onNodes, under, most: Math.min(onNodes, ...under.map(({ most }) => most)) };
}

/** What is cordoned or not ready may come back; what Pods of others hold stays. */
function placesOn({ allocatable, foreign }: Node, task: Task): number {
  return timesIn(minus(allocatable, foreign), task);
}

function timesIn(room: Amounts, { request }: Task): number {
  const counts = Object.entries(request).map(([name, amount]) => (amount > 0 ? (room[name] ?? 0) / amount : Infinity));
  return Math.max(0, Math.floor(Math.min(...counts)));
}

/** A limit says nothing of what it does not name. */
function timesUnder(limit: Amounts, request: Amounts): number {
  const named = Object.entries(request).filter(([name, amount]) => amount > 0 && limit[name] !== undefined);
  return Math.min(...named.map(([name, amount]) => Math.floor((limit[name] ?? 0) / amount)));
}

function admitsEver(node: Node, { constraints }: Task): boolean {
  return (
    selects(constraints, node) &&
    tolerates(
      constraints,
      node.taints.filter((taint) => !isPassing(taint)),
    )
  );
}

function limitText({ limit = {} }: Pool, { request }: Task, wanted: number): string {
  const needed = times(request, wanted);
  const raised = Object.keys(limit).filter((name) => (needed[name] ?? 0) > (limit[name] ?? 0));
  return raised
    .sort()
    .map((name) => amountOfText(name, needed[name] ?? 0))
    .join(" and ");
}

/** Who lacks most, then by name. */
function byLack(a: Lack, b: Lack): number {
  return b.wanted - b.reach.most - (a.wanted - a.reach.most) || compareText(a.task.key, b.task.key);
}
