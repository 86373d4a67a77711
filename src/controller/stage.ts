// Where a task stands as a whole: open, suspended, in need of a person, ending, ended, being deleted. Pure.
import { conditionOf } from "@dsl/kube-operator";
import type { PooledTask, PooledTaskSpec } from "../api/pooled-task.ts";
import { type Problem, problemsText } from "../api/problem.ts";
import type { StallReason } from "../scheduling/index.ts";
import type { Account } from "./account.ts";

export type EndReason = "Succeeded" | "ResultsTruncated" | "ItemsFailed" | "Cancelled" | "DeadlineExceeded";

export type Stage =
  | { readonly kind: "Open" }
  /** `by` is the field that says so. */
  | { readonly kind: "Suspended"; readonly by: string }
  /** Needs a person. */
  | { readonly kind: "Stalled"; readonly reason: StallReason; readonly message: string }
  /** Nothing more starts; what runs is being stopped. */
  | { readonly kind: "Ending"; readonly reason: EndReason; readonly message: string }
  | { readonly kind: "Ended"; readonly reason: EndReason; readonly message: string }
  /** Ended, and written down: nothing about it is computed any more. */
  | { readonly kind: "Finished" }
  | { readonly kind: "Deleting" };

export interface Facts {
  readonly task: PooledTask;
  readonly spec: PooledTaskSpec | undefined;
  readonly problems: readonly Problem[];
  readonly account: Account | undefined;
  /** Attempts that have not ended, or could be recorded and are not. */
  readonly unsettledAttempts: number;
  /** Decision of the first attempt. */
  readonly firstDecided: number | undefined;
  /** The Job that its attempts share, where somebody suspended that. */
  readonly suspendedJob?: string;
}

export function stageOf(facts: Facts, now: number): Stage {
  const { task, spec, problems, account } = facts;
  if (task.metadata.deletionTimestamp !== undefined) return { kind: "Deleting" };
  const [problem] = problems;
  if (spec === undefined) {
    return { kind: "Stalled", reason: problem?.reason ?? "TaskInvalid", message: problemsText(problems) };
  }
  if (isFinished(task, spec)) return { kind: "Finished" };
  const end = account && endOf(facts, spec, account, now);
  if (end !== undefined) return { kind: facts.unsettledAttempts > 0 ? "Ending" : "Ended", ...end };
  if (problem !== undefined && account === undefined && spec.cancel) {
    const message = `cancelled (spec.cancel); nothing could run: ${problemsText(problems)}`;
    return { kind: facts.unsettledAttempts > 0 ? "Ending" : "Ended", reason: "Cancelled", message };
  }
  if (problem !== undefined) return { kind: "Stalled", reason: problem.reason, message: problemsText(problems) };
  if (spec.suspend) return { kind: "Suspended", by: "spec.suspend" };
  return facts.suspendedJob === undefined
    ? { kind: "Open" }
    : { kind: "Suspended", by: `spec.suspend of Job ${facts.suspendedJob}` };
}

/**
 * True once its end stands in the status, until `retryFailed` asks for more: also where `cancel` comes along, since what was
 * asked for may run already.
 */
export function isFinished(task: PooledTask, spec: PooledTaskSpec): boolean {
  const finished = conditionOf(task.status?.conditions ?? [], "Finished")?.status === "True";
  return finished && spec.retryFailed <= (task.status?.handledRetry ?? 0);
}

function endOf(
  facts: Facts,
  spec: PooledTaskSpec,
  account: Account,
  now: number,
): { readonly reason: EndReason; readonly message: string } | undefined {
  const { items } = account.shape;
  const done = `${account.done.count} of ${items} items succeeded`;
  if (account.isComplete && !needsRetryRound(spec, account)) {
    const failed = account.failedCount;
    if (failed > 0) {
      const what = failed === 1 ? "1 item" : `${failed} items`;
      return {
        reason: "ItemsFailed",
        message: `${what} of ${items} failed; raise spec.retryFailed to run ${failed === 1 ? "it" : "them"} again`,
      };
    }
    if (account.unkept > 0) {
      const unkept = `the results of ${account.unkept} are not kept, results.maxBytes being used up`;
      return { reason: "ResultsTruncated", message: `${done}; ${unkept}` };
    }
    return { reason: "Succeeded", message: done };
  }
  if (spec.cancel) return { reason: "Cancelled", message: `cancelled (spec.cancel); ${done}` };
  const deadline = deadlineOf(facts.firstDecided, spec);
  if (deadline !== undefined && now >= deadline) {
    return {
      reason: "DeadlineExceeded",
      message: `not done within ${spec.activeDeadlineSeconds} s of its first start (spec.activeDeadlineSeconds); ${done}`,
    };
  }
  return undefined;
}

export function deadlineOf(firstDecided: number | undefined, spec: PooledTaskSpec): number | undefined {
  if (spec.activeDeadlineSeconds === undefined || firstDecided === undefined) return undefined;
  return firstDecided + spec.activeDeadlineSeconds * 1000;
}

/** `retryFailed` was raised, and the records do not say so yet. */
export function needsRetryRound(spec: PooledTaskSpec, account: Account): boolean {
  return spec.retryFailed > account.retryRound && !spec.cancel;
}
