// Who ended an attempt, told from its Pod: the program itself, the node or the cluster, or we. Does not know items.
import type { AttemptOutcome } from "./engine.ts";
import type { PodAttempt, PodView, TerminatedView } from "./pod-views.ts";
import { failureText } from "./termination-message.ts";

export interface Verdict {
  readonly outcome: AttemptOutcome;
  /** Absent for a success. */
  readonly reason?: string;
  readonly message?: string;
}

/** Of a Pod that has ended, or is gone. */
export function verdictOf(pod: PodView, attempt: PodAttempt, stopping: boolean): Verdict {
  const container = attempt.container?.state === "terminated" ? attempt.container : undefined;
  const outcome = byProgram(pod, attempt, container, stopping);
  if (outcome === "Succeeded") return { outcome };
  if (outcome === "Failed") return { outcome, ...programFailure(attempt, container) };
  const said = attempt.message === undefined ? {} : { message: attempt.message };
  if (stopping) return { outcome: "Stopped", reason: "Stopped", ...said };
  return {
    outcome: "Lost",
    reason: attempt.disrupted ?? attempt.reason ?? (pod.deleting ? "PodDeleted" : "PodLost"),
    ...said,
  };
}

/** Undefined where the end was not the program's own. */
function byProgram(
  pod: PodView,
  attempt: PodAttempt,
  container: TerminatedView | undefined,
  stopping: boolean,
): "Succeeded" | "Failed" | undefined {
  // An evicted Pod may tell nothing of its containers.
  if (container === undefined) return pod.phase === "Failed" && exceededItsLimit(attempt) ? "Failed" : undefined;
  if (wasToldToStop(attempt, container, stopping)) return undefined;
  if (pod.phase === "Succeeded") return "Succeeded";
  if (pod.phase !== "Failed") return undefined;
  if (container.reason === "OOMKilled" || exceededItsLimit(attempt)) return "Failed";
  return isTheNodes(attempt, container) ? undefined : "Failed";
}

/**
 * What ends after it was told to stop does not count: many programs answer SIGTERM with 0 without having finished. Times
 * are whole seconds, so an end in the same second is in doubt, and an item that runs twice is the lesser harm.
 */
function wasToldToStop(
  { deletionAskedMs, removing }: PodAttempt,
  container: TerminatedView,
  stopping: boolean,
): boolean {
  if (deletionAskedMs === undefined) return false;
  if ((container.endMs ?? Number.POSITIVE_INFINITY) >= deletionAskedMs) return true;
  // Of a Pod that had ended, the API server tells when it is removed, and no longer when it was first asked to end.
  return removing === true && (stopping || isSignalled(container));
}

function isSignalled({ exit, reason }: TerminatedView): boolean {
  return (exit === 137 || exit === 143) && reason !== "OOMKilled";
}

/** An eviction that would come again on every node (Kubernetes 1.36: pkg/kubelet/eviction/helpers.go). */
function exceededItsLimit({ reason, message = "" }: PodAttempt): boolean {
  return reason === "Evicted" && /exceed(s|ed) (the|its) .*limit/.test(message);
}

/** Reasons of the kubelet and of the node lifecycle controller for ending a Pod, or for refusing it. */
const nodeReasons: ReadonlySet<string> = new Set([
  "Evicted",
  "NodeLost",
  "Preempting",
  "Preempted",
  "UnexpectedAdmissionError",
  "TopologyAffinityError",
  "NodeAffinity",
  "NodePorts",
  "NodeShutdown",
  "Shutdown",
  "Terminated",
]);

function isTheNodes({ disrupted, reason = "" }: PodAttempt, container: TerminatedView): boolean {
  return (
    disrupted !== undefined ||
    nodeReasons.has(reason) ||
    reason.startsWith("OutOf") ||
    // The kubelet lost sight of the container, as after a crash of the node.
    container.reason === "ContainerStatusUnknown"
  );
}

function programFailure(attempt: PodAttempt, container: TerminatedView | undefined): Omit<Verdict, "outcome"> {
  if (container === undefined || exceededItsLimit(attempt))
    return { reason: "Evicted", message: attempt.message ?? "" };
  const reason = container.reason === "" ? "Error" : container.reason;
  const message = failureText(container.message) || exitWords(container.exit, reason);
  const place = container.init === undefined ? "" : `init container ${container.init}: `;
  return { reason, ...(message !== undefined && { message: `${place}${message}` }) };
}

/** What an exit status says where the program said nothing. */
export function exitWords(exit: number, reason = "Error"): string | undefined {
  if (reason === "OOMKilled") return "killed: the container used more memory than its limit";
  if (exit > 128 && exit < 160) return `ended by signal ${exit - 128}${exit === 137 ? ", as for want of memory" : ""}`;
  return undefined;
}
