// What would help a pool, in its status: told once it has held for a while, gone when it is so no more, and no write more.
import { expect, test } from "vitest";
import { aCluster, anEmptyCluster, type SimulatedCluster } from "../support/simulated-cluster.ts";
import { writeText } from "../support/simulated-cluster-operator.ts";

const typesOf = (cluster: SimulatedCluster, pool = "lab"): readonly string[] =>
  (cluster.poolStatus(pool).recommendations ?? []).map(({ type }) => type);

const hours = { expectedItemSeconds: 3600, items: { range: { end: 6 } } };

async function aJam(): Promise<SimulatedCluster> {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 2 })
    .withProgram(() => ({ ms: 3_600_000 }))
    .start();
  await cluster.task("long", hours);
  return cluster;
}

test("what would help is told once it has held for some minutes, with what it brings", async () => {
  const cluster = await aJam();
  await cluster.run(60);
  // Another look is taken, but nothing has held for long.
  await cluster.addNode("elsewhere", { cpu: 0 });
  await cluster.run(60);
  expect(typesOf(cluster)).toEqual([]);
  await cluster.until(() => typesOf(cluster).length > 0, { withinSeconds: 120 });
  expect(cluster.poolStatus().recommendations).toEqual([
    {
      type: "AddNodes",
      reason: "1 task waits; of the first, each shard asks for 1 cpu; lab has 0 free",
      gain: expect.stringMatching(/^mean wait of the next 4 shards 8\d min -> (2\d|30) min$/),
      cost: "1 more node like node-1 (2 cpu)",
    },
  ]);
});

test("it goes soon after it has been done", async () => {
  const cluster = await aJam();
  await cluster.until(() => typesOf(cluster).length > 0, { withinSeconds: 300 });
  await cluster.addNode("node-2", { cpu: 2 });
  await cluster.addNode("node-3", { cpu: 2 });
  await cluster.until(() => typesOf(cluster).length === 0, { withinSeconds: 30 });
});

test("a limit stands in the way of its own pool, in whose status that is told", async () => {
  const cluster = await anEmptyCluster()
    .withPool("lab")
    .withPool("students", { parentRef: { name: "lab" }, limit: { cpu: "1" } })
    .withNodes(2, { cpu: 2 })
    .withProgram(() => ({ ms: 3_600_000 }))
    .start();
  await cluster.task("long", { ...hours, poolRef: { name: "students" } });
  await cluster.until(() => typesOf(cluster, "students").length > 0, { withinSeconds: 300 });
  expect(typesOf(cluster, "students")).toEqual(["RaiseLimit"]);
  expect(typesOf(cluster)).toEqual([]);
});

test("a new operator keeps what stands there while it holds", async () => {
  const cluster = await aJam();
  await cluster.until(() => typesOf(cluster).length > 0, { withinSeconds: 300 });
  const operator = cluster.restart();
  await cluster.run(400);
  expect(typesOf(cluster)).toEqual(["AddNodes"]);
  const without = operator.writes.filter(
    (write) => write.plural === "resourcepools" && !JSON.stringify(write.body).includes("AddNodes"),
  );
  expect(without.map(writeText)).toEqual([]);
});

test("nothing is written for it while nothing happens", async () => {
  const cluster = await anEmptyCluster()
    .withPool("lab")
    .withPool("students", { parentRef: { name: "lab" }, limit: { cpu: "1" } })
    .withNodes(2, { cpu: 2 })
    .start();
  await cluster.task("large", { cpu: 2, poolRef: { name: "students" } });
  await cluster.until(() => typesOf(cluster, "students").length > 0, { withinSeconds: 300 });
  await cluster.settle();
  const before = cluster.writes.length;
  await cluster.run(1800);
  expect(cluster.writes.slice(before).map(writeText)).toEqual([]);
});
