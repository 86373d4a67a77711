// Kube's Job controller, as far as Jobs of one Pod go: it makes the Pod, says how the Job ended a moment after the Pod
// did, and tells by events what keeps it from making one. Its Pods are ended by the garbage collector, as anybody's.
import { ApiError, controllerReference, keyText, parseKey } from "@dsl/kube-operator";
import {
  events,
  isOver,
  jobOf,
  jobs,
  later,
  pods,
  type SimulatedJob,
  type SimulatedPod,
  timestamp,
  type World,
} from "./simulated-cluster-world.ts";

const createPodMs = 10;
const finishMs = 40;
const retryMs = 10_000;

export interface JobTraits {
  /** Jobs for which two Pods are made (kubernetes/kubernetes#120790). */
  readonly makesTwoPods?: (job: SimulatedJob) => boolean;
  /** Why the API server takes no Pod of the Job, beside quotas. */
  readonly refuses?: (job: SimulatedJob) => string | undefined;
}

export function runJobController(
  world: World,
  { makesTwoPods = () => false, refuses = () => undefined }: JobTraits,
): void {
  let made = 0;
  const seen = new Set<string>();

  const makePod = async (job: SimulatedJob): Promise<void> => {
    const { name, namespace = "", uid } = job.metadata;
    const current = world.jobs.get(job.metadata);
    if (current?.metadata.uid !== uid || current.metadata.deletionTimestamp !== undefined) return;
    const refusal = refuses(job) ?? quotaRefusal(world, namespace);
    if (refusal !== undefined) {
      await tellRefusal(world, job, refusal, ++made);
      later(world, retryMs, () => makePod(job));
      return;
    }
    made += 1;
    await world.api.create(pods, {
      apiVersion: "v1",
      kind: "Pod",
      ...job.spec.template,
      metadata: {
        ...job.spec.template.metadata,
        name: `${name}-${made.toString(36).padStart(5, "0")}`,
        namespace,
        ownerReferences: [controllerReference({ ...job, apiVersion: "batch/v1", kind: "Job" })],
      },
    });
  };

  const finish = async (job: SimulatedJob, type: "Complete" | "Failed"): Promise<void> => {
    const lastTransitionTime = timestamp(world.clock.now());
    const conditions = [type === "Complete" ? "SuccessCriteriaMet" : "FailureTarget", type].map((each) => ({
      type: each,
      status: "True",
      reason: each,
      lastTransitionTime,
    }));
    const completion = type === "Complete" ? { completionTime: lastTransitionTime } : {};
    const body = { status: { startTime: job.metadata.creationTimestamp, ...completion, conditions } };
    await world.api.patch(jobs, job.metadata, { type: "merge", body }, { subresource: "status" });
  };

  /** Pods that the server has taken a moment ago: the mirror may not have them yet. */
  const granted = new Set<string>();
  // Of a Job that somebody else manages, whoever makes its Pods hears the refusal.
  world.api.fail(({ verb, resource, body }) => {
    if (verb !== "create" || resource.plural !== "pods") return undefined;
    const pod = body as SimulatedPod;
    const job = world.jobs.list().find(({ metadata }) => metadata.uid === jobOf(pod));
    if (job?.spec.managedBy === undefined) return undefined;
    const { namespace = "" } = pod.metadata;
    const unseen = [...granted].filter((key) => world.pods.get(parseKey(key)) === undefined);
    const refusal =
      refuses(job) ?? quotaRefusal(world, namespace, unseen.filter((key) => key.startsWith(`${namespace}/`)).length);
    if (refusal === undefined) {
      granted.add(keyText(pod.metadata));
      later(world, 1000, async () => void granted.delete(keyText(pod.metadata)));
      return undefined;
    }
    const message = `pods "${pod.metadata.name}" is forbidden: ${refusal}`;
    return new ApiError({ code: 403, reason: "Forbidden", message });
  });

  world.jobs.onChange((change, job) => {
    if (change === "DELETED" || seen.has(job.metadata.uid) || job.spec.managedBy !== undefined) return;
    seen.add(job.metadata.uid);
    later(world, createPodMs, () => makePod(job));
    if (makesTwoPods(job)) later(world, createPodMs, () => makePod(job));
  });
  world.pods.onChange((change, pod) => {
    if (change !== "DELETED" && !isOver(pod)) return;
    const job = world.jobs.list().find(({ metadata }) => metadata.uid === jobOf(pod));
    if (job === undefined || job.status?.conditions !== undefined || job.spec.managedBy !== undefined) return;
    const isOthersLeft = world.pods
      .list()
      .some((other) => jobOf(other) === job.metadata.uid && other.metadata.uid !== pod.metadata.uid && !isOver(other));
    // The retry limit is 0, so the first Pod that fails, or vanishes, fails the Job.
    if (!isOthersLeft)
      later(world, finishMs, () => finish(job, pod.status?.phase === "Succeeded" ? "Complete" : "Failed"));
  });
}

function quotaRefusal(world: World, namespace: string, unseen = 0): string | undefined {
  const used = unseen + world.pods.list().filter((pod) => pod.metadata.namespace === namespace && !isOver(pod)).length;
  const exceeded = world.quotas
    .list()
    .find(({ metadata, spec }) => metadata.namespace === namespace && used + 1 > Number(spec.hard.pods ?? Number.NaN));
  if (exceeded === undefined) return undefined;
  const { hard } = exceeded.spec;
  return `exceeded quota: ${exceeded.metadata.name}, requested: pods=1, used: pods=${used}, limited: pods=${hard.pods}`;
}

async function tellRefusal({ api, clock }: World, job: SimulatedJob, refusal: string, count: number): Promise<void> {
  const { name, namespace = "", uid } = job.metadata;
  await api.create(events, {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${name}.${count}`, namespace },
    involvedObject: { kind: "Job", name, namespace, uid },
    reason: "FailedCreate",
    type: "Warning",
    message: `Error creating: pods "${name}-" is forbidden: ${refusal}`,
    lastTimestamp: timestamp(clock.now()),
  });
}
