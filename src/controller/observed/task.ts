// One task as it is now: its stage, what it runs, what it is expected to need, and what the planner sees of it.
import { keyOf, keyText } from "@dsl/kube-operator";
import type { Quantities } from "../../api/amount.ts";
import type { OpenStart } from "../../api/open-starts.ts";
import type { PooledTask, PooledTaskSpec } from "../../api/pooled-task.ts";
import { attemptKey } from "../../engine/views.ts";
import { type Amounts, earliest, type Task } from "../../scheduling/index.ts";
import { type EngineChoice, engineOf, type TaskEngine } from "../engine-choice.ts";
import type { Outlook } from "../outlook.ts";
import { raiseCeiling } from "../refusals.ts";
import { deadlineOf, isFinished, needsRetryRound, type Stage, stageOf } from "../stage.ts";
import type { Stores } from "../stores.ts";
import type { TaskMemories, TaskMemory } from "../task-memory.ts";
import { remember, restingOn, seenAgain } from "./at-rest.ts";
import { type Attempts, isSuspended, observeAttempts } from "./attempts.ts";
import { whyBlocked } from "./blocked.ts";
import { type ObservedTree, poolFactsOf } from "./pools.ts";
import { poolNameOf, requestOf, taskSpec } from "./specs.ts";
import { modelTask } from "./task-model.ts";
import { outlookFor } from "./task-outlook.ts";

export interface ObservedTask extends Omit<Attempts, "hasJobs"> {
  readonly key: string;
  readonly object: PooledTask;
  readonly spec: PooledTaskSpec | undefined;
  readonly memory: TaskMemory | undefined;
  readonly stage: Stage;
  /** Decided, and their Job not seen yet. */
  readonly open: readonly OpenStart[];
  /** What it began with, or would begin with now. */
  readonly engine: TaskEngine;
  readonly firstDecided: number | undefined;
  /** `retryFailed` was raised: a round is to be recorded. */
  readonly retryRound: number | undefined;
  /** In force in the pool, for a main container that requests nothing. */
  readonly defaultRequests: Quantities;
  /** Of one shard; absent where the spec cannot be read. */
  readonly request: Amounts | undefined;
  /** What is to be expected of its shards, and how the next ones are to be cut; absent before its items are read. */
  readonly outlook: Outlook | undefined;
  /** What the planner sees; absent for tasks that have nothing left to plan. */
  readonly model: Task | undefined;
}

export type Unmodelled = Omit<ObservedTask, "model" | "retryRound">;

export interface TaskInput {
  readonly stores: Stores;
  readonly memories: TaskMemories;
  /** For tasks that begin. */
  readonly choice: EngineChoice;
}

export function observeTask(
  input: TaskInput,
  object: PooledTask,
  tree: ObservedTree,
  opens: readonly OpenStart[],
  now: number,
): ObservedTask {
  const from = opens.length === 0 ? restingOn(input, object, tree) : undefined;
  const again = from && seenAgain(input, object, from, tree, now);
  if (again !== undefined) {
    const { spec } = again;
    // Between the last look and this nothing of it has changed; whatever does from now on wakes it.
    if (spec !== undefined && input.stores.tasksByPool.isDone(again))
      input.stores.tasksByPool.sleep(object, expiryOf(object, spec));
    return again;
  }
  const task = observeAnew(input, object, tree, opens, now);
  if (from !== undefined) remember(task, from, now);
  return task;
}

function observeAnew(
  { stores, memories, choice }: TaskInput,
  object: PooledTask,
  tree: ObservedTree,
  opens: readonly OpenStart[],
  now: number,
): ObservedTask {
  const parsed = taskSpec(object);
  const spec = parsed.ok ? parsed.spec : undefined;
  const memory = memories.get(object);
  const account = memory?.work?.account;
  if (account !== undefined && spec !== undefined) account.retries = spec.retries;
  const attempts = observeAttempts(stores, object, spec, memory, now);
  raiseCeiling(memory?.refusal, attempts, now);
  const open = opens.filter(
    ({ shard, attempt }) =>
      !attempts.objects.has(attemptKey({ shard, attempt })) &&
      !account?.isRecorded(shard, attempt) &&
      !account?.isStarted(shard, attempt),
  );
  const firstDecided = earliest(
    account?.firstDecided,
    ...attempts.active.map((each) => each.decided),
    ...attempts.ended.map((each) => each.decided),
  );
  const suspendedJob = attempts.rounds.find(isSuspended)?.metadata.name;
  const stage = stageOf(
    {
      task: object,
      spec,
      problems: parsed.ok ? (memory?.problem ? [memory.problem] : []) : parsed.problems,
      account,
      // Without records what has ended is not recorded, and what is open not created: neither is waited for.
      unsettledAttempts: attempts.active.length + (account === undefined ? 0 : attempts.ended.length + open.length),
      firstDecided,
      ...(suspendedJob !== undefined && { suspendedJob }),
    },
    now,
  );
  const pool = tree.pools.get(poolNameOf(object));
  const defaultRequests = pool?.effective?.defaultRequests ?? {};
  const engine = engineOf({
    choice,
    rounds: attempts.rounds,
    hasJobs: attempts.hasJobs,
    recorded: object.status?.engine,
    pool: poolFactsOf(tree.root),
    template: spec?.template.spec,
  });
  const task = {
    key: keyText(keyOf(object)),
    object,
    spec,
    memory,
    stage,
    open,
    firstDecided,
    defaultRequests,
    engine,
    request: spec && requestOf(spec, defaultRequests),
    ...attempts,
  };
  const unmodelled = { ...task, outlook: outlookFor(memories, task, tree, now) };
  return {
    ...unmodelled,
    retryRound: spec && account && needsRetryRound(spec, account) ? spec.retryFailed : undefined,
    model: modelTask(unmodelled, whyBlocked(stores, unmodelled, tree, now), tree, now),
  };
}

/** The first moment at which time alone changes something of it that the planner does not see. */
export function nextMoment({ stage, spec, object, firstDecided }: ObservedTask, now: number): number | undefined {
  if (spec === undefined) return undefined;
  if (stage.kind === "Finished") return later(expiryOf(object, spec), now);
  return earliest(later(deadlineOf(firstDecided, spec), now), later(expiryOf(object, spec), now));
}

function later(moment: number | undefined, now: number): number | undefined {
  return moment !== undefined && moment > now ? moment : undefined;
}

/** When a finished task is to be deleted. */
export function expiryOf(task: PooledTask, spec: PooledTaskSpec): number | undefined {
  const { completionTime } = task.status ?? {};
  if (spec.ttlSecondsAfterFinished === undefined || completionTime === undefined || !isFinished(task, spec))
    return undefined;
  return Date.parse(completionTime) + spec.ttlSecondsAfterFinished * 1000;
}
