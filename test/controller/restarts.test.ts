// What a new process of the operator has to find out by itself, since the one before could not tell it.
import { expect, test } from "vitest";
import { aCluster } from "../support/simulated-cluster.ts";
import type { Interceptor } from "../support/simulated-cluster-operator.ts";
import { pooledTasks } from "../support/simulated-cluster-world.ts";
import { everyEngine, native } from "./engines.ts";

const reset = (): Error => Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });

test("a status that somebody wiped is computed again from what is recorded", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 2 })
    .withProgram(({ item }) => ({ result: item, ms: 4000 }))
    .start();
  await cluster.task("work", { items: { range: { end: 8 } }, results: { reduce: "Sum" } });
  await cluster.until(() => cluster.status("work").items?.succeeded === 4);
  const key = { namespace: "lab", name: "work" };
  for (const operator of cluster.operators) operator.kill();
  await cluster.api.patch(pooledTasks, key, { type: "merge", body: { status: null } }, { subresource: "status" });
  cluster.restart();
  await cluster.finish("work");
  expect(cluster.status("work")).toMatchObject({
    items: { succeeded: 8 },
    results: { reduced: "28" },
    engine: { name: "Managed", binding: "Scheduler" },
  });
  expect(cluster.attempts("work")).toHaveLength(8);
});

test("what is beyond what is kept goes, though the operator that should have deleted them is gone", async () => {
  const cluster = await aCluster().withNodes(3, { cpu: 20 }).withOperators().start();
  const intercept: Interceptor = ({ verb }, send) => (verb === "delete" ? Promise.reject(reset()) : send());
  cluster.startOperator({ name: "first", intercept });
  await cluster.task("work", { items: { range: { end: 30 } } });
  await cluster.finish("work");
  expect(cluster.pods("work")).toHaveLength(30);
  cluster.restart();
  await cluster.settle();
  expect(cluster.pods("work")).toHaveLength(20);
});

test("Jobs that were recorded and not let go do not keep a task from being deleted", async () => {
  const cluster = await aCluster()
    .withEngine(native)
    .withNodes(1, { cpu: 4 })
    .withProgram(({ item }) => ({ result: item, ms: 3000 }))
    .withOperators()
    .start();
  // Letting go fails; the operator lives on and remembers what it has recorded.
  cluster.startOperator({
    name: "first",
    async intercept(write, send) {
      if (
        write.verb === "patch" &&
        write.plural === "jobs" &&
        cluster.see("work")?.metadata.deletionTimestamp === undefined
      )
        throw reset();
      return await send();
    },
  });
  await cluster.task("work", { items: { range: { end: 8 } } });
  await cluster.until(() => cluster.records("work").length >= 5);
  await cluster.delete("work");
  await cluster.until(() => cluster.see("work") === undefined, { withinSeconds: 90 });
  await cluster.settle();
  expect([...cluster.jobs("work"), ...cluster.leftovers()]).toEqual([]);
});

test.each(everyEngine)("$name: Jobs whose task somebody removed by force are ended and let go", async (engine) => {
  const cluster = await aCluster()
    .withEngine(engine)
    .withNodes(1, { cpu: 2 })
    .withProgram(() => ({ ms: 3_600_000 }))
    .start();
  await cluster.task("work", { items: { range: { end: 2 } } });
  await cluster.until(() => cluster.running("work").length === 2);
  for (const operator of cluster.operators) operator.kill();
  await cluster.delete("work");
  await cluster.api.patch(
    pooledTasks,
    { namespace: "lab", name: "work" },
    { type: "merge", body: { metadata: { finalizers: [] } } },
  );
  await cluster.run(60);
  expect(cluster.jobs("work")).toHaveLength(engine === native ? 2 : 1);
  cluster.restart();
  await cluster.settle();
  expect([...cluster.jobs("work"), ...cluster.pods("work")]).toEqual([]);
  expect(cluster.poolStatus().resources?.find(({ name }) => name === "cpu")).toMatchObject({ free: "2" });
});

test("an operator that was away while everything ended records all of it", async () => {
  const cluster = await aCluster().withNodes(2, { cpu: 4 }).start();
  await cluster.task("work", { items: { range: { end: 8 } } });
  await cluster.until(() => cluster.running("work").length === 8);
  for (const operator of cluster.operators) operator.kill();
  await cluster.run(600);
  cluster.restart();
  await cluster.finish("work");
  expect(cluster.attempts("work")).toHaveLength(8);
  expect(cluster.condition("work", "Succeeded")).toBe("True Succeeded");
  expect(Date.parse(cluster.status("work").completionTime ?? "")).toBeLessThan(cluster.now - 500_000);
});
