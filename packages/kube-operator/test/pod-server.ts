// A thread that serves a watch of many Pods, as large as real ones, each with its initial event ready as text: so that
// a test of the client measures the client alone. Prints nothing; tells its port to the thread that started it.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parentPort, workerData } from "node:worker_threads";

const { count } = workerData as { readonly count: number };

const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, "0");

function podEvent(index: number): string {
  const name = `task-${index % 200}-shard-${index}`;
  return JSON.stringify({
    type: "ADDED",
    object: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name,
        namespace: `team-${index % 20}`,
        uid: `${hex(index, 8)}-0000-4000-a000-${hex(index * 7919, 12)}`,
        resourceVersion: `${1_000_000 + index}`,
        creationTimestamp: "2026-01-01T00:00:00Z",
        labels: { app: `task-${index % 200}`, shard: `${index}`, "batch.kubernetes.io/job-name": `job-${index % 200}` },
        ownerReferences: [
          {
            apiVersion: "batch/v1",
            kind: "Job",
            name: `job-${index % 200}`,
            uid: hex(index % 200, 32),
            controller: true,
          },
        ],
        managedFields: [{ manager: "kubelet", operation: "Update", fieldsV1: { text: "f:status ".repeat(300) } }],
      },
      spec: {
        nodeName: `node-${index % 500}`,
        containers: [
          {
            name: "main",
            image: "busybox:1.35",
            command: ["sh", "-c", "echo $POOL_ITEM"],
            env: Array.from({ length: 12 }, (_, field) => ({ name: `VARIABLE_${field}`, value: `value-${field}` })),
            resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: { memory: "64Mi" } },
          },
        ],
        tolerations: [{ key: "node.kubernetes.io/not-ready", operator: "Exists", tolerationSeconds: 300 }],
      },
      status: {
        phase: "Running",
        startTime: "2026-01-01T00:00:05Z",
        conditions: ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map((type) => ({
          type,
          status: "True",
          lastTransitionTime: "2026-01-01T00:00:06Z",
        })),
      },
    },
  });
}

const bookmark = JSON.stringify({
  type: "BOOKMARK",
  object: {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { resourceVersion: `${1_000_000 + count}`, annotations: { "k8s.io/initial-events-end": "true" } },
  },
});
const body = Buffer.from(`${Array.from({ length: count }, (_, index) => podEvent(index)).join("\n")}\n${bookmark}\n`);

const server = createServer((_, response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.write(body);
});
server.listen(0, "127.0.0.1", () => parentPort?.postMessage((server.address() as AddressInfo).port));
