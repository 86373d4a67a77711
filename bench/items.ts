// 100,000 items in one task, cut by the operator itself: how large the task's object and etcd grow, how often progress is
// told, and how long it takes to delete the task in the middle.

import type { KubeApi, KubeObject, Resource } from "@dsl/kube-operator";
import { pooledTasks } from "../src/api/pooled-task.ts";
import { apiWrites, writesPer, writesSince } from "./api-writes.ts";
import { type Ground, openGround, ownClusterFlags } from "./cluster.ts";
import { type CpuSeconds, cpuSeconds, cpuSince } from "./cpu.ts";
import { engineEnvironment, engineFlags, engineGround } from "./engine.ts";
import { countIn, type Figures, type Flags, rounded, type Scenario } from "./scenario.ts";
import { pooledTask, shortPod } from "./workload.ts";

export const items: Scenario = {
  about: "one task of very many items in automatic chunks: its size, its progress, its deletion",
  flags: { items: "100000", "delete-at-percent": "50", ...engineFlags, ...ownClusterFlags },
  onDemand: true,
  async run(flags) {
    const ground = await openGround(flags, engineGround(flags));
    try {
      const operator = await ground.startOperator?.(engineEnvironment(flags));
      const figures = await measured(ground, flags, operator?.process.pid);
      await operator?.stop();
      return figures;
    } finally {
      await ground.close();
    }
  },
};

/** Short items, so that chunks become large. */
const chunkPod = { ...shortPod, itemMs: 20 };

type Task = KubeObject & {
  readonly status?: {
    readonly items?: { readonly succeeded?: number };
    readonly shards?: { readonly succeeded?: number };
  };
};

async function measured(ground: Ground, flags: Flags, pid: number | undefined): Promise<Figures> {
  const { api, namespace } = ground;
  const count = countIn(flags, "items");
  const until = (count * countIn(flags, "delete-at-percent")) / 100;
  const key = { namespace, name: "many" };
  const cpu = (): CpuSeconds => (ground.controlPlane === undefined ? {} : cpuSeconds(ground.controlPlane.dataDir, pid));
  const [etcdBefore, before, cpuBefore] = [await etcdBytes(api), await apiWrites(api), cpu()];
  const startedAt = performance.now();
  await api.create(pooledTasks, pooledTask(ground, key.name, count, chunkPod, { chunk: { size: "Auto" } }));
  let objectBytesMax = 0;
  let done = 0;
  let shards = 0;
  let movedAt: number | undefined;
  let longestPauseMs = 0;
  const selection = { namespace, fieldSelector: `metadata.name=${key.name}` };
  for await (const event of api.watch(pooledTasks, { ...selection, timeoutSeconds: 1800 })) {
    if (event.type !== "ADDED" && event.type !== "MODIFIED") continue;
    objectBytesMax = Math.max(objectBytesMax, JSON.stringify(event.object).length);
    const succeeded = (event.object as Task).status?.items?.succeeded ?? 0;
    if (succeeded <= done) continue;
    const now = performance.now();
    // Before the first result nothing can move.
    if (movedAt !== undefined) longestPauseMs = Math.max(longestPauseMs, now - movedAt);
    movedAt = now;
    done = succeeded;
    shards = (event.object as Task).status?.shards?.succeeded ?? 0;
    if (done >= until) break;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const etcdGrowth = (await etcdBytes(api)) - etcdBefore;
  const written = writesSince(before, await apiWrites(api));
  const cpuUsed = cpuSince(cpuBefore, cpu());
  const deletedAt = performance.now();
  await api.delete(pooledTasks, key, { propagation: "Foreground" });
  await untilGone(api, namespace, key.name);
  return {
    items: count,
    itemsDone: done,
    itemsPerSecond: rounded(done / seconds),
    shardsDone: shards,
    writesPerShard: rounded(written.writes / Math.max(1, shards), 2),
    writes: writesPer(written, Math.max(1, shards)),
    cpuSeconds: cpuUsed,
    objectKbMax: rounded(objectBytesMax / 1000),
    progressPauseSecondsMax: rounded(longestPauseMs / 1000),
    etcdGrowthMb: rounded(etcdGrowth / 1e6),
    deletionSeconds: rounded((performance.now() - deletedAt) / 1000),
  };
}

const left: readonly Resource[] = [
  pooledTasks,
  { group: "batch", version: "v1", kind: "Job", plural: "jobs", namespaced: true },
  { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true },
  { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true },
];

/** The task, and all that it made. */
async function untilGone(api: KubeApi, namespace: string, name: string): Promise<void> {
  const ofTask = ({ metadata }: KubeObject): boolean => metadata.name === name || metadata.name.startsWith(`${name}-`);
  for (let tries = 0; ; tries++) {
    const lists = await Promise.all(left.map((resource) => api.list(resource, { namespace })));
    const found = lists.flatMap((list) => list.items.filter(ofTask));
    if (found.length === 0) return;
    if (tries === 600) throw new Error(`${found.length} objects of the deleted task are left`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** What is in use, not the file: that shrinks only when somebody compacts it. */
async function etcdBytes(api: KubeApi): Promise<number> {
  const metrics = String(await api.request("GET", "/metrics"));
  const sizes = [...metrics.matchAll(/^apiserver_storage_size_bytes\{[^}]*\} (\S+)$/gm)].map(([, size]) =>
    Number(size),
  );
  return Math.max(...sizes);
}
