// What the operator costs the API server: little while it works, nothing when nothing happens.
import { expect, test } from "vitest";
import { aCluster, type SimulatedCluster } from "../support/simulated-cluster.ts";
import { type OperatorWrite, writeText } from "../support/simulated-cluster-operator.ts";

const statusWrites = (cluster: SimulatedCluster): readonly OperatorWrite[] =>
  cluster.writes.filter(({ subresource }) => subresource === "status");

/** Open starts are written before each batch of starts, whatever the time. */
const isOpenStarts = ({ body }: OperatorWrite): boolean => {
  const status = JSON.parse(JSON.stringify(body)).operations.at(-1).value;
  return (status.queue?.openStarts ?? []).length > 0;
};

test("no status is written more often than once a second, open starts apart", async () => {
  const cluster = await aCluster()
    .withNodes(3, { cpu: 4 })
    .withProgram(({ item }) => ({ result: item, ms: 200 + (Number(item) % 7) * 130 }))
    .start();
  await cluster.task("work", { items: { range: { end: 60 } } });
  await cluster.finish("work");
  // The first one says who leads.
  const byObject = Map.groupBy(
    statusWrites(cluster)
      .slice(1)
      .filter((write) => write.plural !== "resourcepools" || !isOpenStarts(write)),
    writeText,
  );
  for (const [name, writes] of byObject) {
    const gaps = writes.slice(1).map(({ atMs }, index) => atMs - (writes[index]?.atMs ?? 0));
    expect(Math.min(...gaps), name).toBeGreaterThanOrEqual(1000);
  }
});

test("what is written is at most ten a task, three an attempt, and a status a second", async () => {
  const cluster = await aCluster().withNodes(3, { cpu: 4 }).start();
  await cluster.task("work", { items: { range: { end: 100 } } });
  await cluster.finish("work");
  await cluster.settle();
  const seconds = cluster.now / 1000 - Date.parse(cluster.see("work")?.metadata.creationTimestamp ?? "") / 1000;
  const others = cluster.writes.filter(({ subresource }) => subresource !== "status");
  const surplus = others.filter(({ verb }) => verb === "delete");
  expect(others.length - surplus.length).toBeLessThanOrEqual(10 + 3 * 100);
  expect(statusWrites(cluster).length).toBeLessThanOrEqual(2 * seconds + 20);
});

test("at rest nothing is written in five minutes", async () => {
  const cluster = await aCluster().withNodes(3, { cpu: 4 }).start();
  await cluster.task("done", { items: { range: { end: 10 } } });
  await cluster.task("large", { cpu: 9 });
  await cluster.task("suspended", { suspend: true });
  await cluster.task("lost", { poolRef: { name: "nowhere" } });
  await cluster.task("waiting", { items: { configMapRefs: [{ name: "missing", key: "a" }] } });
  await cluster.finish("done");
  await cluster.settle();
  const before = cluster.writes.length;
  await cluster.run(300);
  expect(cluster.writes.slice(before).map(writeText)).toEqual([]);
});

test("while a long shard runs, its statuses are written once a minute", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 1 })
    .withProgram(() => ({ ms: 3_600_000 }))
    .start();
  await cluster.task("long", { items: { range: { end: 2 } } });
  await cluster.until(() => cluster.running("long").length === 1);
  await cluster.run(60);
  const before = cluster.writes.length;
  await cluster.run(600);
  expect(cluster.writes.length - before).toBeLessThanOrEqual(2 * 11);
});

test("a new operator that finds all at rest writes its name into each pool, and nothing else", async () => {
  const cluster = await aCluster().withNodes(1, { cpu: 4 }).start();
  await cluster.task("done");
  await cluster.finish("done");
  await cluster.settle();
  const operator = cluster.restart();
  await cluster.run(300);
  expect(operator.writes.map(writeText)).toEqual(["patch resourcepools/status lab"]);
});

test("each of 2,000 waiting tasks costs about one status write", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 2 })
    .withProgram(() => ({ ms: 20_000 }))
    .start();
  const count = 2000;
  for (let n = 0; n < count; n += 1) await cluster.task(`task-${n}`, { items: { range: { end: 1 } } });
  await cluster.run(45);
  const statuses = cluster.writes.filter(
    ({ plural, subresource }) => plural === "pooledtasks" && subresource === "status",
  );
  const waiting = statuses.filter(({ key }) => Number(key.name.slice(5)) > 50);
  expect(new Set(waiting.map(({ key }) => key.name)).size).toBeGreaterThan(count - 60);
  expect(waiting.length / (count - 50)).toBeLessThanOrEqual(1.2);
});

test("removal waits until the pool has nothing else to do, and whoever waits for a task until it is told", async () => {
  const cluster = await aCluster()
    .withNodes(2, { cpu: 40 })
    .withProgram(({ item }) => ({ result: item, ms: 100 * Number(item) }))
    .start();
  await cluster.task("work", { items: { range: { end: 60 } } });
  await cluster.finish("work");
  await cluster.settle();
  const told = cluster.writes.findLastIndex(({ plural, subresource }) => plural === "pooledtasks" && subresource);
  const deletes = cluster.writes.flatMap(({ verb }, index) => (verb === "delete" ? [index] : []));
  expect(deletes).toHaveLength(40);
  expect(deletes[0]).toBeGreaterThan(told);
});

test("the last records of a task do not wait for others to come along", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 4 })
    .withProgram(({ item }) => ({ result: item, ms: Number(item) === 0 ? 2000 : 2300 }))
    .start();
  await cluster.task("work", { items: { range: { end: 2 } } });
  await cluster.finish("work");
  const records = cluster.writes.filter(({ plural }) => plural === "configmaps").map(({ atMs }) => atMs);
  expect(records.at(-1)).toBeLessThan((records.at(-2) ?? 0) + 900);
});

test("the Job that attempts share is told every other second what its task tells each second, its end at once", async () => {
  const cluster = await aCluster()
    .withNodes(2, { cpu: 4 })
    .withProgram(({ item }) => ({ result: item, ms: 300 + 10 * Number(item) }))
    .start();
  await cluster.task("work", { items: { range: { end: 80 } } });
  await cluster.finish("work");
  const told = statusWrites(cluster).filter(({ plural }) => plural === "jobs");
  const gaps = told.slice(1).map(({ atMs }, index) => atMs - (told[index]?.atMs ?? 0));
  expect(gaps.length).toBeGreaterThan(2);
  expect(Math.min(...gaps.slice(0, -1))).toBeGreaterThanOrEqual(2000);
});

test("the Job of a task that is soon over is told its end alone", async () => {
  const cluster = await aCluster().withNodes(1, { cpu: 4 }).start();
  await cluster.task("work", { items: { range: { end: 2 } } });
  await cluster.finish("work");
  expect(statusWrites(cluster).filter(({ plural }) => plural === "jobs")).toHaveLength(1);
});

test("a short task of one shard is written about once: with its first start, its records, and its end", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 4 })
    .withProgram(({ item }) => ({ result: item, ms: 300 }))
    .start();
  await cluster.settle();
  const before = cluster.writes.length;
  await cluster.task("work", { items: { range: { end: 1 } } });
  await cluster.finish("work");
  await cluster.settle();
  const written = cluster.writes.slice(before).filter(({ plural }) => plural !== "resourcepools");
  expect(written.map(({ verb, plural, subresource = "" }) => `${verb} ${plural} ${subresource}`.trim())).toEqual([
    "patch pooledtasks",
    "create jobs",
    "create pods",
    "create configmaps",
    "patch jobs status",
    "patch pooledtasks status",
  ]);
});
