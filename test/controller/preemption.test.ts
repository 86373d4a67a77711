// Work that is stopped for other work, in a whole cluster: it costs no retry, the place goes to whom it was made for, also
// when the operator dies meanwhile, and what was stopped goes on.
import { expect, test } from "vitest";
import type { PooledTaskStatus } from "../../src/api/pooled-task-status.ts";
import { readMemory, storedMemory } from "../../src/api/queue-memory.ts";
import { taskEvents } from "../../src/controller/status-events.ts";
import type { QueueMemory } from "../../src/scheduling/model.ts";
import { anEmptyCluster, type SimulatedCluster } from "../support/simulated-cluster.ts";
import type { Program } from "../support/simulated-cluster-kubelet.ts";

const program: Program = ({ item, task }) => ({
  result: item,
  ms: task === "borrower" || task === "low" ? 90_000 : 5000,
});
const shards = (pool: string, count: number, spec: object = {}): Record<string, unknown> => ({
  poolRef: { name: pool },
  items: { range: { end: count } },
  cpu: 1,
  ...spec,
});

async function aContestedPool(): Promise<SimulatedCluster> {
  const cluster = await anEmptyCluster()
    .withPool("lab", { queue: { preemption: { withinPool: "LowerPriority" } } })
    .withNodes(1, { cpu: 2 })
    .withProgram(program)
    .start();
  await cluster.task("low", shards("lab", 2));
  await cluster.until(() => cluster.running("low").length === 2);
  return cluster;
}

test("a task of higher priority has its room made; what was stopped goes on, at no cost in retries", async () => {
  const cluster = await aContestedPool();
  await cluster.task("high", shards("lab", 1, { priority: 5 }));
  await cluster.until(() => cluster.running("high").length === 1, { withinSeconds: 60 });
  expect(cluster.running("low")).toHaveLength(1);
  await cluster.until(() => cluster.status("low").queue?.reason === "Preempted");
  expect(cluster.status("low").queue?.message).toBe(
    "shards of it gave way to a task of higher priority; each shard asks for 1 cpu; lab has 0 free",
  );
  await cluster.finish("high");
  await cluster.finish("low", { withinSeconds: 300 });
  expect(cluster.condition("low", "Succeeded")).toBe("True Succeeded");
  expect(cluster.attempts("low").filter((each) => each.endsWith("Stopped"))).toHaveLength(1);
  expect(cluster.history.violations()).toEqual([]);
});

test("what a queue remembers of stops stands in the pool's status, and is read back as it was", () => {
  const memory: QueueMemory = {
    turn: 0,
    turns: {},
    used: {},
    holding: {},
    usedAt: 0,
    claims: [{ task: "uid-1", nodes: ["node-1", "node-1"] }],
    preempted: { "uid-2": "Preempted", "uid-3": "Reclaimed" },
    byAge: ["uid-4/7"],
  };
  expect(readMemory(storedMemory(memory))).toEqual(memory);
});

test("that shards were stopped for others is told as an event, once", () => {
  const status = (reason: string): PooledTaskStatus => ({ queue: { reason, message: "why" } }) as PooledTaskStatus;
  const told = (before: string): unknown[] =>
    taskEvents(status(before), status("Preempted")).map(({ reason }) => reason);
  expect(told("PoolFull")).toEqual(["Preempted"]);
  expect(told("Preempted")).toEqual([]);
});

test("a pool takes back what it has reserved, and no more", async () => {
  const cluster = await anEmptyCluster()
    .withPool("lab", { queue: { preemption: { reclaim: "Always" } } })
    .withPool("owner", { parentRef: { name: "lab" }, reservation: { cpu: "2" } })
    .withPool("other", { parentRef: { name: "lab" }, reservation: { cpu: "1" } })
    .withNodes(2, { cpu: 2 })
    .withProgram(program)
    .start();
  await cluster.task("borrower", shards("other", 4));
  await cluster.until(() => cluster.running("borrower").length === 4);
  await cluster.task("starved", shards("owner", 6));
  await cluster.until(() => cluster.running("starved").length === 2, { withinSeconds: 90 });
  expect(cluster.running("borrower")).toHaveLength(2);
  await cluster.until(() => cluster.status("borrower").queue?.reason === "Preempted");
  await cluster.finish("starved", { withinSeconds: 120 });
  await cluster.finish("borrower", { withinSeconds: 600 });
  expect(cluster.condition("borrower", "Succeeded")).toBe("True Succeeded");
  expect(cluster.history.violations()).toEqual([]);
});
