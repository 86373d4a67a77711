// Tasks and pools as the API server stores them, to be read by views and verbs.
import type { KubeObject } from "@dsl/kube-operator";
import type { PooledTask, PooledTaskSpecInput, PooledTaskStatus } from "../../src/api/pooled-task.ts";
import type { ResourcePool, ResourcePoolStatus } from "../../src/api/resource-pool.ts";

export const startOfTests = Date.parse("2026-01-01T00:00:00Z");

/** A moment so many seconds after the start of all tests, as Kubernetes writes it. */
export function at(seconds: number): string {
  return new Date(startOfTests + seconds * 1000).toISOString().replace(".000Z", "Z");
}

export type Conditions = NonNullable<PooledTaskStatus["conditions"]>;

/** `Finished: "True"` or `Finished: "True ItemsFailed 3 of 100 items failed"`. */
export function conditions(words: Readonly<Record<string, string>>): Conditions {
  return Object.entries(words).map(([type, text]) => {
    const [status = "Unknown", reason = type, ...message] = text.split(" ");
    return {
      type,
      status: status as "True" | "False" | "Unknown",
      reason,
      message: message.join(" "),
      lastTransitionTime: at(0),
      observedGeneration: 1,
    };
  });
}

const template = { spec: { containers: [{ name: "main", image: "busybox:1.35", command: ["true"] }] } };

export function taskSpec(spec: Partial<PooledTaskSpecInput> = {}): PooledTaskSpecInput {
  return { poolRef: { name: "lab" }, items: { range: { end: 100 } }, template, ...spec };
}

/** A task as read back, its status about its present spec. */
export function aTask(
  status: PooledTaskStatus | undefined = undefined,
  spec: Partial<PooledTask["spec"]> = {},
  metadata: Partial<KubeObject["metadata"]> = {},
): PooledTask {
  return {
    apiVersion: "kube-pool.dev/v1alpha1",
    kind: "PooledTask",
    metadata: {
      name: "squares",
      namespace: "default",
      uid: "abcdef00-0000-0000-0000-000000000000",
      resourceVersion: "1",
      generation: 1,
      creationTimestamp: at(0),
      ...metadata,
    },
    spec: {
      poolRef: { name: "lab" },
      items: { range: { start: 0, end: 100, step: 1 } },
      chunk: { size: 1, mode: "Each" },
      priority: 0,
      suspend: false,
      cancel: false,
      retries: 0,
      retryFailed: 0,
      startTimeoutSeconds: 1800,
      results: { reduce: "None", maxBytes: "16Mi" },
      template,
      ...spec,
    },
    ...(status !== undefined && { status: { observedGeneration: 1, ...status } }),
  };
}

export function aPool(status: ResourcePoolStatus | undefined = undefined, name = "lab"): ResourcePool {
  return {
    apiVersion: "kube-pool.dev/v1alpha1",
    kind: "ResourcePool",
    metadata: { name, uid: `pool-${name}`, resourceVersion: "1", generation: 1, creationTimestamp: at(0) },
    spec: { namespaceSelector: {}, stopPolicy: "None" },
    ...(status !== undefined && { status: { observedGeneration: 1, ...status } }),
  };
}

export function shards(
  counts: Partial<NonNullable<PooledTaskStatus["shards"]>>,
): NonNullable<PooledTaskStatus["shards"]> {
  return { total: 100, waiting: 0, starting: 0, running: 0, succeeded: 0, failed: 0, ...counts };
}
