import { createManager, type Manifest } from "@dsl/kube-operator";
import { manualClock, memoryKubeApi } from "@dsl/kube-operator/testing";
import { expect, test } from "vitest";
import { pooledTaskCrd, resourcePoolCrd } from "../../src/api/crds.ts";
import { type Stores, watchedStores } from "../../src/controller/stores.ts";
import { aStoredJob, aStoredPod } from "../engine/builders.ts";
import { jobs, pods } from "../support/simulated-cluster-world.ts";

/** A Job of ours and its Pod, seen by the stores. */
async function aJobAndItsPod() {
  const clock = manualClock();
  const crds = [resourcePoolCrd(), pooledTaskCrd()] as unknown as Manifest[];
  const api = memoryKubeApi({ clock, crds, namespaces: ["lab"] });
  const manager = createManager({ api, clock });
  const stores: Stores = watchedStores(manager);
  void manager.run(new AbortController().signal);
  const job = await api.create(jobs, { ...aStoredJob() } as unknown as Manifest);
  const pod = await api.create(pods, {
    ...aStoredPod(),
    metadata: {
      ...aStoredPod().metadata,
      ownerReferences: [
        { apiVersion: "batch/v1", kind: "Job", name: job.metadata.name, uid: job.metadata.uid, controller: true },
      ],
    },
  } as unknown as Manifest);
  await clock.advance(1000);
  const remove = async (what: "job" | "pod"): Promise<void> => {
    if (what === "pod") await api.delete(pods, pod.metadata, { gracePeriodSeconds: 0 });
    // Its task is not there, so the garbage collector has deleted it already: only the finalizer holds it.
    else await api.patch(jobs, job.metadata, { type: "merge", body: { metadata: { finalizers: [] } } } as const);
    await clock.advance(1000);
  };
  return { departed: () => stores.departed.of(job.metadata.uid), remove };
}

test("what a Pod said last is kept while its Job is there", async () => {
  const { departed, remove } = await aJobAndItsPod();
  expect(departed()).toEqual([]);
  await remove("pod");
  expect(departed()).toEqual([expect.objectContaining({ gone: true })]);
  await remove("job");
  expect(departed()).toEqual([]);
});

test("nothing is kept of a Pod that goes after its Job", async () => {
  const { departed, remove } = await aJobAndItsPod();
  await remove("job");
  await remove("pod");
  expect(departed()).toEqual([]);
});
