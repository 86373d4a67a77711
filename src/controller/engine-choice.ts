// Which engine a task begins with, how its Pods come to their nodes, and why so. Pure. Once something of the task is
// there, that decides: a task keeps what it began with.

import type { PodSpec } from "../api/template.ts";
import type { Binding, EngineName, PoolToleration } from "../engine/engine.ts";
import type { RoundView } from "../engine/job-views.ts";
import type { Node } from "../scheduling/index.ts";

/** What the operator is configured to begin new tasks with. Auto: whatever is fastest and safe. */
export interface EngineChoice {
  readonly name: EngineName;
  readonly binding: Binding | "Auto";
}

/** As it is configured: `Native`, `Managed`, `Managed/Direct` … */
export function engineChoice(text: string): EngineChoice {
  const [name, binding] = text.split("/");
  return {
    name: name === "Native" ? "Native" : "Managed",
    binding: binding === "Scheduler" || binding === "Direct" ? binding : "Auto",
  };
}

export const automatic: EngineChoice = { name: "Managed", binding: "Auto" };

export interface TaskEngine {
  readonly name: EngineName;
  readonly binding: Binding;
  /** Why this binding. */
  readonly reason: string;
}

export interface ChoiceFacts {
  readonly choice: EngineChoice;
  /** Of the task, by age. */
  readonly rounds: readonly Pick<RoundView, "binding" | "bindingReason">[];
  readonly hasJobs: boolean;
  /** As its status has it. */
  readonly recorded: TaskEngine | undefined;
  readonly pool: PoolFacts | undefined;
  readonly template: Pick<PodSpec, "volumes" | "topologySpreadConstraints"> | undefined;
}

export interface PoolFacts {
  readonly name: string;
  readonly sharing: "Shared" | "Exclusive";
  readonly nodes: readonly Pick<Node, "name" | "taints">[];
}

const nativeReason = "a Job an attempt is left to the Kubernetes scheduler";

export function engineOf({ choice, rounds, hasJobs, recorded, pool, template }: ChoiceFacts): TaskEngine {
  const round = rounds.at(-1);
  if (round !== undefined) {
    return {
      name: "Managed",
      binding: round.binding === "Direct" ? "Direct" : "Scheduler",
      reason: round.bindingReason,
    };
  }
  if (hasJobs) return { name: "Native", binding: "Scheduler", reason: nativeReason };
  if (recorded !== undefined) return recorded;
  if (choice.name === "Native") return { name: "Native", binding: "Scheduler", reason: nativeReason };
  if (choice.binding === "Scheduler") {
    return {
      name: "Managed",
      binding: "Scheduler",
      reason: "the operator is configured to bind by the Kubernetes scheduler",
    };
  }
  const why = whyScheduler(pool, template);
  return why === undefined
    ? {
        name: "Managed",
        binding: "Direct",
        reason: `ResourcePool ${pool?.name} is Exclusive, and nothing in the template needs the Kubernetes scheduler`,
      }
    : { name: "Managed", binding: "Scheduler", reason: why };
}

/** What only the Kubernetes scheduler can answer for; the template's allow-list leaves no more than this to ask. */
function whyScheduler(pool: PoolFacts | undefined, template: ChoiceFacts["template"]): string | undefined {
  if (pool === undefined || pool.sharing !== "Exclusive") {
    return `ResourcePool ${pool?.name ?? "unknown"} is Shared: others place Pods on its nodes too`;
  }
  const [untainted] = nodesWithoutTaint(pool);
  if (untainted !== undefined) return `node ${untainted} does not carry the taint of ResourcePool ${pool.name}`;
  if (template?.volumes?.some(({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined)) {
    return "a persistentVolumeClaim is bound by the Kubernetes scheduler";
  }
  if ((template?.topologySpreadConstraints ?? []).length > 0) {
    return "topologySpreadConstraints are kept by the Kubernetes scheduler";
  }
  return undefined;
}

const taintKey = "kube-pool.dev/pool";

/** By which the administrator keeps others off the nodes of an Exclusive pool; the pool's own Pods tolerate it. */
export function tolerationOf(pool: Pick<PoolFacts, "name" | "sharing"> | undefined): readonly PoolToleration[] {
  if (pool?.sharing !== "Exclusive") return [];
  return [{ key: taintKey, operator: "Equal", value: pool.name, effect: "NoSchedule" }];
}

export function nodesWithoutTaint({ name, sharing, nodes }: PoolFacts): readonly string[] {
  if (sharing !== "Exclusive") return [];
  return nodes
    .filter(
      ({ taints }) =>
        !taints.some(({ key, value, effect }) => key === taintKey && value === name && effect === "NoSchedule"),
    )
    .map((node) => node.name);
}
