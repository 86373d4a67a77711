// Asks the planner itself, at this moment and over what the API server has now: the same observation and the same plan
// as the operator's, with nothing carried out. Who may not read all that it needs gets the task's own words.
import { isForbidden } from "@dsl/kube-operator";
import type { PooledTask } from "../api/pooled-task.ts";
import { automatic } from "../controller/engine-choice.ts";
import { observe } from "../controller/observe.ts";
import { tasksOf, treesOf } from "../controller/observed/pools.ts";
import { taskSpec } from "../controller/observed/specs.ts";
import { poolStatus } from "../controller/pool-status.ts";
import { isFinished } from "../controller/stage.ts";
import { TaskMemories } from "../controller/task-memory.ts";
import { taskStatus } from "../controller/task-status.ts";
import { forecastNow, planPool } from "../scheduling/index.ts";
import { explainedByStatus } from "../view/explanation.ts";
import type { ExplanationSource } from "./explain.ts";
import { explanationFromStatus } from "./explain.ts";
import { readStores } from "./read-stores.ts";

export const explanationByPlan: ExplanationSource = async (cluster, task, now) => {
  try {
    return await planned(cluster, task, now);
  } catch (error) {
    if (isForbidden(error)) return explanationFromStatus(cluster, task, now);
    throw error;
  }
};

const planned: ExplanationSource = async ({ api }, task, now) => {
  const stores = await readStores(api);
  const root = treesOf(stores).rootOf(task.spec.poolRef.name);
  const memories = new TaskMemories(api);
  await Promise.all(
    tasksOf(stores, root).map(async (each) => {
      const parsed = taskSpec(each);
      if (parsed.ok && !isFinished(each, parsed.spec)) await memories.remember(each, parsed.spec, now);
    }),
  );
  const observed = observe({ stores, memories, choice: automatic }, root, now);
  const plan = planPool(observed.snapshot, now);
  const mine = observed.tasks.find(({ object }) => object.metadata.uid === task.metadata.uid);
  const waiting = plan.waiting.find((each) => each.task === mine?.key);
  const starts = plan.decisions.filter((each) => each.kind === "start" && each.task === mine?.key).length;
  // A finished task is not planned any more: what was written at its end holds.
  const status = (mine && taskStatus(mine, { starts, waiting }, now)) ?? task.status;
  const pool = observed.pools.get(task.spec.poolRef.name);
  const forecast = mine && forecastNow(observed.snapshot, plan, [mine.key], now).get(mine.key);
  const explained = explainedByStatus(
    { ...task, ...(status && { status }) } as PooledTask,
    pool && { ...pool.object, status: poolStatus(observed, pool, plan, undefined, undefined, now) },
    now,
  );
  if (forecast === undefined) return explained;
  const wouldStartIf = forecast.wouldStartIf.map(({ message }) => message);
  return { ...explained, wouldStartIf, expectedStart: forecast.expectedStart };
};
