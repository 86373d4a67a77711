// The API server of the scenario `cache`, in memory and in a process of its own: a pool, its nodes and their Pods, which
// change on demand. Its parent tells it how many; it tells its parent where it listens.
import { systemClock } from "@dsl/kube-operator";
import { memoryKubeApi, serveKubeApi } from "@dsl/kube-operator/testing";
import { pooledTaskCrd, resourcePoolCrd } from "../src/api/crds.ts";
import { resourcePools } from "../src/api/resource-pool.ts";
import { nodes, pods } from "../test/support/simulated-cluster-world.ts";

const podsPerNode = 100;
const jobUid = "0b1c2d00-0000-4000-8000-000000000000";
const [count = 0] = process.argv.slice(2).map(Number);

const api = memoryKubeApi({ clock: systemClock, crds: [resourcePoolCrd(), pooledTaskCrd()], fieldOwnership: false });
await api.create(resourcePools, {
  apiVersion: "kube-pool.dev/v1alpha1",
  kind: "ResourcePool",
  metadata: { name: "lab" },
  spec: { namespaceSelector: {} },
});
for (let node = 0; node < Math.max(1, count / podsPerNode); node++) {
  const ready = [{ type: "Ready", status: "True" }];
  const allocatable = { cpu: "128", memory: "512Gi", pods: "250" };
  await api.create(nodes, {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: nodeName(node) },
    status: { allocatable, conditions: ready },
  });
}
for (let pod = 0; pod < count; pod++) await api.create(pods, aPod(pod, "Running"));

const server = await serveKubeApi(api);
process.send?.({ url: server.connection.server });
process.on("message", async ({ changes }: { readonly changes: number }) => {
  // Nobody plans any more: what is measured is what it costs to follow.
  await api.delete(resourcePools, { name: "lab" });
  for (let change = 0; change < changes; change++) {
    const { metadata, status } = aPod(change % count, change % (2 * count) < count ? "Succeeded" : "Running");
    await api.patch(pods, metadata, { type: "merge", body: { status } }, { subresource: "status" });
    // Lets the watch send what there is; else the operator would get them all at once.
    if (change % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  process.send?.({ version: api.resourceVersion });
});

function nodeName(node: number): string {
  return `node-${String(node).padStart(5, "0")}`;
}

/** As an operator's Pods are on a busy cluster: a few kilobytes, of which most are of no interest to anybody here. */
function aPod(number: number, phase: "Running" | "Succeeded") {
  const name = `sweep-0a1b2c-${number}-1`;
  const uid = `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
  const at = "2026-01-01T00:00:00Z";
  const env = Array.from({ length: 30 }, (_, index) => ({
    name: `SETTING_NUMBER_${index}`,
    value: `the value of this setting in this very Pod is ${index}`,
  }));
  const condition = (type: string): object => ({ type, status: "True", lastProbeTime: null, lastTransitionTime: at });
  const state =
    phase === "Running"
      ? { running: { startedAt: at } }
      : {
          terminated: { exitCode: 0, reason: "Completed", message: `result ${number}`, startedAt: at, finishedAt: at },
        };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "default",
      labels: {
        "kube-pool.dev/task": "sweep",
        "kube-pool.dev/task-uid": "0a1b2c00-0000-4000-8000-000000000000",
        "kube-pool.dev/pool": "lab",
        "kube-pool.dev/shard": String(number),
        "kube-pool.dev/attempt": "1",
      },
      annotations: { "kubectl.kubernetes.io/default-container": "main" },
      ownerReferences: [
        {
          apiVersion: "batch/v1",
          kind: "Job",
          name: "sweep-0a1b2c",
          uid: jobUid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      managedFields: env.map(({ name: field }) => ({
        manager: "kubelet",
        operation: "Update",
        fieldsV1: { [`f:${field}`]: {} },
      })),
    },
    spec: {
      nodeName: nodeName(Math.floor(number / podsPerNode)),
      restartPolicy: "Never",
      containers: [
        {
          name: "main",
          image: "busybox:1.35",
          command: ["true"],
          env,
          resources: { requests: { cpu: "500m", memory: "256Mi" } },
        },
      ],
      tolerations: ["not-ready", "unreachable"].map((key) => ({
        key: `node.kubernetes.io/${key}`,
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: 300,
      })),
    },
    status: {
      phase,
      conditions: ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"].map(
        condition,
      ),
      hostIP: "10.0.0.1",
      podIP: "10.1.0.1",
      startTime: at,
      containerStatuses: [
        {
          name: "main",
          image: "busybox:1.35",
          imageID: `docker.io/library/busybox@sha256:${"0".repeat(64)}`,
          containerID: `containerd://${uid}`,
          ready: phase === "Running",
          restartCount: 0,
          state,
        },
      ],
    },
  };
}
