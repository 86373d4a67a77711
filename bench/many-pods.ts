// The Pods of the scenario `cache`. Knows nobody who reads them.

export const podsPerNode = 100;
const jobUid = "0b1c2d00-0000-4000-8000-000000000000";

export function nodeName(node: number): string {
  return `node-${String(node).padStart(5, "0")}`;
}

/** As an operator's Pods are on a busy cluster: a few kilobytes, of which most are of no interest to anybody here. */
export function aPod(number: number, phase: "Running" | "Succeeded") {
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
