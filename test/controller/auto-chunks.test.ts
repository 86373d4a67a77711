// Chunks that are cut as they are needed, on a simulated cluster.
import { expect, test } from "vitest";
import { countOf, parseRanges } from "../../src/api/ranges.ts";
import { aCluster, type SimulatedCluster } from "../support/simulated-cluster.ts";

/** Items of each cut, in order. */
function cutSizes(cluster: SimulatedCluster, name: string): readonly number[] {
  return cluster
    .records(name)
    .flatMap((line) => (line.kind === "cut" ? [countOf(parseRanges(line.cut)?.ranges ?? [])] : []));
}

const numbers = (count: number): readonly string[] => Array.from({ length: count }, (_, n) => `${n}`);

test("the first chunks are one item each; then they last half a minute, and get smaller towards the end", async () => {
  const cluster = await aCluster()
    .withNodes(2, { cpu: 2 })
    .withProgram(({ index }) => ({ result: `${index}`, ms: 500 }))
    .start();
  await cluster.task("many", { items: { range: { end: 1000 } }, chunk: { size: "Auto" } });
  await cluster.finish("many");

  expect(cluster.condition("many", "Succeeded")).toBe("True Succeeded");
  expect(cluster.results("many")).toEqual(numbers(1000));
  const sizes = cutSizes(cluster, "many");
  expect(sizes.slice(0, 4)).toEqual([1, 1, 1, 1]);
  expect(sizes[4]).toBe(60);
  expect(Math.max(...sizes)).toBe(60);
  // ⌈left ÷ (2 × places)⌉, down to what is worth a start.
  expect(sizes.slice(4)).toEqual(sizes.slice(4).toSorted((a, b) => b - a));
  expect(sizes.reduce((a, b) => a + b)).toBe(1000);
  expect(sizes.length).toBeLessThan(60);
  expect(cluster.history.violations()).toEqual([]);
});

test("a large pool is not filled with single short items before the first has told how long it ran", async () => {
  const cluster = await aCluster()
    .withNodes(5, { cpu: 40 })
    .withProgram(({ index }) => ({ result: `${index}`, ms: 20 }))
    .start();
  await cluster.task("many", { items: { range: { end: 2000 } }, chunk: { size: "Auto" } });
  await cluster.finish("many");
  const sizes = cutSizes(cluster, "many");
  expect(sizes.findIndex((size) => size > 1)).toBeLessThanOrEqual(64);
});

test("long items fill a large pool one by one within seconds, though none of them has ended", async () => {
  const cluster = await aCluster()
    .withNodes(5, { cpu: 40 })
    .withProgram(({ index }) => ({ result: `${index}`, ms: 600_000 }))
    .start();
  await cluster.task("long", { items: { range: { end: 500 } }, chunk: { size: "Auto" } });
  await cluster.run(6);
  expect(cluster.running("long")).toHaveLength(200);
});

test("while nothing starts, what is tried out grows every four seconds", async () => {
  const cluster = await aCluster().withNodes(5, { cpu: 40 }).start();
  cluster.badImages.add("busybox:1.35");
  await cluster.task("pulled", { items: { range: { end: 500 } }, chunk: { size: "Auto" } });
  const pods: number[] = [];
  for (let seconds = 0; seconds < 15; seconds += 5) {
    await cluster.run(5);
    pods.push(cluster.pods("pulled").length);
  }
  expect(pods[0]).toBe(64);
  expect(pods[1]).toBeLessThan(150);
  expect(pods[2]).toBe(200);
});

test("shards that must start together are cut together", async () => {
  const cluster = await aCluster()
    .withNodes(2, { cpu: 40 })
    .withProgram(({ index }) => ({ result: `${index}`, ms: 20 }))
    .start();
  await cluster.task("gang", { items: { range: { end: 120 } }, chunk: { size: "Auto" }, minParallelism: 60 });
  await cluster.finish("gang");
  const [first] = cluster.writes.filter(({ plural }) => plural === "configmaps");
  expect(JSON.stringify(first?.body).match(/\bcut\b/g)).toHaveLength(60);
});

test("items that last longer than a chunk should are run one by one", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 2 })
    .withProgram(({ index }) => ({ result: `${index}`, ms: 40_000 }))
    .start();
  await cluster.task("long", { items: { range: { end: 8 } }, chunk: { size: "Auto" } });
  await cluster.finish("long");
  expect(cutSizes(cluster, "long")).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
});

test("a cut is recorded before its first start, and a further attempt runs what is still open of it", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 1 })
    .withProgram(({ index, attempt }) =>
      index === 7 && attempt === 1 ? { exit: 1, stderr: "not yet", ms: 1000 } : { result: `${index}`, ms: 1000 },
    )
    .start();
  await cluster.task("retried", { items: { range: { end: 20 } }, chunk: { size: "Auto" }, retries: 1 });
  await cluster.finish("retried");
  expect(cluster.results("retried")).toEqual(numbers(20));
  const records = cluster.records("retried");
  for (const line of records) {
    if (line.kind !== "attempt") continue;
    const cut = records.findIndex((each) => each.kind === "cut" && each.shard === line.shard);
    expect(cut).toBeGreaterThanOrEqual(0);
    expect(cut).toBeLessThan(records.indexOf(line));
  }
  expect(cluster.itemRecords("retried", 7)).toHaveLength(2);
  expect(records.filter(({ kind }) => kind === "item")).toHaveLength(21);
  expect(records.filter((line) => line.kind === "attempt" && line.attempt === 2)).toHaveLength(1);
});

test("results that have no room are handed back, and their items form new shards that fit", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 1 })
    .withProgram(({ index }) => ({ result: `${index}`.padEnd(index < 2 ? 1 : 700, "."), ms: 200 }))
    .start();
  await cluster.task("large", { items: { range: { end: 60 } }, chunk: { size: "Auto" } });
  await cluster.finish("large");
  expect(cluster.condition("large", "Succeeded")).toBe("True Succeeded");
  const results = cluster.results("large").map((result) => result?.replaceAll(".", ""));
  expect(results).toEqual(numbers(60));
  const records = cluster.records("large");
  const handedBack = records.flatMap((line) => (line.kind === "attempt" && line.handedBack ? [line] : []));
  expect(handedBack.length).toBeGreaterThan(0);
  // Each shard runs once: what it hands back is another's.
  expect(records.filter((line) => line.kind === "attempt" && line.attempt > 1)).toEqual([]);
  // It learns: from then on five of such results go into a container.
  expect(handedBack.length).toBeLessThan(3);
  expect(cutSizes(cluster, "large").at(-3)).toBeLessThanOrEqual(5);
});

test("in mode Whole a chunk is as long as its container ran, less its start", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 1 })
    .withProgram(() => ({ result: "x", ms: 2000 }))
    .start();
  await cluster.task("whole", { items: { range: { end: 200 } }, chunk: { size: "Auto", mode: "Whole" } });
  await cluster.finish("whole", { withinSeconds: 900 });
  expect(cluster.condition("whole", "Succeeded")).toBe("True Succeeded");
  expect(cluster.status("whole").items?.succeeded).toBe(200);
  const sizes = cutSizes(cluster, "whole");
  expect(sizes[0]).toBe(1);
  expect(Math.max(...sizes)).toBe(15);
});

test("shards that are not cut yet are told as waiting, and the end is foreseen once an item has ended", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 2 })
    .withProgram(({ index }) => ({ result: `${index}`, ms: 1000 }))
    .start();
  await cluster.task("told", { items: { range: { end: 300 } }, chunk: { size: "Auto" } });
  await cluster.until(() => cluster.status("told").shards !== undefined);
  expect(cluster.status("told").shards).toMatchObject({ total: 300 });
  expect(cluster.status("told").progress?.estimatedCompletion).toBeUndefined();
  await cluster.until(() => (cluster.status("told").items?.succeeded ?? 0) > 2);
  const { shards, progress } = cluster.status("told");
  expect(shards?.total).toBeLessThan(60);
  const foreseen = Date.parse(progress?.estimatedCompletion ?? "");
  await cluster.finish("told");
  const tookMs =
    Date.parse(cluster.status("told").completionTime ?? "") - Date.parse(cluster.status("told").startTime ?? "");
  const missedMs = Math.abs(foreseen - Date.parse(cluster.status("told").completionTime ?? ""));
  expect(missedMs).toBeLessThan(tookMs / 5);
});

test("what a pool has learned of times is in its status, and is there after a restart", async () => {
  const cluster = await aCluster().withNodes(1, { cpu: 2 }).start();
  await cluster.task("first", { items: { range: { end: 4 } } });
  await cluster.finish("first");
  await cluster.settle();
  const [learned = ""] = cluster.poolStatus().queue?.learned ?? [];
  expect(learned.split("\n")).toHaveLength(5);
  expect(learned).toMatch(/^[0-9a-z]+ 4 1000 1000\n/);
  cluster.restart();
  await cluster.task("second", { items: { range: { end: 2 } } });
  await cluster.finish("second");
  await cluster.settle();
  // The same program, so under the same key: four and two have ended.
  expect(cluster.poolStatus().queue?.learned?.filter((text) => / 6 1000 1000$/m.test(text)).length).toBeGreaterThan(0);
});
