// Asks the planner itself, at this moment and over what the API server has now: the same observation and the same plan
// as the operator's, with nothing carried out. Who may not read all that it needs gets the task's own words.
import { isForbidden } from "@dsl/kube-operator";
import type { PooledTask } from "../api/pooled-task.ts";
import { isObserved } from "../api/task-conditions.ts";
import { automatic } from "../controller/engine-choice.ts";
import { type Observed, observe } from "../controller/observe.ts";
import { poolNamesOf, tasksOf, treesOf } from "../controller/observed/pools.ts";
import { taskSpec } from "../controller/observed/specs.ts";
import { poolStatus } from "../controller/pool-status.ts";
import { refusalTold } from "../controller/refusals.ts";
import { isFinished } from "../controller/stage.ts";
import { TaskMemories } from "../controller/task-memory.ts";
import { taskStatus } from "../controller/task-status.ts";
import { adviseNow, forecastNow, type Plan, planPool } from "../scheduling/index.ts";
import { explainedByStatus } from "../view/explanation.ts";
import { adviceIn, poolExplainedByStatus, type ToldAdvice } from "../view/pool-explanation.ts";
import type { ExplanationSource } from "./explain.ts";
import { explanationFromStatus } from "./explain.ts";
import { readStores } from "./read-stores.ts";
import type { Cluster } from "./verb.ts";

export const explanationByPlan: ExplanationSource = {
  task: (cluster, task, now) =>
    planned(
      () => explainTask(cluster, task, now),
      () => explanationFromStatus(cluster, task, now),
    ),
  pool: (cluster, pool, now) =>
    planned(
      () => explainPool(cluster, pool, now),
      async () => poolExplainedByStatus(pool),
    ),
};

async function planned<T>(ask: () => Promise<T>, fromStatus: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (isForbidden(error)) return fromStatus();
    throw error;
  }
}

/** The tree of a pool, which need not be there, and its plan. */
async function planOf({ api }: Cluster, pool: string, now: number): Promise<{ observed: Observed; plan: Plan }> {
  const stores = await readStores(api);
  const root = treesOf(stores).rootOf(pool);
  const memories = new TaskMemories(api);
  await Promise.all(
    tasksOf(stores, poolNamesOf(stores, root)).map(async (each) => {
      const parsed = taskSpec(each);
      if (!parsed.ok || isFinished(each, parsed.spec)) return;
      const memory = await memories.remember(each, parsed.spec, now);
      // Only who asked for a Pod knows that it was refused: a plan made without that would start it.
      const refusal = refusalTold(each);
      if (refusal !== undefined) memory.refusal = refusal;
    }),
  );
  const observed = observe({ stores, memories, choice: automatic }, root, now);
  return { observed, plan: planPool(observed.snapshot, now) };
}

const explainTask: ExplanationSource["task"] = async (cluster, task, now) => {
  const { observed, plan } = await planOf(cluster, task.spec.poolRef.name, now);
  const mine = observed.tasks.find(({ object }) => object.metadata.uid === task.metadata.uid);
  const waiting = plan.waiting.find((each) => each.task === mine?.key);
  const starts = plan.decisions.filter((each) => each.kind === "start" && each.task === mine?.key).length;
  // A finished task is not planned any more: what was written at its end holds. That it has ended is the operator's to say.
  const planned = mine && mine.stage.kind !== "Ended" ? taskStatus(mine, { starts, waiting }, now) : undefined;
  const status = planned ?? task.status;
  const pool = observed.pools.get(task.spec.poolRef.name);
  const forecast = mine && forecastNow(observed.snapshot, plan, [mine.key], now).get(mine.key);
  const explained = explainedByStatus(
    { ...task, ...(status && { status }) } as PooledTask,
    pool && { ...pool.object, status: poolStatus(observed, pool, plan, undefined, undefined, now) },
    now,
  );
  const isCurrent = isObserved(task);
  if (forecast === undefined) return { ...explained, isCurrent };
  const wouldStartIf = forecast.wouldStartIf.map(({ message }) => message);
  return { ...explained, isCurrent, wouldStartIf, expectedStart: forecast.expectedStart };
};

/** What would help it, and the pools above and below it. */
const explainPool: ExplanationSource["pool"] = async (cluster, object, now) => {
  const { name } = object.metadata;
  const { observed, plan } = await planOf(cluster, name, now);
  const pool = observed.pools.get(name);
  if (pool === undefined) return poolExplainedByStatus(object);
  const kin = new Set(
    [...observed.pools.values()].filter((each) => each.lineage.includes(pool) || pool.lineage.includes(each)),
  );
  const found: readonly ToldAdvice[] = adviseNow(observed.snapshot, plan, now).filter((each) => {
    const about = observed.pools.get(each.pool);
    return about !== undefined && kin.has(about);
  });
  // What an hour has shown is known to the operator alone, and is over once nodes are lacking.
  const isLacking = found.some(({ type }) => type === "AddNodes");
  const seen = [...kin].flatMap(({ object }) => adviceIn(object)).filter(({ type }) => type === "RemoveNodes");
  const status = poolStatus(observed, pool, plan, undefined, [], now);
  return {
    ...poolExplainedByStatus({ ...pool.object, status }),
    recommendations: isLacking ? found : [...found, ...seen],
  };
};
