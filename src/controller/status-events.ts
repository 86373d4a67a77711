// What is told as an event when a status changes: the few turns in the life of a task or a pool, never one a shard. Pure.
import { conditionOf, type NewEvent } from "@dsl/kube-operator";
import type { PooledTaskStatus } from "../api/pooled-task-status.ts";
import type { ResourcePoolStatus } from "../api/resource-pool.ts";

type Conditions = PooledTaskStatus["conditions"];

function told(
  conditions: Conditions,
  type: string,
): { readonly status: string; readonly reason: string; readonly message: string } | undefined {
  return conditionOf(conditions ?? [], type);
}

export function taskEvents(before: PooledTaskStatus | undefined, after: PooledTaskStatus): readonly NewEvent[] {
  const events: NewEvent[] = [];
  const finished = told(after.conditions, "Finished");
  // Of a task that was over at once only the end is told.
  if (before?.startTime === undefined && after.startTime !== undefined && finished?.status !== "True") {
    events.push({ type: "Normal", reason: "Started", action: "Start", note: "the first shard was started" });
  }
  const was = told(before?.conditions, "Ready");
  const is = told(after.conditions, "Ready");
  const isSuspended = is?.reason === "Suspended";
  if (isSuspended && was?.reason !== "Suspended")
    events.push({ type: "Normal", reason: "Suspended", action: "Suspend", note: is.message });
  if (!isSuspended && was?.reason === "Suspended" && finished?.status !== "True") {
    events.push({ type: "Normal", reason: "Resumed", action: "Resume", note: "spec.suspend is false again" });
  }
  if (after.queue?.reason === "Preempted" && before?.queue?.reason !== "Preempted") {
    events.push({ type: "Normal", reason: "Preempted", action: "Stop", note: after.queue.message ?? "" });
  }
  if (finished?.status === "True" && told(before?.conditions, "Finished")?.status !== "True") {
    const succeeded = told(after.conditions, "Succeeded");
    const isSuccess = succeeded?.status === "True";
    events.push({
      type: isSuccess ? "Normal" : "Warning",
      reason: isSuccess ? "Succeeded" : (succeeded?.reason ?? "Failed"),
      action: "Finish",
      note: finished.message,
    });
    return events;
  }
  const stalled = told(after.conditions, "Stalled");
  if (
    stalled?.status === "True" &&
    finished?.status !== "True" &&
    told(before?.conditions, "Stalled")?.reason !== stalled.reason
  ) {
    events.push({ type: "Warning", reason: stalled.reason, action: "Start", note: stalled.message });
  }
  if (after.failures !== undefined && before?.failures === undefined) {
    const [first] = after.failures;
    const words = first?.message === undefined ? "" : `: ${first.message}`;
    events.push({
      type: "Warning",
      reason: "ItemFailed",
      action: "Run",
      note: `item ${first?.item} failed (${first?.reason})${words}`,
    });
  }
  return events;
}

export function poolEvents(before: ResourcePoolStatus | undefined, after: ResourcePoolStatus): readonly NewEvent[] {
  const was = told(before?.conditions, "Ready");
  const is = told(after.conditions, "Ready");
  if (is === undefined || (was?.status === is.status && was.reason === is.reason)) return [];
  const isReady = is.status === "True";
  return [
    {
      type: isReady ? "Normal" : "Warning",
      reason: isReady ? "Ready" : is.reason,
      action: "Observe",
      note: is.message,
    },
  ];
}
