// What is written into a pool's status: its nodes, what it has and holds, who waits, and whether it is ready. Pure.
import { formatQuantity, parseQuantity, timeText } from "@dsl/kube-operator";
import { problemsText } from "../api/problem.ts";
import type { ResourcePoolStatus } from "../api/resource-pool.ts";
import { type PoolStage, poolConditions } from "../api/task-conditions.ts";
import { amountText, type Plan, type PoolStatistics, type ResourceUsage } from "../scheduling/index.ts";
import { nodesWithoutTaint } from "./engine-choice.ts";
import { type Observed, type ObservedPool, waitingShards } from "./observe.ts";
import { conditionsOf } from "./task-status.ts";

/** All but `queue`, which is the operator's memory and not a report. */
export function poolStatus(
  observed: Observed & { readonly pool: ObservedPool },
  plan: Plan,
  statistics: PoolStatistics,
  now: number,
): ResourcePoolStatus {
  const { pool, tasks } = observed;
  const open = tasks.filter(
    ({ stage }) => stage.kind !== "Finished" && stage.kind !== "Ended" && stage.kind !== "Deleting",
  );
  const starts = new Map<string, number>();
  for (const decision of plan.decisions) {
    if (decision.kind === "start") starts.set(decision.task, (starts.get(decision.task) ?? 0) + 1);
  }
  const idle = open.filter((task) => task.active.length + task.open.length + (starts.get(task.key) ?? 0) === 0);
  const suspended = idle.filter(({ stage }) => stage.kind === "Suspended").length;
  const running = open.length - idle.length;
  const queued = idle.length - suspended;
  const shards = { waiting: 0, starting: 0, running: 0 };
  for (const task of tasks) {
    const decided = starts.get(task.key) ?? 0;
    const started = task.active.filter(({ state }) => state === "Running").length;
    shards.running += started;
    shards.starting += task.active.length - started + task.open.length + decided;
    shards.waiting += Math.max(0, waitingShards(task.model) - decided);
  }
  const generation = pool.object.metadata.generation ?? 1;
  const [stage, reason, message] = stageOf(pool);
  const cpu = plan.usage.find(({ name }) => name === "cpu");
  return {
    observedGeneration: generation,
    ...(pool.effective !== undefined && {
      effective: {
        order: [...pool.effective.order],
        placement: pool.effective.placement,
        defaultRequests: { ...pool.effective.defaultRequests },
      },
    }),
    nodes: {
      total: pool.nodes.length,
      ready: pool.nodes.filter((node) => node.ready && !node.cordoned).length,
      cordoned: pool.nodes.filter((node) => node.cordoned).length,
    },
    resources: plan.usage.map((usage) => ({
      name: usage.name,
      capacity: quantityText(usage.name, usage.capacity),
      foreign: quantityText(usage.name, usage.foreign),
      allocated: quantityText(usage.name, usage.allocated),
      free: quantityText(usage.name, usage.free),
      utilizationPercent: utilizationPercent(usage),
    })),
    tasks: { queued, running, suspended },
    shards,
    summary: {
      cpu: cpu === undefined ? "–" : `${amountText("cpu", cpu.allocated)}/${amountText("cpu", cpu.capacity)}`,
      tasks: `${running} running, ${queued} queued`,
    },
    statistics: statisticsOf(statistics),
    conditions: conditionsOf(
      pool.object.status?.conditions ?? [],
      poolConditions(stage, reason, message),
      generation,
      now,
    ),
  };
}

function stageOf({ object, problems, nodes, overlaps, effective }: ObservedPool): readonly [PoolStage, string, string] {
  const { name } = object.metadata;
  if (problems.length > 0) return ["Stalled", "SpecInvalid", problemsText(problems)];
  if (overlaps.size > 0) {
    const told = [...overlaps].map(([older, names]) => `${older} has ${namesText(names)}`).join("; ");
    return [
      "Stalled",
      "NodesOverlap",
      `${name} selects nodes that an older pool has: ${told}; change one of the selectors`,
    ];
  }
  if (nodes.length === 0) {
    const hint =
      (object.spec.nodeNames ?? object.spec.nodeSelector)
        ? "no node matches its selector"
        : "every node belongs to another pool, or there is none";
    return ["Stalled", "NoNodes", `${name} has no nodes: ${hint}`];
  }
  const usable = nodes.filter((node) => node.ready && !node.cordoned).length;
  if (usable === 0)
    return ["InProgress", "NoNodeReady", `none of the ${nodes.length} nodes of ${name} is ready and open`];
  const ready = `${usable} of ${nodes.length} nodes are ready`;
  const untainted = nodesWithoutTaint({ name, sharing: effective?.sharing ?? "Shared", nodes });
  if (untainted.length > 0) {
    const taint = `kube-pool.dev/pool=${name}:NoSchedule`;
    return [
      "Ready",
      "NodesUntainted",
      `${ready}; sharing is Exclusive, and others may still place Pods on ${namesText(untainted)}: kubectl taint nodes ${untainted[0]} ${taint}`,
    ];
  }
  return ["Ready", "Ready", ready];
}

function namesText(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(", ")} and ${names.length - 5} more` : names.join(", ");
}

/** allocated ÷ (capacity − foreign), as the sources define U for one moment. */
function utilizationPercent({ capacity, foreign, allocated }: ResourceUsage): number {
  const available = capacity - foreign;
  return available <= 0 ? 0 : Math.min(100, Math.round((100 * allocated) / available));
}

function quantityText(name: string, amount: number): string {
  if (name === "cpu") return formatQuantity(parseQuantity(`${amount}m`));
  return /memory|storage|hugepages/.test(name) && amount % 1024 === 0 && amount > 0
    ? formatQuantity(parseQuantity(`${amount / 1024}Ki`))
    : String(amount);
}

function statisticsOf(statistics: PoolStatistics): NonNullable<ResourcePoolStatus["statistics"]> {
  const { asOf, windowMs, utilizationPercent: utilization, itemsPerSecondMilli } = statistics;
  return {
    asOf: timeText(asOf),
    windowSeconds: Math.round(windowMs / 1000),
    utilizationPercent: utilization,
    itemsPerSecondMilli,
    ...pick(statistics, ["meanFirstStartMs", "meanWaitMs", "meanResponseMs", "boundedSlowdownMilli"]),
  };
}

function pick<T extends object, K extends keyof T>(from: T, names: readonly K[]): Partial<Pick<T, K>> {
  return Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]]))) as Partial<
    Pick<T, K>
  >;
}
