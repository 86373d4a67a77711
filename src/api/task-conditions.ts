// The stages of a task and of a pool as conditions, so that kubectl wait, Flux, Helm and Argo CD read them rightly: one
// table each. Does not know when a stage is reached, nor when a condition last changed.
import type { ConditionStatus } from "./condition.ts";
import type { PooledTask } from "./pooled-task.ts";

export type TaskStage =
  /** Queued, running, retrying, or stopping what runs. */
  | "InProgress"
  /** Suspended, and nothing runs any more. */
  | "Suspended"
  | "Succeeded"
  /** Ended without success: items failed, cancelled, past its deadline. */
  | "Failed"
  /** Goes on only once a person has changed something. */
  | "Stalled";

export type PoolStage =
  | "Ready"
  /** Not ready, but it may become so by itself. */
  | "InProgress"
  /** Because somebody wanted it so. */
  | "Stopped"
  /** Does not heal by itself. */
  | "Stalled";

export interface StageCondition {
  readonly type: string;
  readonly status: ConditionStatus;
  readonly reason: string;
  readonly message: string;
}

type Row = Readonly<Record<string, ConditionStatus>>;

/** Reconciling and Stalled are there only while they hold, as kstatus wants it. */
const taskTable: Readonly<Record<TaskStage, Row>> = {
  InProgress: { Succeeded: "Unknown", Finished: "False", Ready: "False", Reconciling: "True" },
  Suspended: { Succeeded: "Unknown", Finished: "False", Ready: "False" },
  Succeeded: { Succeeded: "True", Finished: "True", Ready: "True" },
  Failed: { Succeeded: "False", Finished: "True", Ready: "False", Stalled: "True" },
  Stalled: { Succeeded: "Unknown", Finished: "False", Ready: "False", Stalled: "True" },
};

const poolTable: Readonly<Record<PoolStage, Row>> = {
  Ready: { Ready: "True" },
  InProgress: { Ready: "False", Reconciling: "True" },
  Stopped: { Ready: "False" },
  Stalled: { Ready: "False", Stalled: "True" },
};

/** All conditions that a task in this stage has; others are to be removed. */
export function taskConditions(stage: TaskStage, reason: string, message: string): readonly StageCondition[] {
  return conditionsOf(taskTable[stage], reason, message);
}

/** All conditions that a pool in this stage has; others are to be removed. */
export function poolConditions(stage: PoolStage, reason: string, message: string): readonly StageCondition[] {
  return conditionsOf(poolTable[stage], reason, message);
}

function conditionsOf(row: Row, reason: string, message: string): readonly StageCondition[] {
  return Object.entries(row).map(([type, status]) => ({ type, status, reason, message }));
}

/** Whether the status, and with it its conditions, is about the present spec. */
export function isObserved(task: PooledTask): boolean {
  const { generation } = task.metadata;
  return generation === undefined || (task.status?.observedGeneration ?? 0) >= generation;
}
