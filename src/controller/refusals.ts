// What the API server would not take, and for how long nothing more of the task is asked for. Sends nothing.
import { ApiError } from "@dsl/kube-operator";
import type { PooledTask } from "../api/pooled-task.ts";
import type { TaskReason } from "../scheduling/index.ts";
import type { Attempts } from "./observed/attempts.ts";
import type { Refusal, TaskMemory } from "./task-memory.ts";

export function refuse(
  memory: TaskMemory,
  task: Pick<Attempts, "active">,
  reason: TaskReason,
  message: string,
  now: number,
): void {
  const known = memory.refusal;
  // The shards of one batch are refused together: that is one refusal.
  const count = known === undefined ? 1 : now < known.until ? known.count : known.count + 1;
  const ceiling = startedCount(task);
  memory.refusal = {
    reason,
    message,
    ceiling,
    count,
    until: now + Math.min(300_000, 10_000 * 2 ** Math.min(count - 1, 5)),
  };
}

/**
 * What a task's status tells of a refusal, for who has not asked for its Pods: nothing more of it starts as long as that
 * stands there.
 */
export function refusalTold({ status }: PooledTask): Refusal | undefined {
  const { reason, message = "" } = status?.queue ?? {};
  const told = refusalReasons.find((each) => each === reason);
  return told && { reason: told, message, until: Number.POSITIVE_INFINITY, ceiling: 0, count: 1 };
}

const refusalReasons: readonly TaskReason[] = ["QuotaRefused", "AdmissionRefused", "TemplateRefused", "NameTaken"];

/** Attempts that got their Pod. */
export function startedCount(task: Pick<Attempts, "active">): number {
  return task.active.filter(({ pod }) => pod !== undefined).length;
}

/** Once it was time to try, and more was granted than before, twice as much may be asked for. */
export function raiseCeiling(refusal: Refusal | undefined, attempts: Pick<Attempts, "active">, now: number): void {
  const started = startedCount(attempts);
  if (refusal !== undefined && !refusal.ofRecords && now >= refusal.until && started > refusal.ceiling) {
    refusal.ceiling = 2 * started;
    refusal.count = 0;
  }
}

/** After a refusal no more is asked for than was granted, and one more when it is time to try. */
export function ceilingOf(refusal: Refusal | undefined, now: number): number {
  if (refusal === undefined) return Number.POSITIVE_INFINITY;
  return now < refusal.until ? refusal.ceiling : refusal.ceiling + 1;
}

export function refusalReason(message: string): TaskReason {
  return message.includes("exceeded quota") || message.includes("failed quota") ? "QuotaRefused" : "AdmissionRefused";
}

/** The reason of an answer that will not change by asking again at once; undefined for a passing fault. */
export function whyRefused(error: unknown): TaskReason | undefined {
  if (!(error instanceof ApiError)) return undefined;
  const { code } = error.status;
  if (code < 400 || code >= 500 || passing.has(code)) return undefined;
  // A webhook may deny with any code of this kind; 422 without its words is the server's own validation.
  return code === 422 && !error.message.includes("denied the request")
    ? "TemplateRefused"
    : refusalReason(error.message);
}

/** The words of an answer, and whose it is to mend, where the operator itself may not do what it asked for. */
export function refusalText(words: string): string {
  if (!lacksRight(words)) return words;
  return `the operator lacks a right that its manifests grant (deploy/manifests/rbac.yaml), ask who runs it: ${words}`;
}

/** By RBAC's words; an admission policy or a quota has others. */
export function lacksRight(words: string): boolean {
  return /is forbidden: User "[^"]*" cannot \w+ resource/.test(words);
}

/** Of the client's errors, those that another login, another moment or another look may mend. */
const passing: ReadonlySet<number> = new Set([401, 404, 408, 409, 429]);
