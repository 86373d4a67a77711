// Pools of pools in a whole cluster: limits and reservations hold, what is wrong with a tree is said where it is wrong,
// and what a queue remembers outlives the operator.
import { expect, test } from "vitest";
import { aCluster, anEmptyCluster, type SimulatedCluster } from "../support/simulated-cluster.ts";
import type { Program } from "../support/simulated-cluster-kubelet.ts";
import { namespaces, resourcePools } from "../support/simulated-cluster-world.ts";

const slow: Program = ({ item }) => ({ result: item, ms: 10_000 });
const below = (name: string, spec: object = {}): object => ({ parentRef: { name }, ...spec });
const inPool = (name: string, count: number, spec: object = {}): Record<string, unknown> => ({
  poolRef: { name },
  items: { range: { end: count } },
  cpu: 1,
  ...spec,
});

const ready = (cluster: SimulatedCluster, name: string): string | undefined => {
  const condition = cluster.poolStatus(name).conditions?.find(({ type }) => type === "Ready");
  return condition && `${condition.status} ${condition.reason}: ${condition.message}`;
};

const cpuOf = (cluster: SimulatedCluster, name: string) =>
  cluster.poolStatus(name).resources?.find((each) => each.name === "cpu");

test("children divide their parent's nodes: the reservation first, the limit never exceeded, the rest by shares", async () => {
  const cluster = await aCluster()
    .withPool("students", below("lab", { reservation: { cpu: "2" }, limit: { cpu: "3" } }))
    .withPool("staff", below("lab", { shares: "High" }))
    .withNodes(2, { cpu: 4 })
    .withProgram(slow)
    .start();
  await cluster.task("thesis", inPool("students", 12));
  await cluster.task("report", inPool("staff", 20));
  await cluster.until(() => cluster.running("thesis").length + cluster.running("report").length === 8);
  expect(cluster.running("thesis")).toHaveLength(3);
  await cluster.run(2);
  expect(cluster.status("thesis").queue).toMatchObject({
    reason: "LimitReached",
    message: "each shard asks for 1 cpu; students has 0 cpu left under its limit of 3",
  });
  await cluster.until(() => cpuOf(cluster, "lab")?.allocated === "8");
  expect(cpuOf(cluster, "students")).toMatchObject({ capacity: "3", reserved: "2", allocated: "3", free: "0" });
  expect(cpuOf(cluster, "staff")).toMatchObject({ capacity: "8", reserved: "0", allocated: "5" });
  expect(cpuOf(cluster, "lab")).toMatchObject({ capacity: "8", reserved: "2", allocated: "8", free: "0" });
  expect(cluster.poolStatus("lab").tasks).toEqual({ queued: 0, running: 2, suspended: 0 });
  expect(cluster.poolStatus("students").tasks).toEqual({ queued: 0, running: 1, suspended: 0 });
  expect(cluster.poolStatus("students").nodes).toBeUndefined();
  await cluster.finish("thesis");
  await cluster.finish("report");
  expect(cluster.history.violations()).toEqual([]);
});

test("a child inherits what it does not say, and shows what is in force", async () => {
  const cluster = await anEmptyCluster()
    .withPool("lab", { queue: { order: ["FairShare"], maxWaitSeconds: 60 }, placement: "Spread" })
    .withPool("students", below("lab", { queue: { backfill: { policy: "None" } } }))
    .withNodes(1, { cpu: 4 })
    .start();
  await cluster.until(() => cluster.poolStatus("students").effective !== undefined);
  expect(cluster.poolStatus("students").effective).toEqual({
    order: ["FairShare"],
    backfill: { policy: "None", candidates: "ShortestFirst" },
    maxWaitSeconds: 60,
    preemption: { withinPool: "Never", reclaim: "Never" },
    placement: "Spread",
    defaultRequests: { cpu: "1" },
    stopPolicy: "None",
  });
});

test("a child admits only whom the pools above it admit too", async () => {
  const cluster = await anEmptyCluster()
    .withPool("lab", { namespaceSelector: { matchLabels: { team: "lab" } } })
    .withPool("open", below("lab", { namespaceSelector: {} }))
    .withNamespace("lab", { team: "other" })
    .withNodes(1, { cpu: 4 })
    .start();
  await cluster.task("stranger", inPool("open", 1));
  await cluster.until(() => cluster.status("stranger").queue?.reason === "NotAllowed");
  expect(cluster.status("stranger").queue?.message).toContain(
    ": the spec.namespaceSelector of lab, above it, does not select the namespace's labels",
  );
  await cluster.api.patch(
    namespaces,
    { name: "lab" },
    { type: "merge", body: { metadata: { labels: { team: "lab" } } } },
  );
  await cluster.finish("stranger");
});

test("what is wrong with a tree is said where it is wrong, and mends itself", async () => {
  const cluster = await aCluster()
    .withPool("orphan", below("gone"))
    .withPool("grandchild", below("orphan"))
    .withPool("a", below("b"))
    .withPool("b", below("a"))
    .withPool("greedy", below("lab", { reservation: { cpu: "9" } }))
    .withNodes(1, { cpu: 4 })
    .start();
  await cluster.task("waits", inPool("grandchild", 1));
  await cluster.task("circles", inPool("a", 1));
  await cluster.task("runs", inPool("greedy", 1));
  await cluster.finish("runs");
  await cluster.until(() => ready(cluster, "b") !== undefined && ready(cluster, "grandchild") !== undefined);
  expect(ready(cluster, "orphan")).toBe("False ParentNotFound: there is no pool gone");
  expect(ready(cluster, "grandchild")).toBe(
    "False ParentNotFound: orphan, above it, is a child of gone, and there is no pool gone",
  );
  expect(ready(cluster, "a")).toBe("False ParentCycle: its ancestors lead to no root: a is below b is below a");
  expect(ready(cluster, "greedy")).toMatch(/^False ReservationNotCovered: lab has too little left of cpu/);
  expect(cluster.status("waits").queue?.reason).toBe("PoolNotReady");
  expect(cluster.status("circles").queue?.reason).toBe("PoolNotReady");
  await cluster.pool("gone", { parentRef: { name: "lab" } });
  await cluster.finish("waits");
  expect(ready(cluster, "orphan")).toMatch(/^True Ready/);
  await cluster.addNode("node-2", { cpu: 8 });
  await cluster.until(() => ready(cluster, "greedy")?.startsWith("True") === true);
});

test("a pool that is deleted stops nothing; created again, its tasks go on", async () => {
  const cluster = await aCluster()
    .withPool("students", below("lab"))
    .withPool("club", below("students"))
    .withNodes(1, { cpu: 2 })
    .withProgram(slow)
    .start();
  await cluster.task("work", inPool("students", 6));
  await cluster.until(() => cluster.running("work").length === 2);
  await cluster.api.delete(resourcePools, { name: "students" });
  await cluster.until(() => cluster.status("work").queue?.reason === "PoolNotFound");
  expect(cluster.running("work")).toHaveLength(2);
  await cluster.until(() => ready(cluster, "club")?.startsWith("False ParentNotFound") === true);
  await cluster.run(15);
  expect(cluster.results("work").filter((result) => result !== undefined)).toHaveLength(2);
  await cluster.pool("students", below("lab"));
  await cluster.finish("work");
  expect(cluster.condition("work", "Succeeded")).toBe("True Succeeded");
  expect(cluster.history.violations()).toEqual([]);
});

test("a stopped pool starts nothing, also below it; drained it stops what runs, and all goes on when it is started", async () => {
  const cluster = await aCluster()
    .withPool("students", below("lab"))
    .withNodes(1, { cpu: 2 })
    .withProgram(slow)
    .start();
  const stop = (stopPolicy: string) =>
    cluster.api.patch(resourcePools, { name: "lab" }, { type: "merge", body: { spec: { stopPolicy } } });
  await cluster.task("work", inPool("students", 6));
  await cluster.until(() => cluster.running("work").length === 2);
  await stop("Stop");
  await cluster.run(30);
  expect(cluster.running("work")).toEqual([]);
  expect(cluster.attempts("work")).toEqual(["0/1 Succeeded", "1/1 Succeeded"]);
  expect(cluster.status("work").queue?.reason).toBe("PoolStopped");
  expect(ready(cluster, "students")).toMatch(/^False PoolStopped: spec.stopPolicy of lab is Stop/);

  await stop("None");
  await cluster.until(() => cluster.running("work").length === 2);
  await stop("StopAndDrain");
  await cluster.until(() => cluster.running("work").length === 0, { withinSeconds: 5 });
  await cluster.run(5);
  expect(cluster.status("work").queue?.message).toContain("what runs is stopped, and nothing starts");
  await stop("None");
  await cluster.finish("work");
  expect(cluster.attempts("work").filter((each) => each.endsWith("Stopped"))).toHaveLength(2);
  expect(cluster.condition("work", "Succeeded")).toBe("True Succeeded");
  expect(cluster.history.violations()).toEqual([]);
});

test("a short task passes the one that waits in front, and does not delay it", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 2 })
    .withProgram(({ item, task }) => ({ result: item, ms: task === "short" ? 1000 : 10_000 }))
    .start();
  await cluster.task("busy", inPool("lab", 1, { itemTimeoutSeconds: 20 }));
  await cluster.until(() => cluster.running("busy").length === 1);
  await cluster.task("large", inPool("lab", 1, { cpu: 2 }));
  await cluster.run(1);
  await cluster.task("long", inPool("lab", 1, { expectedItemSeconds: 3600 }));
  await cluster.until(() => cluster.status("long").queue?.reason === "HeldForHead", { withinSeconds: 2 });
  await cluster.task("short", inPool("lab", 1, { itemTimeoutSeconds: 2 }));
  await cluster.finish("short", { withinSeconds: 6 });
  await cluster.until(() => cluster.running("large").length === 1, { withinSeconds: 12 });
  await cluster.finish("long");
});

test("a task with minParallelism starts nothing until so many fit together, and then one by one", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 4 })
    .withProgram(({ item, task }) => ({ result: item, ms: task === "busy" ? 5000 : 3000 }))
    .start();
  await cluster.task("busy", inPool("lab", 2));
  await cluster.until(() => cluster.running("busy").length === 2);
  await cluster.task("gang", inPool("lab", 6, { minParallelism: 4 }));
  await cluster.run(3);
  expect(cluster.jobs("gang")).toEqual([]);
  expect(cluster.status("gang").queue).toMatchObject({
    reason: "PoolFull",
    message: "each shard asks for 1 cpu, and 4 must start together; lab has room for 2",
  });
  await cluster.until(() => cluster.running("gang").length === 4, { withinSeconds: 10 });
  await cluster.finish("gang");
  const decided = cluster.records("gang").flatMap((line) => (line.kind === "attempt" ? [line.decided] : []));
  expect(new Set(decided.slice(0, 4)).size).toBe(1);
});

test("All means all shards, and too many of them are a mistake that is told", async () => {
  const cluster = await aCluster().withNodes(1, { cpu: 4 }).withProgram(slow).start();
  await cluster.task("all", inPool("lab", 4, { minParallelism: "All" }));
  await cluster.until(() => cluster.running("all").length === 4);
  await cluster.task("many", inPool("lab", 1001, { minParallelism: "All" }));
  await cluster.until(() => cluster.condition("many", "Stalled") === "True TaskInvalid");
  expect(cluster.status("many").queue?.message).toContain(
    "All would start 1001 shards together, over the limit of 1000",
  );
});

test("whose turn it is outlives the operator: turns and use stand in the pool's status", async () => {
  const cluster = await anEmptyCluster()
    .withPool("lab", { queue: { order: ["RoundRobin"] } })
    .withNodes(1, { cpu: 1 })
    .withProgram(({ item }) => ({ result: item, ms: 3000 }))
    .start();
  await cluster.task("a", inPool("lab", 6));
  await cluster.task("b", inPool("lab", 6));
  await cluster.until(() => (cluster.status("a").items?.succeeded ?? 0) === 2);
  const { turn, turns = [] } = cluster.poolStatus().queue ?? {};
  expect(turn).toBeGreaterThanOrEqual(4);
  expect(turns).toHaveLength(2);
  cluster.restart();
  await cluster.finish("a");
  await cluster.finish("b");
  expect(cluster.poolStatus().queue?.turn).toBe(12);
  const ends = ["a", "b"].map((name) =>
    cluster.records(name).flatMap((line) => (line.kind === "attempt" ? [line.end] : [])),
  );
  const [first = [], second = []] = ends;
  const apart = first.map((end, index) => Math.abs(end - (second[index] ?? 0)));
  expect(Math.max(...apart)).toBeLessThan(8000);
});

test("a new leader takes over the children with their root, and finds what ran there", async () => {
  const cluster = await aCluster()
    .withPool("students", below("lab"))
    .withNodes(1, { cpu: 2 })
    .withProgram(slow)
    .start();
  await cluster.task("work", inPool("students", 4));
  await cluster.until(() => cluster.running("work").length === 2);
  const former = cluster.poolStatus("students").queue?.term;
  cluster.restart();
  await cluster.finish("work");
  await cluster.settle();
  for (const name of ["lab", "students"]) expect(cluster.poolStatus(name).queue?.term).toMatch(/^operator-2 since/);
  expect(former).toMatch(/^operator-1 since/);
  expect(cluster.attempts("work")).toHaveLength(4);
  expect(cluster.history.violations()).toEqual([]);
});

test("at rest nothing is written, whatever a queue remembers", async () => {
  const cluster = await anEmptyCluster()
    .withPool("lab", { queue: { order: ["FairShare"] } })
    .withPool("students", below("lab"))
    .withNodes(1, { cpu: 2 })
    .start();
  await cluster.task("work", inPool("students", 4));
  await cluster.finish("work");
  expect(cluster.poolStatus("students").queue?.namespaces?.map(({ name }) => name)).toEqual(["lab"]);
  await cluster.settle();
  const before = cluster.writes.length;
  await cluster.run(7200);
  expect(cluster.writes.length).toBe(before);
});
