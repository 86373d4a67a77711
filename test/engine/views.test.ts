import type { KubeObject } from "@dsl/kube-operator";
import { describe, expect, test } from "vitest";
import { createProjections } from "../../src/engine/views.ts";
import { aStoredJob, aStoredPod, itemsOf, noon, terminated } from "./builders.ts";

const { job, pod } = createProjections();

describe("a Job", () => {
  test("keeps what its attempt is, and what holds it", () => {
    const view = job(
      aStoredJob({ chunk: { size: 10, mode: "Each" }, items: itemsOf(["a", "b"], 4), finished: "Failed" }),
    );
    expect(view).toEqual({
      kind: "Job",
      metadata: { name: "squares-5f0c1e-3-1", namespace: "lab", uid: "job-uid", resourceVersion: "20" },
      task: "5f0c1e8a-0000-4000-8000-000000000001",
      taskName: "squares",
      shard: 3,
      attempt: 1,
      node: "node-1",
      items: "4-5",
      request: { cpu: 1000, pods: 1 },
      createdMs: noon,
      deleting: false,
      finalizers: ["kube-pool.dev/record"],
      finished: "Failed",
    });
  });

  test("without a task as its controller is none of ours, nor one whose labels are no numbers", () => {
    const stored = aStoredJob();
    const other = (metadata: object): KubeObject => ({ ...stored, metadata: { ...stored.metadata, ...metadata } });
    expect(job(other({ ownerReferences: [] }))).toBeUndefined();
    expect(job(other({ labels: { ...stored.metadata.labels, "kube-pool.dev/shard": "-1" } }))).toBeUndefined();
  });
});

describe("a Pod", () => {
  test("that is foreign keeps what capacity needs, and nothing else", () => {
    const stored = aStoredPod({ phase: "Running", state: terminated(0, "secret words") });
    const { labels: _, ...metadata } = stored.metadata;
    expect(pod({ ...stored, metadata } as KubeObject)).toEqual({
      metadata: { name: "squares-5f0c1e-3-1-abcde", namespace: "lab", uid: "pod-uid", resourceVersion: "30" },
      node: "node-1",
      phase: "Running",
      request: { cpu: 250, pods: 1 },
      deleting: false,
    });
  });

  test("tells its main container from one that a webhook put before it", () => {
    const stored = aStoredPod({ phase: "Running" });
    const statuses = [
      { name: "proxy", state: terminated(1) },
      { name: "square", state: { running: { startedAt: "2026-01-01T12:00:10Z" } } },
    ];
    const both = { ...stored, status: { phase: "Running", containerStatuses: statuses } } as KubeObject;
    expect(pod(both).attempt?.container).toEqual({ state: "running", startMs: noon + 10_000 });
  });

  test("knows when its deletion was asked for: its timestamp is when the grace period ends", () => {
    expect(pod(aStoredPod({ deletionAsked: 20 })).attempt?.deletionAskedMs).toBe(noon + 20_000);
  });

  test("shares its texts and its request with others like it, since there are thousands", () => {
    const [a, b] = [pod(aStoredPod({ uid: "a" })), pod(aStoredPod({ uid: "b" }))];
    expect(a.request).toBe(b.request);
  });

  test("that asks for more than can be counted, or is hardly a Pod at all, is no error", () => {
    const metadata = { name: "x", namespace: "y", uid: "z", resourceVersion: "1", creationTimestamp: "yesterday" };
    const absurd = { containers: [{ resources: { requests: { memory: "9000Pi" } } }] };
    for (const rest of [
      {},
      { spec: null, status: "?" },
      { spec: absurd },
      { spec: { containers: "many" }, status: { conditions: 7 } },
    ]) {
      const odd = { apiVersion: "v1", kind: "Pod", metadata, ...rest } as KubeObject;
      expect(pod(odd)).toMatchObject({ phase: "Pending", node: "", request: { pods: 1 } });
    }
  });
});
