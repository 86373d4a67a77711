// What is kept by the name of a pool goes with that name; whatever lives on is counted after the garbage was collected.
import { queryObjects } from "node:v8";
import { expect, test } from "vitest";
import { Forecaster } from "../../src/controller/forecaster.ts";
import { type ObservedPool, treeState } from "../../src/controller/observed/pools.ts";
import type { Stores } from "../../src/controller/stores.ts";
import { TasksByPool } from "../../src/controller/tasks-by-pool.ts";
import { aCluster, type SimulatedCluster } from "../support/simulated-cluster.ts";
import { resourcePools } from "../support/simulated-cluster-world.ts";
import { aTask } from "../view/objects.ts";
import { aPool } from "./builders.ts";

/** Collects the garbage, too. */
function living(what: new (...traits: never[]) => unknown): number {
  return queryObjects(what as new () => unknown, { format: "count" });
}

const numbers = Array.from({ length: 10 }, (_, n) => n);

test.each<[string, (cluster: SimulatedCluster, n: number) => Promise<() => Promise<unknown>>]>([
  [
    "a pool",
    async (cluster, n) => {
      await cluster.pool(`pool-${n}`, { nodeNames: [`none-${n}`] });
      return () => cluster.api.delete(resourcePools, { name: `pool-${n}` });
    },
  ],
  [
    "a name that no pool has, once no task gives it any more",
    async (cluster, n) => {
      await cluster.task(`task-${n}`, { poolRef: { name: `missing-${n}` } });
      return () => cluster.delete(`task-${n}`);
    },
  ],
  [
    "a parent that is not there, once no pool names it any more",
    async (cluster, n) => {
      await cluster.pool(`child-${n}`, { parentRef: { name: `missing-${n}` } });
      return () => cluster.api.delete(resourcePools, { name: `child-${n}` });
    },
  ],
  [
    "a pool that has a parent by now",
    async (cluster, n) => {
      await cluster.pool(`pool-${n}`, { nodeNames: [`none-${n}`] });
      const body = { spec: { nodeNames: null, parentRef: { name: "lab" } } };
      return () => cluster.api.patch(resourcePools, { name: `pool-${n}` }, { type: "merge", body });
    },
  ],
])("of a tree nothing is kept that is not there any more: %s", async (_, come) => {
  const cluster = await aCluster().withNodes(1, { cpu: 1 }).start();
  await cluster.run(5);
  const before = living(Forecaster);
  const go = await Promise.all(numbers.map((n) => come(cluster, n)));
  await cluster.run(5);
  expect(living(Forecaster)).toBeGreaterThan(before);
  await Promise.all(go.map((leave) => leave()));
  await cluster.settle();
  // What other tests of this process left may go meanwhile.
  expect(living(Forecaster)).toBeLessThanOrEqual(before);
});

test("what is known of the tasks of a pool goes with the last that names it, and not before", async () => {
  const tasks = new TasksByPool();
  const named = (uid: string, name: string) => aTask(undefined, { poolRef: { name } }, { uid });
  const first = named("first", "lab");
  tasks.follow({ type: "add", object: first });
  tasks.follow({ type: "add", object: named("second", "lab") });
  const kept = new WeakRef(tasks.asleep("lab"));
  tasks.sleep(first);
  tasks.follow({ type: "update", object: named("second", "other") });
  expect([...tasks.asleep("lab").keys()]).toEqual(["first"]);
  tasks.wake("first");
  expect([...tasks.awake("lab")]).toEqual([first]);
  tasks.follow({ type: "delete", object: first });
  await new Promise(setImmediate);
  living(TasksByPool);
  expect(kept.deref()).toBeUndefined();
});

test("trees without a pool are all in one state, and what state a tree was in goes with its last pool", async () => {
  const stores = {} as Stores;
  const none = new Map<string, ObservedPool>();
  const pools = new Map([["lab", { object: aPool("lab") } as ObservedPool]]);
  const kept = new WeakRef(treeState(stores, "lab", undefined, pools));
  expect(treeState(stores, "lab", undefined, pools)).toBe(kept.deref());
  expect(treeState(stores, "lab", undefined, none)).toBe(treeState(stores, "missing", undefined, none));
  await new Promise(setImmediate);
  living(TasksByPool);
  expect(kept.deref()).toBeUndefined();
});
