import { listAll } from "@dsl/kube-operator";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { type PooledTask, pooledTasks } from "../../src/api/pooled-task.ts";
import { type ResourcePool, resourcePools } from "../../src/api/resource-pool.ts";
import { poolMetrics } from "../../src/controller/pool-metrics.ts";
import { aCluster } from "../support/simulated-cluster.ts";

test("pools and tasks are told as numbers, and each state is there from the start", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 4 })
    .withProgram(({ item }) => (item === "0" ? { exit: 1, ms: 1000 } : { ms: 600_000 }))
    .start();
  const registry = new Registry();
  let pools: readonly ResourcePool[] = [];
  let tasks: readonly PooledTask[] = [];
  poolMetrics(registry, { pools: { list: () => pools }, tasks: { values: () => tasks.values() } });
  const told = async (name: string): Promise<readonly string[]> => {
    pools = (await listAll(cluster.api, resourcePools)).items;
    tasks = (await listAll(cluster.api, pooledTasks)).items;
    return (await registry.getSingleMetricAsString(name))
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
  };

  await cluster.run(2);
  expect(await told("kubepool_pool_ready")).toEqual(['kubepool_pool_ready{pool="lab"} 1']);
  expect(await told("kubepool_nodes")).toEqual([
    'kubepool_nodes{pool="lab",state="ready"} 1',
    'kubepool_nodes{pool="lab",state="cordoned"} 0',
    'kubepool_nodes{pool="lab",state="not_ready"} 0',
  ]);
  expect(await told("kubepool_tasks")).toEqual(
    ["waiting", "running", "suspended", "stalled", "succeeded", "failed"].map(
      (state) => `kubepool_tasks{pool="lab",state="${state}"} 0`,
    ),
  );

  await cluster.task("failed", { items: { range: { end: 1 } } });
  await cluster.finish("failed");
  await cluster.task("runs", { items: { range: { start: 1, end: 9 } }, cpu: 0.5, parallelism: 3 });
  await cluster.until(() => cluster.running("runs").length === 3);
  await cluster.task("large", { cpu: 9 });
  await cluster.task("off", { suspend: true });
  await cluster.task("lost", { poolRef: { name: "nowhere" } });
  await cluster.run(30);
  expect(await told("kubepool_pool_allocated")).toContain('kubepool_pool_allocated{pool="lab",resource="cpu"} 1.5');
  expect(await told("kubepool_pool_capacity")).toContain('kubepool_pool_capacity{pool="lab",resource="cpu"} 4');
  expect(await told("kubepool_tasks")).toEqual([
    'kubepool_tasks{pool="lab",state="waiting"} 0',
    'kubepool_tasks{pool="lab",state="running"} 1',
    'kubepool_tasks{pool="lab",state="suspended"} 1',
    'kubepool_tasks{pool="lab",state="stalled"} 1',
    'kubepool_tasks{pool="lab",state="succeeded"} 0',
    'kubepool_tasks{pool="lab",state="failed"} 1',
    'kubepool_tasks{pool="",state="waiting"} 1',
  ]);
  expect(await told("kubepool_shards")).toContain('kubepool_shards{pool="lab",state="running"} 3');
  expect(await told("kubepool_waiting_tasks")).toEqual([
    'kubepool_waiting_tasks{pool="lab",reason="NeverFits"} 1',
    'kubepool_waiting_tasks{pool="",reason="PoolNotFound"} 1',
  ]);
});
