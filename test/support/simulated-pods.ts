// What a test does to Pods of simulated nodes in the kubelet's place.
import { isNotFound, type KubeObject, type Resource } from "@dsl/kube-operator";
import type { History } from "./history.ts";

interface RunningPod extends KubeObject {
  readonly status?: {
    readonly containerStatuses?: readonly { readonly state: { readonly running?: { readonly startedAt: string } } }[];
  };
}

const pods: Resource<RunningPod> = { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true };

/** Tells that what runs of a task has ended well, now: a Pod that has to run while a test looks need not run on after it. */
export async function endRunning({ api, livePods }: History, task: string): Promise<void> {
  await Promise.all([...livePods(task)].map((name) => end(api, name)));
}

async function end(api: History["api"], name: string): Promise<void> {
  const key = { namespace: "default", name };
  try {
    const [container] = (await api.get(pods, key)).status?.containerStatuses ?? [];
    const startedAt = container?.state.running?.startedAt;
    if (startedAt === undefined) return;
    const terminated = { exitCode: 0, reason: "Completed", startedAt, finishedAt: new Date().toISOString() };
    const containerStatuses = [{ ...container, ready: false, started: false, state: { terminated } }];
    const body = { status: { phase: "Succeeded", containerStatuses } };
    await api.patch(pods, key, { type: "merge", body }, { subresource: "status" });
  } catch (error) {
    // Stopped and gone meanwhile.
    if (!isNotFound(error)) throw error;
  }
}
