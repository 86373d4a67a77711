// What becomes of items that fail, and of shards that others end.
import { expect, test } from "vitest";
import { aCluster } from "../support/simulated-cluster.ts";
import { jobs, pods } from "../support/simulated-cluster-world.ts";

test("an item is tried again as often as retries says, and then has failed for good", async () => {
  const cluster = await aCluster()
    .withNodes(2, { cpu: 4 })
    .withProgram(({ index, attempt }) =>
      index === 3 || (index === 5 && attempt < 3) ? { exit: 7, stderr: `no ${index}` } : { result: `${index}` },
    )
    .start();
  await cluster.task("mixed", { items: { range: { end: 8 } }, retries: 2 });
  await cluster.finish("mixed");

  expect(cluster.condition("mixed", "Succeeded")).toBe("False ItemsFailed");
  expect(cluster.results("mixed")).toEqual(["0", "1", "2", undefined, "4", "5", "6", "7"]);
  expect(cluster.itemRecords("mixed", 3).map(({ attempts, exit }) => [attempts, exit])).toEqual([
    [1, 7],
    [2, 7],
    [3, 7],
  ]);
  expect(cluster.status("mixed").failures).toEqual([
    expect.objectContaining({ item: 3, attempts: 3, exitCode: 7, reason: "Error", message: "no 3", count: 1 }),
  ]);
  expect(cluster.history.violations()).toEqual([]);
});

test("a failed item of a chunk fails alone, and a retry runs nothing else", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 4 })
    .withProgram(({ index, attempt }) =>
      index === 2 && attempt === 1 ? { exit: 1, stderr: "not yet" } : { result: `${index}` },
    )
    .start();
  await cluster.task("chunked", { items: { range: { end: 10 } }, chunk: { size: 5 }, retries: 1 });
  await cluster.finish("chunked");

  expect(cluster.condition("chunked", "Succeeded")).toBe("True Succeeded");
  expect(cluster.results("chunked")).toEqual(Array.from({ length: 10 }, (_, n) => `${n}`));
  const ran = cluster
    .attemptObjects("chunked")
    .map(({ metadata }) => metadata.annotations?.["kube-pool.dev/item-indexes"]);
  expect(ran.sort()).toEqual(["0-4", "2", "5-9"]);
});

test("a container that is killed in the middle of its chunk charges the item that it was at, and keeps those before", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 4 })
    .withProgram(({ index, attempt }) => (index === 2 && attempt === 1 ? { kills: true } : { result: `${index}` }))
    .start();
  await cluster.task("killed", { items: { range: { end: 5 } }, chunk: { size: 5 }, retries: 1 });
  await cluster.finish("killed");

  expect(cluster.condition("killed", "Succeeded")).toBe("True Succeeded");
  expect(cluster.itemRecords("killed", 1)).toHaveLength(1);
  expect(cluster.itemRecords("killed", 2).map(({ reason }) => reason)).toEqual(["OOMKilled", undefined]);
});

test("raising retryFailed runs the failed items again, and only those", async () => {
  let isMended = false;
  const cluster = await aCluster()
    .withNodes(1, { cpu: 4 })
    .withProgram(({ index }) => (index % 3 === 0 && !isMended ? { exit: 1 } : { result: `${index}` }))
    .start();
  await cluster.task("mended", { items: { range: { end: 6 } } });
  await cluster.finish("mended");
  expect(cluster.status("mended")).toMatchObject({ items: { failed: 2, succeeded: 4 }, handledRetry: 0 });

  isMended = true;
  await cluster.change("mended", { retryFailed: 1 });
  await cluster.until(() => !cluster.isFinished("mended"));
  await cluster.finish("mended");
  expect(cluster.condition("mended", "Succeeded")).toBe("True Succeeded");
  expect(cluster.status("mended")).toMatchObject({ items: { failed: 0, succeeded: 6 }, handledRetry: 1 });
  expect(cluster.attempts("mended")).toHaveLength(8);
  expect(cluster.history.violations()).toEqual([]);
});

test("a shard that failed waits longer each time before it runs again", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 4 })
    .withProgram(() => ({ exit: 1, ms: 1 }))
    .start();
  await cluster.task("hopeless", { items: { range: { end: 1 } }, retries: 4 });
  await cluster.finish("hopeless");
  const decided = cluster.records("hopeless").flatMap((line) => (line.kind === "attempt" ? [line.decided] : []));
  const gaps = decided.slice(1).map((at, index) => (at - (decided[index] ?? 0)) / 1000);
  expect(gaps).toHaveLength(4);
  for (const [index, gap] of gaps.entries()) expect(gap).toBeGreaterThanOrEqual(2 ** index);
  expect(gaps.at(-1)).toBeLessThan(14);
});

test("a node that is lost costs no retry: its shards run again elsewhere", async () => {
  const cluster = await aCluster()
    .withNodes(2, { cpu: 2 })
    .withProgram(({ item }) => ({ result: item, ms: 20_000 }))
    .start();
  await cluster.task("steady", { items: { range: { end: 4 } } });
  await cluster.until(() => cluster.running("steady").length === 4);
  await cluster.loseNode("node-1");
  await cluster.finish("steady", { withinSeconds: 900 });

  expect(cluster.condition("steady", "Succeeded")).toBe("True Succeeded");
  expect(cluster.attempts("steady").filter((attempt) => attempt.endsWith("Lost"))).toHaveLength(2);
  expect(cluster.results("steady")).toEqual(["0", "1", "2", "3"]);
  expect(cluster.history.violations({ capacity: false })).toEqual([]);
});

test("a Pod that somebody deletes costs no retry: its shard runs again", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 2 })
    .withProgram(({ item }) => ({ result: item, ms: 10_000 }))
    .start();
  await cluster.task("steady", { items: { range: { end: 2 } } });
  await cluster.until(() => cluster.running("steady").length === 2);
  const [pod] = cluster.pods("steady");
  if (pod !== undefined) await cluster.api.delete(pods, pod.metadata);
  await cluster.finish("steady");
  expect(cluster.condition("steady", "Succeeded")).toBe("True Succeeded");
  expect(
    cluster
      .attempts("steady")
      .map((attempt) => attempt.split(" ")[1])
      .sort(),
  ).toEqual(["Lost", "Succeeded", "Succeeded"]);
  expect(cluster.history.violations()).toEqual([]);
});

test("a Job that somebody deletes is let run to its end, and its result counts", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 1 })
    .withProgram(({ item }) => ({ result: item, ms: 10_000 }))
    .start();
  await cluster.task("steady", { items: { range: { end: 1 } } });
  await cluster.until(() => cluster.running("steady").length === 1);
  const [job] = cluster.jobs("steady");
  if (job !== undefined) await cluster.api.delete(jobs, job.metadata, { propagation: "Background" });
  await cluster.finish("steady");
  expect(cluster.attempts("steady")).toEqual(["0/1 Succeeded"]);
  await cluster.settle();
  expect(cluster.jobs("steady")).toEqual([]);
});

test("a node that is removed costs no retry", async () => {
  const cluster = await aCluster()
    .withNodes(2, { cpu: 2 })
    .withProgram(({ item }) => ({ result: item, ms: 20_000 }))
    .start();
  await cluster.task("steady", { items: { range: { end: 4 } } });
  await cluster.until(() => cluster.running("steady").length === 4);
  await cluster.removeNode("node-2");
  await cluster.finish("steady");

  expect(cluster.condition("steady", "Succeeded")).toBe("True Succeeded");
  expect(cluster.attempts("steady").filter((attempt) => attempt.endsWith("Lost"))).toHaveLength(2);
  expect(cluster.itemRecords("steady", 0)).toHaveLength(1);
});
