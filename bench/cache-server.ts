// The API server of the scenario `cache`, in memory and in a process of its own: a pool, its nodes and their Pods, which
// change on demand. Its parent tells it how many; it tells its parent where it listens.
import { systemClock } from "@dsl/kube-operator";
import { memoryKubeApi, serveKubeApi } from "@dsl/kube-operator/testing";
import { pooledTaskCrd, resourcePoolCrd } from "../src/api/crds.ts";
import { resourcePools } from "../src/api/resource-pool.ts";
import { nodes, pods } from "../test/support/simulated-cluster-world.ts";
import { aPod, nodeName, podsPerNode } from "./many-pods.ts";

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
