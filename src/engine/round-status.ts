// The status of a Job that attempts share, as Kubernetes' own tools read it and as its API server validates it (1.36:
// pkg/apis/batch/validation). Pure.
import { timeText } from "@dsl/kube-operator";
import type { RoundView } from "./job-views.ts";
import { countOf, type Fields, objectsOf, textOf } from "./json.ts";

export interface RoundFacts {
  /** Pods that run or start, those that are being stopped left out. */
  readonly active: number;
  /** Of those, the ones whose container runs. */
  readonly ready: number;
  /** Pods that are being stopped. */
  readonly terminating: number;
  /** Shards whose items all have a result: how many, and which as `0-99,105`. */
  readonly succeeded: number;
  readonly completedIndexes: string;
  /** Attempts that ended without success. */
  readonly failed: number;
  readonly suspended: boolean;
  /** How the task ended; absent while it goes on. */
  readonly end?: { readonly succeeded: boolean; readonly reason: string; readonly message: string };
}

/** Undefined once the Job has finished: nothing about it changes any more. */
export function roundStatus(round: RoundView, facts: RoundFacts, now: number): Fields | undefined {
  if (round.finished !== undefined) return undefined;
  const { status } = round;
  const { end } = facts;
  const completes = end?.succeeded === true;
  const conditions = conditionsOf(objectsOf(status.conditions), facts, now);
  return {
    startTime: textOf(status.startTime) || timeText(round.createdMs),
    ...(completes && { completionTime: timeText(Math.max(now, round.createdMs)) }),
    ...unlessZero("active", end === undefined ? facts.active : 0),
    ready: end === undefined ? Math.min(facts.ready, facts.active) : 0,
    terminating: end === undefined ? facts.terminating : 0,
    ...unlessZero("succeeded", facts.succeeded),
    ...(facts.completedIndexes !== "" && { completedIndexes: facts.completedIndexes }),
    // It may never fall, though a retry of all failed items begins to count anew.
    ...unlessZero("failed", Math.max(countOf(status.failed) ?? 0, facts.failed)),
    uncountedTerminatedPods: {},
    ...(conditions.length > 0 && { conditions }),
  };
}

/** As the server stores it, so that what is stored can be compared with what is meant. */
function unlessZero(field: string, count: number): Fields {
  return count === 0 ? {} : { [field]: count };
}

function conditionsOf(stored: readonly Fields[], { suspended, end }: RoundFacts, now: number): readonly Fields[] {
  const wanted: Record<string, { readonly is: boolean; readonly reason: string; readonly message: string }> = {};
  const wasSuspended = stored.some(({ type }) => type === "Suspended");
  if (suspended || wasSuspended) {
    wanted.Suspended = suspended
      ? { is: true, reason: "JobSuspended", message: "spec.suspend is true here, or on its PooledTask" }
      : { is: false, reason: "JobResumed", message: "spec.suspend is false here, and on its PooledTask" };
  }
  if (end !== undefined) {
    const { succeeded, reason, message } = end;
    for (const type of succeeded ? ["SuccessCriteriaMet", "Complete"] : ["FailureTarget", "Failed"]) {
      wanted[type] = { is: true, reason, message };
    }
  }
  return Object.entries(wanted).map(([type, { is, reason, message }]) => {
    const status = is ? "True" : "False";
    const known = stored.find((each) => each.type === type && each.status === status);
    if (known !== undefined) return known;
    return { type, status, reason, message, lastProbeTime: timeText(now), lastTransitionTime: timeText(now) };
  });
}
