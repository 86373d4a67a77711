// Why a task does not run, and what would help, as named lines. Where the answer is computed (from the status, or by
// the planner at this moment) is the caller's choice: both are an `Explained`.
import { amountOf } from "../api/amount.ts";
import type { PooledTask } from "../api/pooled-task.ts";
import type { ResourcePool } from "../api/resource-pool.ts";
import { isObserved } from "../api/task-conditions.ts";
import { amountText } from "../scheduling/index.ts";
import { durationText } from "./duration.ts";
import { type PoolRow, poolRow } from "./pool-row.ts";
import { whatHelpsAgainst } from "./reasons.ts";
import { type TaskRow, type TaskStage, taskRow } from "./task-row.ts";

export interface Explained {
  readonly task: TaskRow;
  /** Of the pool, per resource; undefined where the pool is not there or may not be read. */
  readonly room: readonly Room[] | undefined;
  /** Whether the operator has seen the last change of the spec; the planner's answer is about the spec as it is. */
  readonly isCurrent: boolean;
  /** What would start it, from the planner. */
  readonly wouldStartIf: readonly string[];
  readonly expectedStart: number | undefined;
}

export interface Room {
  readonly resource: string;
  readonly free: string;
  readonly capacity: string;
}

export interface ExplanationLine {
  readonly label: string;
  readonly text: string;
}

/** What the operator wrote last. */
export function explainedByStatus(task: PooledTask, pool: ResourcePool | undefined, now: number): Explained {
  const row = taskRow(task, now);
  const { expectedStart, wouldStartIf = [] } = (row.position !== undefined && task.status?.queue) || {};
  const startsAt = expectedStart === undefined ? undefined : Date.parse(expectedStart);
  return {
    task: row,
    room: pool && roomOf(poolRow(pool)),
    isCurrent: isObserved(task),
    wouldStartIf,
    // What was expected and has not come is expected no more: the operator says so with its next look.
    expectedStart: startsAt !== undefined && startsAt > now ? startsAt : undefined,
  };
}

export function explanationLines(explained: Explained, now: number): readonly ExplanationLine[] {
  const { task, room, isCurrent, wouldStartIf, expectedStart } = explained;
  const line = (label: string, text: string | undefined): ExplanationLine[] =>
    text === undefined ? [] : [{ label, text }];
  const help = task.reason === undefined ? undefined : whatHelpsAgainst(task.reason);
  const isOver = task.stage === "Succeeded" || task.stage === "Failed";
  return [
    ...line("Task", `${task.namespace}/${task.name} in pool ${task.pool}`),
    ...line("State", stateText(task)),
    ...line("Reason", task.reason),
    ...line("Message", task.message || undefined),
    ...line("Queue", task.position === undefined ? undefined : `position ${task.position}`),
    ...(isOver ? [] : line("Pool", room === undefined ? undefined : roomText(room))),
    ...wouldStartIf.flatMap((condition) => line("Starts if", condition)),
    ...line("Starts in", expectedStart === undefined ? undefined : durationText(expectedStart - now)),
    ...line("Helps", help?.replaceAll("TASK", task.name)),
    ...line("Note", isCurrent ? undefined : "the operator has not looked at the latest change of the task yet"),
  ];
}

const stageTexts: Readonly<Record<TaskStage, string>> = {
  Waiting: "waiting",
  Starting: "starting",
  Running: "running",
  Suspending: "being suspended",
  Suspended: "suspended",
  Cancelling: "being cancelled",
  NeedsPerson: "stopped until a person does something",
  Succeeded: "succeeded",
  Failed: "ended without full success",
  Deleting: "being deleted",
};

function stateText({ stage, items, shards }: TaskRow): string {
  const parts = [stageTexts[stage]];
  if (items.total > 0) parts.push(`${items.succeeded} of ${items.total} items done`);
  if (items.failed > 0) parts.push(`${items.failed} failed`);
  if (shards.running > 0) parts.push(`${shards.running} ${shards.running === 1 ? "shard" : "shards"} running`);
  if (shards.starting > 0) parts.push(`${shards.starting} starting`);
  if (shards.waiting > 0) parts.push(`${shards.waiting} waiting`);
  return parts.join(", ");
}

export function roomOf({ resources }: PoolRow): readonly Room[] {
  return resources.map(({ name, free, capacity }) => ({ resource: name, free, capacity }));
}

export function roomText(room: readonly Room[]): string {
  // Nodes name what they have none of, too.
  const had = room.filter(({ capacity }) => !/^0\D*$/.test(capacity));
  if (had.length === 0) return "no capacity known yet";
  return had
    .map(({ resource, free, capacity }) => `${resource} ${told(resource, free)} free of ${told(resource, capacity)}`)
    .join(", ");
}

/** Kubernetes tells bytes as it has them: `267847642337`. Less than nothing is free where Pods of others hold more than there is. */
function told(resource: string, amount: string): string {
  return amount.startsWith("-") ? amount : amountText(resource, amountOf(resource, amount), "down");
}
