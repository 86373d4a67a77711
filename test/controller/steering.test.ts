// What people do to a task while it runs: suspend, cancel, delete it, give it more or less, set limits to its time.
import { expect, test } from "vitest";
import { aCluster, type SimulatedCluster } from "../support/simulated-cluster.ts";
import type { Program } from "../support/simulated-cluster-kubelet.ts";

const slow: Program = ({ item }) => ({ result: item, ms: 10_000 });
const numbers = (end: number): string[] => Array.from({ length: end }, (_, n) => `${n}`);

async function aRunningTask(spec: Record<string, unknown> = {}, program = slow): Promise<SimulatedCluster> {
  const cluster = await aCluster().withNodes(2, { cpu: 2 }).withProgram(program).start();
  await cluster.task("work", { items: { range: { end: 8 } }, ...spec });
  await cluster.until(() => cluster.running("work").length > 0);
  return cluster;
}

test("a suspended task stops what runs, starts nothing, and runs all of it again when it is resumed", async () => {
  const cluster = await aRunningTask({ retries: 0 });
  await cluster.change("work", { suspend: true });
  await cluster.until(() => cluster.pods("work").every(({ status }) => status?.phase !== "Running"));
  await cluster.run(30);
  expect(cluster.running("work")).toEqual([]);
  expect(cluster.condition("work", "Finished")).toBe("False Suspended");
  expect(cluster.poolStatus().tasks).toEqual({ queued: 0, running: 0, suspended: 1 });
  expect(cluster.attempts("work")).toEqual(expect.arrayContaining(["0/1 Stopped"]));

  await cluster.change("work", { suspend: false });
  await cluster.finish("work");
  expect(cluster.condition("work", "Succeeded")).toBe("True Succeeded");
  expect(cluster.results("work")).toEqual(numbers(8));
  expect(cluster.history.violations()).toEqual([]);
});

test("a chunk that is suspended half-way keeps the items that it has done", async () => {
  const cluster = await aRunningTask({ items: { range: { end: 5 } }, chunk: { size: 5 } });
  await cluster.run(25);
  await cluster.change("work", { suspend: true });
  await cluster.until(() => cluster.condition("work", "Finished") === "False Suspended");
  expect(cluster.results("work")).toEqual(["0", "1"]);
  await cluster.change("work", { suspend: false });
  await cluster.finish("work");
  expect(cluster.results("work")).toEqual(numbers(5));
  expect(cluster.history.violations()).toEqual([]);
});

test("a cancelled task ends with the results that it has", async () => {
  const cluster = await aRunningTask();
  await cluster.until(() => cluster.status("work").items?.succeeded === 4);
  await cluster.change("work", { cancel: true });
  await cluster.finish("work");
  expect(cluster.condition("work", "Succeeded")).toBe("False Cancelled");
  expect(cluster.results("work").filter((result) => result !== undefined)).toHaveLength(4);
  await cluster.settle();
  expect(cluster.running("work")).toEqual([]);
  expect(cluster.poolStatus().queue?.openStarts ?? []).toEqual([]);
});

test("parallelism may be lowered and raised while the task runs", async () => {
  const cluster = await aRunningTask({ items: { range: { end: 12 } }, parallelism: 4 });
  expect(cluster.running("work")).toHaveLength(4);
  await cluster.change("work", { parallelism: 1 });
  await cluster.until(() => (cluster.status("work").items?.succeeded ?? 0) >= 4);
  await cluster.run(5);
  expect(cluster.running("work")).toHaveLength(1);
  expect(cluster.status("work").queue?.reason).toBe("ParallelismReached");
  await cluster.change("work", { parallelism: 3 });
  await cluster.until(() => cluster.running("work").length === 3);
  await cluster.finish("work");
  expect(cluster.results("work")).toEqual(numbers(12));
});

test("past activeDeadlineSeconds the task ends, and what runs is stopped", async () => {
  const cluster = await aRunningTask({ items: { range: { end: 40 } }, activeDeadlineSeconds: 25 });
  await cluster.finish("work");
  expect(cluster.condition("work", "Succeeded")).toBe("False DeadlineExceeded");
  await cluster.settle();
  expect(cluster.running("work")).toEqual([]);
  const { startTime = "", completionTime = "" } = cluster.status("work");
  const lastedMs = Date.parse(completionTime) - Date.parse(startTime);
  expect(lastedMs).toBeGreaterThanOrEqual(25_000);
  expect(lastedMs).toBeLessThan(35_000);
});

test("an item that runs longer than itemTimeoutSeconds is stopped, and charged", async () => {
  const cluster = await aRunningTask(
    { items: { range: { end: 3 } }, itemTimeoutSeconds: 5, retries: 1 },
    ({ item, attempt }) => ({
      result: item,
      ms: item === "1" ? 60_000 : item === "2" && attempt === 1 ? 60_000 : 1000,
    }),
  );
  await cluster.finish("work");
  expect(cluster.condition("work", "Succeeded")).toBe("False ItemsFailed");
  expect(cluster.results("work")).toEqual(["0", undefined, "2"]);
  expect(cluster.itemRecords("work", 1).map(({ reason }) => reason)).toEqual(["TimedOut", "TimedOut"]);
  expect(cluster.attempts("work")).toEqual(
    expect.arrayContaining(["1/1 TimedOut", "1/2 TimedOut", "2/1 TimedOut", "2/2 Succeeded"]),
  );
});

test("a Pod whose container does not start within startTimeoutSeconds is given up, and charged", async () => {
  const cluster = await aCluster().withNodes(1, { cpu: 2 }).start();
  cluster.badImages.add("nowhere:1");
  const template = { spec: { containers: [{ name: "main", image: "nowhere:1" }] } };
  await cluster.task("pulling", { items: { range: { end: 1 } }, startTimeoutSeconds: 60, template });
  await cluster.until(() => cluster.status("pulling").queue?.message.includes("ImagePullBackOff") === true, {
    withinSeconds: 5,
  });
  expect(cluster.status("pulling").queue).toEqual({
    reason: "Starting",
    message: expect.stringContaining("nowhere:1"),
  });
  await cluster.finish("pulling");
  expect(cluster.condition("pulling", "Succeeded")).toBe("False ItemsFailed");
  expect(cluster.status("pulling").failures?.[0]).toMatchObject({
    reason: "TimedOut",
    message: expect.stringContaining("startTimeoutSeconds"),
  });
});

test("a task that is deleted in the middle leaves nothing behind", async () => {
  const cluster = await aRunningTask({ items: { range: { end: 40 } } });
  await cluster.until(() => (cluster.status("work").items?.succeeded ?? 0) > 0);
  await cluster.delete("work");
  await cluster.until(() => cluster.see("work") === undefined, { withinSeconds: 90 });
  await cluster.settle();
  expect(cluster.jobs("work")).toEqual([]);
  expect(cluster.pods("work")).toEqual([]);
  expect(cluster.segments("work")).toEqual([]);
  expect(cluster.poolStatus().queue?.openStarts ?? []).toEqual([]);
  expect(cluster.history.violations()).toEqual([]);
});

test("a finished task that is deleted leaves nothing behind", async () => {
  const cluster = await aRunningTask();
  await cluster.finish("work");
  await cluster.delete("work");
  await cluster.settle();
  expect(cluster.see("work")).toBeUndefined();
  expect([...cluster.jobs("work"), ...cluster.pods("work"), ...cluster.segments("work")]).toEqual([]);
});

test("a namespace that is deleted takes its tasks with it", async () => {
  const cluster = await aRunningTask();
  await cluster.api.delete(
    { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false },
    { name: "lab" },
  );
  await cluster.settle();
  expect([...cluster.jobs("work"), ...cluster.pods("work"), ...cluster.segments("work")]).toEqual([]);
  expect(cluster.see("work")).toBeUndefined();
});

test("a task goes ttlSecondsAfterFinished after its end, with all that it made", async () => {
  const cluster = await aRunningTask({ ttlSecondsAfterFinished: 100 });
  await cluster.finish("work");
  await cluster.run(95);
  expect(cluster.see("work")).toBeDefined();
  await cluster.run(10);
  await cluster.settle();
  expect(cluster.see("work")).toBeUndefined();
  expect([...cluster.jobs("work"), ...cluster.pods("work"), ...cluster.segments("work")]).toEqual([]);
});

test("a change that asks a finished task for nothing is answered, and changes nothing else", async () => {
  const cluster = await aCluster().withNodes(1, { cpu: 4 }).start();
  await cluster.task("work", { items: { range: { end: 2 } } });
  await cluster.finish("work");
  await cluster.run(60);
  const { conditions: _, observedGeneration: before, ...told } = cluster.status("work");
  for (const change of [{ retries: 5 }, { suspend: true }]) {
    await cluster.change("work", change);
    await cluster.run(5);
    const { conditions = [], observedGeneration, ...now } = cluster.status("work");
    expect(now).toEqual(told);
    expect(observedGeneration).toBe(cluster.see("work")?.metadata.generation);
    expect(new Set(conditions.map((each) => each.observedGeneration))).toEqual(new Set([observedGeneration]));
    expect(cluster.condition("work", "Succeeded")).toBe("True Succeeded");
  }
  expect(before).toBe(1);
  const written = cluster.operator.writes.length;
  await cluster.run(60);
  expect(cluster.operator.writes.length).toBe(written);
});

test("a task that is created anew under its old name begins anew", async () => {
  const cluster = await aRunningTask();
  await cluster.delete("work");
  await cluster.until(() => cluster.see("work") === undefined);
  await cluster.task("work", { items: { range: { end: 2 } } });
  await cluster.finish("work");
  expect(cluster.results("work")).toEqual(["0", "1"]);
  expect(cluster.attempts("work")).toEqual(["0/1 Succeeded", "1/1 Succeeded"]);
});

test("a task that needs a person can be cancelled: it ends, and says that nothing could run", async () => {
  const cluster = await aCluster().withNodes(1, { cpu: 4 }).start();
  await cluster.task("lost", { items: { configMapRefs: [{ name: "missing", key: "a" }] } });
  await cluster.until(() => cluster.condition("lost", "Stalled") === "True DependencyMissing");
  await cluster.change("lost", { cancel: true });
  await cluster.finish("lost");
  expect(cluster.condition("lost", "Succeeded")).toBe("False Cancelled");
});
