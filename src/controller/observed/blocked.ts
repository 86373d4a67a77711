// Why nothing of a task may start, for reasons that the planner does not find: it needs a person, or its pool does not
// take it.
import { problemsText } from "../../api/problem.ts";
import { admitsNamespace, type Labels } from "../../api/selector.ts";
import type { Blocked } from "../../scheduling/index.ts";
import { startedCount } from "../refusals.ts";
import type { Stores } from "../stores.ts";
import type { ObservedPool, ObservedTree } from "./pools.ts";
import { poolNameOf } from "./specs.ts";
import type { Unmodelled } from "./task.ts";

export function whyBlocked(
  stores: Pick<Stores, "namespaces">,
  task: Unmodelled,
  tree: ObservedTree,
  now: number,
): Blocked | undefined {
  const { stage, object, memory } = task;
  const poolName = poolNameOf(object);
  const pool = tree.pools.get(poolName);
  if (stage.kind === "Stalled") return { reason: stage.reason, message: stage.message };
  if (stage.kind === "Suspended")
    return { reason: "Suspended", message: `${stage.by} is true; set it to false to go on` };
  if (pool === undefined) {
    return {
      reason: "PoolNotFound",
      message: `there is no ResourcePool ${poolName}; create it, or name another in a new task`,
    };
  }
  if (pool.problems.length > 0) {
    return {
      reason: "PoolNotReady",
      message: `the spec of ResourcePool ${poolName} is not valid: ${problemsText(pool.problems, 1)}`,
    };
  }
  const invalid = pool.lineage.find(({ problems }) => problems.length > 0)?.object.metadata.name;
  if (invalid !== undefined) {
    return { reason: "PoolNotReady", message: `the spec of ResourcePool ${invalid}, above ${poolName}, is not valid` };
  }
  const refusing = whoRefuses(
    pool,
    stores.namespaces.get({ name: object.metadata.namespace ?? "" })?.metadata.labels ?? {},
  );
  if (refusing !== undefined) {
    const selector =
      refusing === pool
        ? "its spec.namespaceSelector"
        : `the spec.namespaceSelector of ${refusing.object.metadata.name}, above it,`;
    return {
      reason: "NotAllowed",
      message: `ResourcePool ${poolName} does not admit namespace ${object.metadata.namespace}: ${selector} does not select the namespace's labels`,
    };
  }
  const stop = pool.effective?.stop;
  if (stop !== undefined && stop.policy !== "None") {
    const where = stop.pool === poolName ? "" : `, above ${poolName},`;
    const what = stop.policy === "Stop" ? "nothing new starts" : "what runs is stopped, and nothing starts";
    return {
      reason: "PoolStopped",
      message: `ResourcePool ${stop.pool}${where} has spec.stopPolicy ${stop.policy}: ${what} until it is None`,
    };
  }
  if (tree.root?.nodes.length === 0) {
    return { reason: "PoolNotReady", message: `${tree.root.object.metadata.name} has no nodes yet` };
  }
  const refusal = memory?.refusal;
  if (refusal !== undefined && now < refusal.until && startedCount(task) >= refusal.ceiling) {
    return { reason: refusal.reason, message: refusal.message, until: refusal.until };
  }
  return undefined;
}

/** The pool, or the one above it, that does not admit the namespace. */
function whoRefuses({ lineage }: ObservedPool, labels: Labels): ObservedPool | undefined {
  return lineage.find(({ spec }) => spec === undefined || !admitsNamespace(spec, labels));
}
