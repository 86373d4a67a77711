// What holds in a pool from one observation to the next: what it has and holds, and how evenly those who want something
// are served. Pure.
import { countOf } from "../api/ranges.ts";
import { sharesOf } from "../api/resource-pool.ts";
import {
  type Amounts,
  dominantShare,
  type Party,
  type Plan,
  type PoolLevels,
  type ResourceUsage,
  satisfaction,
  type Task,
} from "../scheduling/index.ts";
import type { Observed } from "./observe.ts";
import type { ObservedPool } from "./observed/pools.ts";

/** Shares of a parent's own tasks, which count as one child. */
const ownShares = sharesOf("Normal");

export function usageOfPool(observed: Observed, { object }: ObservedPool, plan: Plan): readonly ResourceUsage[] {
  return (observed.pool?.object === object ? plan.usage : plan.childUsage?.[object.metadata.name]) ?? [];
}

export function levelsOf(observed: Observed, pool: ObservedPool, plan: Plan): PoolLevels {
  const usage = usageOfPool(observed, pool, plan);
  const resources = Object.fromEntries(
    usage.map(({ name, capacity, foreign, allocated }) => [
      name,
      { available: Math.max(0, capacity - foreign), allocated },
    ]),
  );
  const capacity = Object.fromEntries(Object.entries(resources).map(([name, { available }]) => [name, available]));
  return { resources, shares: satisfaction(partiesOf(observed, pool, plan, capacity)) };
}

/** The pools below, and the pool's own tasks as one more; without pools below its namespaces, all alike. */
function partiesOf(observed: Observed, pool: ObservedPool, plan: Plan, capacity: Amounts): readonly Party[] {
  const { name } = pool.object.metadata;
  const below = [...observed.pools.values()].filter(({ lineage }) => lineage[1] === pool);
  const { tasks } = observed.snapshot;
  const own = observed.pools.size === 1 ? tasks : tasks.filter((task) => task.pool === name);
  if (below.length === 0) {
    const namespaces = Map.groupBy(own, ({ namespace }) => namespace);
    // Alone nobody can be served unevenly, and the sums are over every shard that runs.
    return namespaces.size < 2 ? [] : [...namespaces.values()].map((each) => partyOf(each, capacity, 1));
  }
  const children = below.map((child): Party => {
    const isBelow = (task: Task): boolean => observed.pools.get(task.pool)?.lineage.includes(child) === true;
    const party = partyOf(tasks.filter(isBelow), capacity, sharesOf(child.spec?.shares));
    const usage = usageOfPool(observed, child, plan);
    const reserved = dominantShare(amountsBy(usage, "reserved"), capacity);
    const most = dominantShare(amountsBy(usage, "capacity"), capacity);
    return { ...party, reserved, wanted: Math.min(party.wanted, Math.max(party.held, most)) };
  });
  return [...children, partyOf(own, capacity, ownShares)];
}

function partyOf(tasks: readonly Task[], capacity: Amounts, weight: number): Party {
  const held: Record<string, number> = {};
  const wanted: Record<string, number> = {};
  for (const task of tasks) {
    for (const { request } of task.active) addTo(held, request, 1);
    addTo(wanted, task.request, startable(task));
  }
  addTo(wanted, held, 1);
  const share = (amounts: Amounts): number => Math.min(1, dominantShare(amounts, capacity));
  return { held: share(held), wanted: share(wanted), reserved: 0, weight };
}

/** In place: this is done for every shard that runs. */
function addTo(total: Record<string, number>, amounts: Amounts, times: number): void {
  if (times === 0) return;
  for (const name in amounts) total[name] = (total[name] ?? 0) + times * (amounts[name] ?? 0);
}

function startable({ waiting, parallelism, active, blocked, stop }: Task): number {
  if (blocked !== undefined || stop !== undefined) return 0;
  return Math.max(0, Math.min(countOf(waiting), (parallelism ?? Number.POSITIVE_INFINITY) - active.length));
}

function amountsBy(usage: readonly ResourceUsage[], what: "reserved" | "capacity"): Amounts {
  return Object.fromEntries(usage.map((each) => [each.name, each[what]]));
}
