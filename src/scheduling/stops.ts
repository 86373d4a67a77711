// Which running shards must end, and when time alone will change a plan. Does not know the queue nor what is free.
import type { Stop } from "./decision.ts";
import type { ActiveShard, StopReason, Task } from "./model.ts";
import { compareText } from "./order/chain.ts";

/** A shard that the Kubernetes scheduler refuses this long is taken back and placed elsewhere. */
export const refusalPatienceMs = 30_000;

/** What is stopped stays where it is until its Pod is seen to end: nothing of this frees room in the same plan. */
export function whatMustStop(tasks: readonly Task[], now: number): readonly Stop[] {
  const stops: Stop[] = [];
  for (const task of tasks) {
    for (const active of task.active) {
      const why = whyStopped(task, active, now);
      if (why === undefined) continue;
      const { shard, attempt, node } = active;
      stops.push({ kind: "stop", task: task.key, shard, attempt, node, why });
    }
  }
  return stops.sort((a, b) => compareText(a.task, b.task) || a.shard - b.shard || a.attempt - b.attempt);
}

/** A shard that is being stopped already is not stopped again. */
function whyStopped(task: Task, { state, deadline, refusedSince }: ActiveShard, now: number): StopReason | undefined {
  if (state === "Stopping") return undefined;
  if (task.stop !== undefined) return task.stop;
  if (deadline !== undefined && deadline <= now) return "TimedOut";
  if (state === "Starting" && refusedSince !== undefined && refusedSince + refusalPatienceMs <= now) {
    return "NodeRefused";
  }
  return undefined;
}

/** The first moment after `now` at which a deadline, a delay or a refusal ends, of any task. */
export function nextMoment(tasks: readonly Task[], now: number): number | undefined {
  let next = Number.POSITIVE_INFINITY;
  const consider = (moment: number | undefined): void => {
    if (moment !== undefined && moment > now && moment < next) next = moment;
  };
  for (const { active, backingOff, excludedNodes, blocked, stop } of tasks) {
    for (const { state, deadline, refusedSince } of active) {
      if (state === "Stopping" || stop !== undefined) continue;
      consider(deadline);
      if (state === "Starting" && refusedSince !== undefined) consider(refusedSince + refusalPatienceMs);
    }
    for (const { until } of backingOff) consider(until);
    for (const { until } of excludedNodes) consider(until);
    consider(blocked?.until);
  }
  return Number.isFinite(next) ? next : undefined;
}

export function earliest(...moments: readonly (number | undefined)[]): number | undefined {
  let first: number | undefined;
  for (const moment of moments) if (moment !== undefined && (first === undefined || moment < first)) first = moment;
  return first;
}
