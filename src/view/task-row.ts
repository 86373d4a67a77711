// A PooledTask as a row: where it stands, how far it is, why it does not run. Reads what the operator wrote; decides
// nothing.
import type { PooledTask } from "../api/pooled-task.ts";
import { isObserved } from "../api/task-conditions.ts";

export type TaskStage =
  | "Waiting"
  | "Starting"
  | "Running"
  /** Its spec says so, and something of it has a place still. */
  | "Suspending"
  | "Suspended"
  /** Its spec says so, and its end is not written yet. */
  | "Cancelling"
  | "NeedsPerson"
  | "Succeeded"
  | "Failed"
  | "Deleting";

export interface TaskRow {
  readonly namespace: string;
  readonly name: string;
  readonly pool: string;
  readonly stage: TaskStage;
  /** The word for why it does not run, or how it ended. */
  readonly reason: string | undefined;
  readonly message: string | undefined;
  readonly position: number | undefined;
  readonly items: { readonly total: number; readonly succeeded: number; readonly failed: number };
  readonly shards: { readonly waiting: number; readonly starting: number; readonly running: number };
  /** Of the items, those that have ended, in whichever way. */
  readonly percent: number;
  readonly itemsPerSecondMilli: number | undefined;
  /** How long it will still take, at the rate of its last status. */
  readonly remainingMs: number | undefined;
  readonly created: number;
}

export function taskRow(task: PooledTask, now: number): TaskRow {
  const { metadata, spec, status } = task;
  const stage = taskStage(task);
  const told = toldBy(task, stage);
  const total = status?.items?.total ?? 0;
  const succeeded = status?.items?.succeeded ?? 0;
  const failed = status?.items?.failed ?? 0;
  const completion = status?.progress?.estimatedCompletion;
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    pool: spec.poolRef.name,
    stage,
    reason: told?.reason,
    message: told?.message,
    position: told === status?.queue ? status?.queue?.position : undefined,
    items: { total, succeeded, failed },
    shards: {
      waiting: status?.shards?.waiting ?? 0,
      starting: status?.shards?.starting ?? 0,
      running: status?.shards?.running ?? 0,
    },
    percent: total === 0 ? (isFinished(task) ? 100 : 0) : Math.floor((100 * (succeeded + failed)) / total),
    itemsPerSecondMilli: status?.progress?.itemsPerSecondMilli,
    remainingMs: completion === undefined || isFinished(task) ? undefined : Math.max(0, Date.parse(completion) - now),
    created: Date.parse(metadata.creationTimestamp),
  };
}

/** Done is what has succeeded, as in the column DONE of `kubectl get`; what failed is told beside it. */
export function doneText({ succeeded, total }: TaskRow["items"]): string {
  return `${succeeded}/${total}`;
}

export function taskStage(task: PooledTask): TaskStage {
  if (task.metadata.deletionTimestamp !== undefined) return "Deleting";
  if (isFinished(task)) return conditionIs(task, "Succeeded", "True") ? "Succeeded" : "Failed";
  if (isObserved(task) && conditionIs(task, "Stalled", "True")) return "NeedsPerson";
  // What a person asked for holds from that moment on, be the status behind.
  if (task.spec.cancel) return "Cancelling";
  const { running = 0, starting = 0 } = task.status?.shards ?? {};
  if (task.spec.suspend) return running + starting > 0 ? "Suspending" : "Suspended";
  if (running > 0) return "Running";
  return starting > 0 ? "Starting" : "Waiting";
}

export function isFinished(task: PooledTask): boolean {
  // A raised retryFailed opens a finished task again, so that the conditions of an older spec say nothing about this one;
  // but none opens a cancelled one.
  return (isObserved(task) || task.spec.cancel) && conditionIs(task, "Finished", "True");
}

function conditionIs(task: PooledTask, type: string, status: string): boolean {
  return conditionOf(task, type)?.status === status;
}

function conditionOf(task: PooledTask, type: string) {
  return task.status?.conditions?.find((condition) => condition.type === type);
}

interface Told {
  readonly reason: string;
  readonly message: string;
}

const cancelling: Told = {
  reason: "Cancelled",
  message: "spec.cancel is true: what runs is stopped, and nothing more starts",
};
const suspended: Told = { reason: "Suspended", message: "spec.suspend is true; set it to false to go on" };

/** The one thing that the operator says about a task in this stage. */
function toldBy(task: PooledTask, stage: TaskStage): Told | undefined {
  if (stage === "Succeeded" || stage === "Failed") return conditionOf(task, "Succeeded");
  if (stage === "NeedsPerson") return task.status?.queue ?? conditionOf(task, "Stalled");
  if (stage === "Cancelling") return cancelling;
  if (stage === "Suspending" || stage === "Suspended") return suspended;
  // A stall that an older spec had must not be told as the reason of now.
  return isObserved(task) ? task.status?.queue : undefined;
}
