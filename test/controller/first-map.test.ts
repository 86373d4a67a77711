// The first map in virtual time: what a user who maps a function over items gets back.
import { expect, test } from "vitest";
import { aCluster } from "../support/simulated-cluster.ts";
import { everyEngine, native } from "./engines.ts";

const squaresTo = (end: number): string[] => Array.from({ length: end }, (_, item) => `${item * item}`);
const echo = { command: ["sh", "-c", "true"] };

test("squares of 100 items come back in order, and their sum is right", async () => {
  const cluster = await aCluster().withNodes(3, { cpu: 4 }).start();
  await cluster.task("squares", { items: { range: { end: 100 } }, results: { reduce: "Sum" } });
  await cluster.finish("squares");

  expect(cluster.condition("squares", "Succeeded")).toBe("True Succeeded");
  expect(cluster.results("squares")).toEqual(squaresTo(100));
  expect(cluster.status("squares").results?.reduced).toBe("328350");
  expect(cluster.status("squares").items).toMatchObject({ total: 100, succeeded: 100, failed: 0, completed: "0-99" });
  expect(cluster.history.violations()).toEqual([]);
});

test("a chunk of ten items costs one Pod, and gives ten results", async () => {
  const cluster = await aCluster().withNodes(2, { cpu: 2 }).start();
  await cluster.task("squares", { items: { range: { end: 35 } }, chunk: { size: 10 } });
  await cluster.finish("squares");

  expect(cluster.results("squares")).toEqual(squaresTo(35));
  expect(cluster.pods("squares")).toHaveLength(4);
  expect(cluster.status("squares").shards).toMatchObject({ total: 4, succeeded: 4, failed: 0 });
  expect(cluster.history.violations()).toEqual([]);
});

test("in mode Whole one run answers for all items of its shard, a line each", async () => {
  const cluster = await aCluster().withNodes(1, { cpu: 2 }).start();
  await cluster.task("squares", { items: { range: { end: 7 } }, chunk: { size: 5, mode: "Whole" } });
  await cluster.finish("squares");
  expect(cluster.results("squares")).toEqual(squaresTo(7));
});

test("a task without items has succeeded", async () => {
  const cluster = await aCluster().withNodes(1, { cpu: 2 }).start();
  await cluster.task("nothing", { items: { range: { end: 0 } } });
  await cluster.finish("nothing");
  expect(cluster.condition("nothing", "Succeeded")).toBe("True Succeeded");
  expect(cluster.jobs("nothing")).toEqual([]);
});

test("a second Pod that kube's Job controller makes for one attempt does not count", async () => {
  const cluster = await aCluster()
    .withEngine(native)
    .withNodes(3, { cpu: 4 })
    .withJobController({ makesTwoPods: (job) => job.metadata.name.endsWith("-1-1") })
    .start();
  await cluster.task("squares", { items: { range: { end: 4 } }, parallelism: 2 });
  await cluster.finish("squares");
  expect(cluster.pods("squares")).toHaveLength(5);
  expect(cluster.results("squares")).toEqual(squaresTo(4));
  expect(cluster.history.violations()).toEqual([]);
});

test("records that outgrow a segment go on in the next one, and the full one is sealed", async () => {
  const cluster = await aCluster()
    .withNodes(2, { cpu: 4 })
    .withProgram(({ item }) => ({ result: `${item} `.padEnd(3000, "x") }))
    .start();
  await cluster.task("long", { items: { range: { end: 100 } } });
  await cluster.finish("long");

  const segments = cluster.segments("long");
  expect(segments.length).toBeGreaterThan(2);
  expect(segments.map(({ immutable = false }) => immutable)).toEqual(segments.map((_, n) => n < segments.length - 1));
  for (const { data } of segments) expect(data?.records?.length).toBeLessThanOrEqual(128 * 1024);
  expect(cluster.status("long").results).toMatchObject({ segments: segments.length, bytes: 300_000 });
  expect(cluster.results("long").map((result) => Number(result?.split(" ")[0]))).toEqual(
    squaresTo(100).map((_, n) => n),
  );
  expect(cluster.history.violations()).toEqual([]);
});

test("what goes over results.maxBytes is counted and not kept, and the end says so", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 4 })
    .withProgram(() => ({ result: "0123456789" }))
    .start();
  await cluster.task("much", { items: { range: { end: 30 } }, results: { maxBytes: "100" } });
  await cluster.finish("much");

  expect(cluster.condition("much", "Succeeded")).toBe("True ResultsTruncated");
  expect(cluster.results("much").filter((result) => result !== undefined)).toHaveLength(10);
  expect(cluster.status("much")).toMatchObject({ items: { succeeded: 30 }, results: { truncated: 20, bytes: 100 } });
});

test.each(everyEngine)(
  "$name: the newest twenty of each outcome are kept for their logs, and no more",
  async (engine) => {
    const cluster = await aCluster()
      .withEngine(engine)
      .withNodes(3, { cpu: 10 })
      .withProgram(({ item }) => (Number(item) % 2 === 0 ? { result: "" } : { exit: 3 }))
      .start();
    await cluster.task("many", { items: { range: { end: 60 } } });
    await cluster.finish("many");
    await cluster.settle();

    const phases = cluster.pods("many").map(({ status }) => status?.phase);
    expect(phases.filter((phase) => phase === "Succeeded")).toHaveLength(20);
    expect(phases.filter((phase) => phase === "Failed")).toHaveLength(20);
    expect(cluster.jobs("many").flatMap(({ metadata }) => metadata.finalizers ?? [])).toEqual([]);
    expect(cluster.pods("many")).toHaveLength(40);
  },
);

test("items may come from ConfigMaps, a line each", async () => {
  const cluster = await aCluster().withNodes(1, { cpu: 4 }).start();
  await cluster.configMap("inputs", { a: "3\n5\n", b: "7\n" });
  const configMapRefs = ["a", "b"].map((key) => ({ name: "inputs", key }));
  await cluster.task("squares", { items: { configMapRefs } });
  await cluster.finish("squares");
  expect(cluster.results("squares")).toEqual(["9", "25", "49"]);
});

test("a ConfigMap that is missing is waited for by name", async () => {
  const cluster = await aCluster().withNodes(1, { cpu: 4 }).start();
  await cluster.task("squares", { items: { configMapRefs: [{ name: "inputs", key: "a" }] } });
  await cluster.until(() => cluster.condition("squares", "Stalled") !== undefined);
  expect(cluster.condition("squares", "Stalled")).toBe("True DependencyMissing");
  expect(cluster.status("squares").queue?.message).toContain("inputs");

  await cluster.configMap("inputs", { a: "3\n" });
  await cluster.finish("squares");
  expect(cluster.results("squares")).toEqual(["9"]);
});

test("items that change while the task runs stop it, and it goes on once they are restored", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 1 })
    .withProgram(({ item }) => ({ result: item, ms: 10_000 }))
    .start();
  await cluster.configMap("inputs", { a: "1\n2\n3\n4\n5\n" });
  await cluster.task("echo", { items: { configMapRefs: [{ name: "inputs", key: "a" }] } });
  await cluster.until(() => cluster.status("echo").items?.succeeded === 1);

  await cluster.changeConfigMap("inputs", { a: "1\n2\nthree\n4\n5\n" });
  await cluster.until(() => cluster.condition("echo", "Stalled") === "True ItemsChanged");
  await cluster.run(60);
  expect(cluster.running("echo")).toEqual([]);
  const { succeeded } = cluster.status("echo").items ?? {};

  await cluster.changeConfigMap("inputs", { a: "1\n2\n3\n4\n5\n" });
  await cluster.finish("echo");
  expect(succeeded).toBeLessThan(5);
  expect(cluster.results("echo")).toEqual(["1", "2", "3", "4", "5"]);
  expect(cluster.history.violations()).toEqual([]);
});

test("what was mapped is the template's command, whatever the chunk", async () => {
  const cluster = await aCluster().withNodes(1, { cpu: 4 }).start();
  const template = { spec: { containers: [{ name: "main", image: "busybox:1.35", ...echo }] } };
  await cluster.task("wrapped", { chunk: { size: 3 }, template });
  await cluster.finish("wrapped");
  const command = cluster.jobs("wrapped")[0]?.spec.template.spec.containers[0]?.command ?? [];
  expect(command.slice(-3)).toEqual(echo.command);
});
