// PoolSmallerThanParallelism: a task asks for more shards at once than its pool could hold with all its nodes empty. Alike
// shards leave nothing to plan: how many of them a node and a limit hold is exact.
import { admitsEver } from "../constraints.ts";
import type { Holdings } from "../holdings.ts";
import type { Node, Pool, Task } from "../model.ts";
import { compareText } from "../order/chain.ts";
import { openShards } from "../queue.ts";
import { type Amounts, amountOfText, minus, requestText, times } from "../resources.ts";
import { bySize, moreLike } from "../what-if.ts";
import type { AdviceKind, Situation } from "./advise.ts";
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

/** So many kinds of shards are looked at, those first of which most are wanted at once. */
const kindsMax = 50;

export const poolSmallerThanParallelism: AdviceKind = function* (situation) {
  const { whole, held } = situation;
  yield;
  const root = whole.pools.find(({ parent }) => parent === undefined);
  const wanting = whole.tasks
    .filter(({ blocked, stop }) => blocked === undefined && stop === undefined)
    .map((task) => ({ task, wanted: Math.min(task.parallelism ?? 0, task.active.length + openShards(task)) }))
    .filter(({ task, wanted }) => wanted > 1 && held.lineageOf(task.pool).at(-1) === root)
    .sort((a, b) => b.wanted - a.wanted || compareText(a.task.key, b.task.key));
  const places = new Map<string, number>();
  const worst = new Map<string, Lack>();
  for (const { task, wanted } of wanting) {
    const kind = JSON.stringify([task.request, task.constraints]);
    if (!places.has(kind)) {
      if (places.size === kindsMax) continue;
      yield;
      places.set(kind, placesFor(task, whole.nodes));
    }
    const reach = reachOf(task, places.get(kind) ?? 0, held);
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
    .filter((node) => admitsEver(task.constraints, node) && placesOn(node, task) > 0)
    .sort(bySize)[0];
  if (onNodes < wanted && like !== undefined) {
    const [more = like] = moreLike(like, whole.nodes, 1);
    const count = Math.ceil((wanted - onNodes) / placesOn(more, task));
    takes.push(`${count} more ${count === 1 ? "node" : "nodes"} like ${like.name} (${requestText(like.allocatable)})`);
  }
  return {
    type: "PoolSmallerThanParallelism",
    pool: task.pool,
    reason: `${task.key} asks for ${wanted} shards at once, and ${task.pool} could hold ${most} of them if nothing else ran`,
    gain: `${most} -> ${wanted} shards at once`,
    cost: `${takes.join(" and ")}; or parallelism ${most}, which is all that it can have now`,
  };
}

function placesFor(task: Task, nodes: readonly Node[]): number {
  return nodes.reduce((sum, node) => sum + (admitsEver(task.constraints, node) ? placesOn(node, task) : 0), 0);
}

function reachOf({ pool: name, request }: Task, onNodes: number, held: Holdings): Reach {
  const under = held
    .lineageOf(name)
    .flatMap((pool) => (pool.limit === undefined ? [] : { pool, most: timesUnder(pool.limit, request) }));
  return { onNodes, under, most: Math.min(onNodes, ...under.map(({ most }) => most)) };
}

/** What is cordoned or not ready may come back; what Pods of others hold stays. */
function placesOn({ allocatable, foreign }: Node, task: Task): number {
  return timesIn(minus(allocatable, foreign), task);
}

function timesIn(room: Amounts, { request }: Task): number {
  const counts = Object.entries(request).map(([name, amount]) =>
    amount > 0 ? (room[name] ?? 0) / amount : Number.POSITIVE_INFINITY,
  );
  return Math.max(0, Math.floor(Math.min(...counts)));
}

/** A limit says nothing of what it does not name. */
function timesUnder(limit: Amounts, request: Amounts): number {
  const named = Object.entries(request).filter(([name, amount]) => amount > 0 && limit[name] !== undefined);
  return Math.min(...named.map(([name, amount]) => Math.floor((limit[name] ?? 0) / amount)));
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
