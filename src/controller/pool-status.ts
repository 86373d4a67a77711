// What is written into a pool's status: its nodes, what it has and holds, who waits, and whether it is ready. Pure.
import { formatQuantity, parseQuantity, timeText } from "@dsl/kube-operator";
import type { EffectivePool } from "../api/effective-pool.ts";
import { problemsText } from "../api/problem.ts";
import { storedMemory } from "../api/queue-memory.ts";
import type { ResourcePoolStatus } from "../api/resource-pool.ts";
import { recommendationsMax, sentenceMax } from "../api/resource-pool-status.ts";
import { type PoolStage, poolConditions } from "../api/task-conditions.ts";
import {
  amountText,
  type Node,
  type Plan,
  type PoolStatistics,
  type Recommendation,
  type ResourceUsage,
} from "../scheduling/index.ts";
import { nodesWithoutTaint } from "./engine-choice.ts";
import type { Observed } from "./observe.ts";
import { type ObservedPool, type ObservedRoot, poolFactsOf } from "./observed/pools.ts";
import type { ObservedTask } from "./observed/task.ts";
import { waitingShards } from "./observed/task-model.ts";
import { usageOfPool } from "./pool-levels.ts";
import { conditionsOf } from "./task-status.ts";

/**
 * All but the term and the open starts, which are no report. Without `advice` nothing is known of what would help, and what
 * stands there stays.
 */
export function poolStatus(
  observed: Observed,
  pool: ObservedPool,
  plan: Plan,
  statistics: PoolStatistics | undefined,
  advice: readonly Recommendation[] | undefined,
  now: number,
): ResourcePoolStatus {
  const { name, generation = 1 } = pool.object.metadata;
  const root = observed.pool?.object === pool.object ? observed.pool : undefined;
  const [stage, reason, message] = stageOf(observed, pool, plan);
  const usage = usageOfPool(observed, pool, plan);
  const counts = countsOf(observed, pool, plan);
  const memory = plan.memory?.[name];
  const recommendations =
    advice === undefined ? (pool.object.status?.recommendations ?? []) : recommendationsOf(name, advice);
  return {
    observedGeneration: generation,
    ...(pool.effective !== undefined && { effective: effectiveOf(pool.effective) }),
    ...(root !== undefined && { nodes: nodesOf(root.nodes) }),
    resources: usage.map((each) => ({
      name: each.name,
      capacity: quantityText(each.name, each.capacity),
      reserved: quantityText(each.name, each.reserved),
      foreign: quantityText(each.name, each.foreign),
      allocated: quantityText(each.name, each.allocated),
      free: quantityText(each.name, each.free),
      utilizationPercent: utilizationPercent(each),
    })),
    ...counts,
    summary: {
      ...cpuSummary(usage.find((each) => each.name === "cpu")),
      tasks: `${counts.tasks.running} running, ${counts.tasks.queued} queued`,
    },
    ...(statistics !== undefined && { statistics: statisticsOf(statistics) }),
    ...(recommendations.length > 0 && { recommendations }),
    ...(memory !== undefined && { queue: storedMemory(memory) }),
    conditions: conditionsOf(
      pool.object.status?.conditions ?? [],
      poolConditions(stage, reason, message),
      generation,
      now,
    ),
  };
}

function effectiveOf({
  stop,
  sharing: _,
  order,
  backfill,
  preemption,
  defaultRequests,
  ...effective
}: EffectivePool): NonNullable<ResourcePoolStatus["effective"]> {
  return {
    ...effective,
    order: [...order],
    backfill: { ...backfill },
    preemption: { ...preemption },
    defaultRequests: { ...defaultRequests },
    stopPolicy: stop.policy,
  };
}

function nodesOf(nodes: readonly Node[]): NonNullable<ResourcePoolStatus["nodes"]> {
  return {
    total: nodes.length,
    ready: nodes.filter((node) => node.ready && !node.cordoned).length,
    cordoned: nodes.filter((node) => node.cordoned).length,
  };
}

/** The tasks of the pool and of all pools below it, by what they do. */
function countsOf(
  { going, pools }: Observed,
  pool: ObservedPool,
  plan: Plan,
): Required<Pick<ResourcePoolStatus, "tasks" | "shards">> {
  const isBelow = ({ object }: ObservedTask): boolean =>
    pools.get(object.spec?.poolRef?.name)?.lineage.includes(pool) === true;
  const below = pools.size === 1 ? going : going.filter(isBelow);
  const open = below.filter(
    ({ stage }) => stage.kind !== "Finished" && stage.kind !== "Ended" && stage.kind !== "Deleting",
  );
  const starts = new Map<string, number>();
  for (const decision of plan.decisions) {
    if (decision.kind === "start") starts.set(decision.task, (starts.get(decision.task) ?? 0) + 1);
  }
  const idle = open.filter((task) => task.active.length + task.open.length + (starts.get(task.key) ?? 0) === 0);
  const suspended = idle.filter(({ stage }) => stage.kind === "Suspended").length;
  const shards = { waiting: 0, starting: 0, running: 0 };
  for (const task of below) {
    const decided = starts.get(task.key) ?? 0;
    const started = task.active.filter(({ state }) => state === "Running").length;
    shards.running += started;
    shards.starting += task.active.length - started + task.open.length + decided;
    shards.waiting += Math.max(0, waitingShards(task.model) - decided);
  }
  return { tasks: { queued: idle.length - suspended, running: open.length - idle.length, suspended }, shards };
}

function recommendationsOf(
  name: string,
  advice: readonly Recommendation[],
): NonNullable<ResourcePoolStatus["recommendations"]> {
  return advice
    .filter(({ pool }) => pool === name)
    .slice(0, recommendationsMax)
    .map(({ type, reason, gain, cost }) => ({ type, reason: cut(reason), gain, cost: cut(cost) }));
}

/** Names of nodes and of resources may be long. */
function cut(sentence: string): string {
  return sentence.length <= sentenceMax ? sentence : `${sentence.slice(0, sentenceMax - 1)}…`;
}

function cpuSummary(cpu: ResourceUsage | undefined): Omit<NonNullable<ResourcePoolStatus["summary"]>, "tasks"> {
  if (cpu === undefined) return { cpu: "–", utilization: "–", reserved: "–" };
  const text = (amount: number): string => amountText("cpu", amount);
  return {
    cpu: `${text(cpu.allocated)}/${text(cpu.capacity)}`,
    utilization: `${utilizationPercent(cpu)}%`,
    reserved: text(cpu.reserved),
  };
}

type Told = readonly [PoolStage, string, string];

function stageOf({ pool: root }: Observed, pool: ObservedPool, { problems = [] }: Plan): Told {
  const { object, lineage, effective } = pool;
  const { name } = object.metadata;
  if (pool.problems.length > 0) return ["Stalled", "SpecInvalid", problemsText(pool.problems)];
  const invalid = lineage.find((above) => above.problems.length > 0)?.object.metadata.name;
  if (invalid !== undefined) {
    return ["Stalled", "ParentInvalid", `the spec of ${invalid}, above ${name}, is not valid; mend that first`];
  }
  const problem = problems.find((each) => each.pool === name);
  if (problem !== undefined) return ["Stalled", problem.reason, problem.message];
  const isRoot = root?.object === object;
  const ofNodes = root === undefined ? undefined : nodesStage(root);
  if (ofNodes !== undefined && isRoot) return ofNodes;
  // What is amiss with the root's nodes stands in its own status, to be mended there.
  if (ofNodes !== undefined && ofNodes[1] !== "NodesOverlap") return ["InProgress", ofNodes[1], ofNodes[2]];
  if (effective !== undefined && effective.stop.policy !== "None") {
    const { policy, pool: whose } = effective.stop;
    return ["Stopped", "PoolStopped", `spec.stopPolicy of ${whose} is ${policy}: nothing starts until it is None`];
  }
  const usable = (root?.nodes ?? []).filter((node) => node.ready && !node.cordoned).length;
  const nodes = `${usable} of ${root?.nodes.length ?? 0} nodes are ready`;
  if (!isRoot) return ["Ready", "Ready", `it divides ${root?.object.metadata.name}, of which ${nodes}`];
  const facts = poolFactsOf(root);
  const untainted = facts === undefined ? [] : nodesWithoutTaint(facts);
  if (untainted.length === 0) return ["Ready", "Ready", nodes];
  const taint = `kube-pool.dev/pool=${name}:NoSchedule`;
  return [
    "Ready",
    "NodesUntainted",
    `${nodes}; sharing is Exclusive, and others may still place Pods on ${namesText(untainted)}: kubectl taint nodes ${untainted.slice(0, 20).join(" ")} ${taint}`,
  ];
}

/** What is amiss with a root's nodes. */
function nodesStage({ object, nodes, overlaps }: ObservedRoot): Told | undefined {
  const { name } = object.metadata;
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
  if (nodes.some((node) => node.ready && !node.cordoned)) return undefined;
  return ["InProgress", "NoNodeReady", `none of the ${nodes.length} nodes of ${name} is ready and open`];
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
    ...pick(statistics, [
      "meanFirstStartMs",
      "meanWaitMs",
      "meanResponseMs",
      "boundedSlowdownMilli",
      "fairnessPercent",
      "headDelayMs",
    ]),
  };
}

function pick<T extends object, K extends keyof T>(from: T, names: readonly K[]): Partial<Pick<T, K>> {
  return Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]]))) as Partial<
    Pick<T, K>
  >;
}
