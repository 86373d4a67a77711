// The state of one attempt, read from its Job and its Pods as they are in the store. Remembers nothing: the same objects
// give the same state, whatever was seen before.
import type { AttemptState, EndedAttempt, RunningAttempt, StartingAttempt, Surroundings } from "./engine.ts";
import { indexesOf } from "./item-indexes.ts";
import type { JobView } from "./job-views.ts";
import { itemsEnd } from "./outcomes.ts";
import { hasEnded, type PodAttempt, type PodView } from "./pod-views.ts";
import { type Verdict, verdictOf } from "./verdict.ts";
import type { AttemptPod } from "./views.ts";

/** Of an attempt that has a Job of its own. */
export function observeAttempt(job: JobView, pods: readonly PodView[], surroundings: Surroundings): AttemptState {
  const pod = firstOf(pods);
  return pod === undefined
    ? withoutPod(job, surroundings)
    : podState(commonOf(job, pod), pod, job.deleting, surroundings);
}

/** Of a Pod that is an attempt by itself. Who deleted it, it does not say: whoever watches has to remember. */
export function observePod({ task, shard, attempt, pod }: AttemptPod, surroundings: Surroundings): AttemptState {
  const { own, job, createdMs } = pod.attempt;
  const common: Common = {
    task,
    shard,
    attempt,
    node: pod.node === "" ? own.node : pod.node,
    job,
    pod: pod.metadata.uid,
    request: pod.request,
    items: indexesOf(own.items) ?? [],
    decided: createdMs,
    stopping: pod.deleting,
  };
  return podState(common, pod, surroundings.stopped === true, surroundings);
}

function podState(common: Common, pod: OurPod, stopped: boolean, surroundings: Surroundings): AttemptState {
  if (hasEnded(pod) || pod.gone) {
    return endedAttempt(common, pod, verdictOf(pod, pod.attempt, stopped), surroundings);
  }
  // Nobody is left there to say that it ended; a new attempt may overlap with it, under another fence.
  if (pod.deleting && surroundings.isLost(pod.node)) {
    const message = `node ${pod.node} does not answer`;
    return endedAttempt(
      common,
      pod,
      { outcome: stopped ? "Stopped" : "Lost", reason: "NodeLost", message },
      surroundings,
    );
  }
  const start = startOf(pod.attempt);
  return start === undefined ? starting(common, pod.attempt) : { ...common, state: "Running", start };
}

type OurPod = PodView & { readonly attempt: PodAttempt };

/** Kube's Job controller may start two Pods for one attempt: the first counts, the others are foreign. */
function firstOf(pods: readonly PodView[]): OurPod | undefined {
  let first: OurPod | undefined;
  for (const pod of pods) if (isOurs(pod) && (first === undefined || isBefore(pod, first))) first = pod;
  return first;
}

function isOurs(pod: PodView): pod is OurPod {
  return pod.attempt !== undefined;
}

function isBefore(a: OurPod, b: OurPod): boolean {
  const byAge = a.attempt.createdMs - b.attempt.createdMs;
  return byAge === 0 ? a.metadata.uid < b.metadata.uid : byAge < 0;
}

type Common = Omit<StartingAttempt, "state" | "waitingFor" | "refusedSince"> & Omit<RunningAttempt, "state" | "start">;

function commonOf(job: JobView, pod?: OurPod): Common {
  return {
    task: job.task,
    shard: job.shard,
    attempt: job.attempt,
    node: pod === undefined || pod.node === "" ? job.node : pod.node,
    job: job.metadata.uid,
    ...(pod !== undefined && { pod: pod.metadata.uid }),
    request: pod?.request ?? job.request,
    items: indexesOf(job.items) ?? [],
    decided: job.createdMs,
    stopping: job.deleting,
  };
}

/** Not made yet, not seen yet, or gone unseen: only a store that has seen more than the Job did can tell. */
function withoutPod(job: JobView, { podsSeenUpTo, createFailure, now }: Surroundings): AttemptState {
  const common = commonOf(job);
  const isOver = (job.deleting || job.finished !== undefined) && podsSeenUpTo >= Number(job.metadata.resourceVersion);
  if (!isOver)
    return { ...common, state: "Starting", ...(createFailure !== undefined && { waitingFor: createFailure }) };
  const nothing = { end: now, outcomes: [], handedBack: common.items, interrupted: [], leftOver: [] };
  return job.deleting
    ? { ...common, state: "Ended", outcome: "Stopped", reason: "Stopped", ...nothing }
    : {
        ...common,
        state: "Ended",
        outcome: "Lost",
        reason: "PodLost",
        message: "its Pod vanished before its end was seen",
        ...nothing,
      };
}

function startOf({ container }: PodAttempt): number | undefined {
  if (container === undefined || container.state === "waiting") return undefined;
  return container.state === "terminated" && container.init !== undefined ? undefined : container.startMs;
}

function starting(common: Common, { container, refused }: PodAttempt): StartingAttempt {
  const waitingFor = container?.state === "waiting" ? container.words : refused?.words;
  return {
    ...common,
    state: "Starting",
    ...(waitingFor !== undefined && waitingFor !== "" && { waitingFor }),
    ...(refused !== undefined && { refusedSince: refused.sinceMs }),
  };
}

function endedAttempt(common: Common, pod: OurPod, verdict: Verdict, { form, now }: Surroundings): EndedAttempt {
  const { container, deletionAskedMs, messageBytesMax } = pod.attempt;
  const terminated = container?.state === "terminated" ? container : undefined;
  const start = startOf(pod.attempt);
  const end = Math.max(terminated?.endMs ?? deletionAskedMs ?? now, start ?? 0);
  const { verdict: told, ...items } = itemsEnd(form, {
    items: common.items,
    verdict,
    ...(start !== undefined && { start }),
    end,
    ...(terminated !== undefined && { container: terminated }),
    messageBytesMax,
  });
  return {
    ...common,
    state: "Ended",
    ...told,
    ...(start !== undefined && { start }),
    end,
    ...(terminated !== undefined && terminated.init === undefined && { exit: terminated.exit }),
    ...items,
  };
}
