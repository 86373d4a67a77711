// How starts are carried out: a Pod comes only after its task is held and its start is written down, and neither of these
// two waits for the other, nor one task for another.
import { ApiError } from "@dsl/kube-operator";
import { expect, test } from "vitest";
import { aCluster, type SimulatedCluster } from "../support/simulated-cluster.ts";
import type { OperatorWrite } from "../support/simulated-cluster-operator.ts";

/** The finalizer of the task of that name. */
const holds = ({ plural, subresource, key }: OperatorWrite): boolean =>
  plural === "pooledtasks" && subresource === undefined && key.name === "held";
/** Starts written into the pool's status. */
const opens = ({ plural, body }: OperatorWrite): boolean =>
  plural === "resourcepools" && JSON.stringify(body).includes("lab/held ");

/** A cluster whose operator sends the first such write, which then is without an answer until `answer` is called. */
async function whereOneIsSlow(isIt: (write: OperatorWrite) => boolean): Promise<[SimulatedCluster, () => void]> {
  const answer = Promise.withResolvers<void>();
  const cluster = await aCluster().withNodes(2, { cpu: 2 }).withOperators().start();
  cluster.startOperator({
    name: "operator-1",
    async intercept(write, send) {
      if (isIt(write)) await answer.promise;
      return await send();
    },
  });
  return [cluster, answer.resolve];
}

/** A cluster whose server refuses all such writes of its operator until `allow` is called. */
async function whereItIsRefused(isIt: (write: OperatorWrite) => boolean): Promise<[SimulatedCluster, () => void]> {
  let isRefused = true;
  const cluster = await aCluster().withNodes(2, { cpu: 2 }).withOperators().start();
  cluster.startOperator({
    name: "operator-1",
    async intercept(write, send) {
      if (isRefused && isIt(write)) throw new ApiError({ code: 500, reason: "InternalError", message: "not now" });
      return await send();
    },
  });
  const allow = (): void => {
    isRefused = false;
  };
  return [cluster, allow];
}

const created = (cluster: SimulatedCluster, ...names: readonly string[]): number =>
  names.flatMap((name) => [...cluster.jobs(name), ...cluster.pods(name)]).length;

test.each([
  ["held", holds],
  ["written down", opens],
])("nothing is created for a task until it is %s", async (_, isIt) => {
  const [cluster, answer] = await whereOneIsSlow(isIt);
  await cluster.task("held", { items: { range: { end: 2 } } });
  await cluster.run(5);
  expect(created(cluster, "held")).toBe(0);
  // The other of the two has not waited.
  const sent = cluster.operator.writes.filter((write) => holds(write) || opens(write)).length;
  expect(sent).toBeGreaterThan(0);
  answer();
  await cluster.finish("held");
  await cluster.settle();
  expect(cluster.history.violations()).toEqual([]);
});

test("a task that cannot be held keeps no other from starting, and starts once it can", async () => {
  const [cluster, allow] = await whereItIsRefused(holds);
  await cluster.task("held", { items: { range: { end: 2 } } });
  await cluster.task("other", { items: { range: { end: 2 } } });
  await cluster.finish("other");
  expect(created(cluster, "held")).toBe(0);
  allow();
  await cluster.finish("held");
  await cluster.settle();
  expect([...cluster.history.violations(), ...cluster.leftovers()]).toEqual([]);
});

test("where starts cannot be written down nothing is created", async () => {
  const [cluster, allow] = await whereItIsRefused(opens);
  await cluster.task("held", { items: { range: { end: 2 } } });
  await cluster.run(20);
  expect(created(cluster, "held")).toBe(0);
  allow();
  await cluster.finish("held", { withinSeconds: 120 });
});

test("a task that is deleted after its start was written down, and before it could be held, leaves no start behind", async () => {
  const [cluster] = await whereItIsRefused(holds);
  await cluster.task("held", { items: { range: { end: 4 } } });
  await cluster.until(() => cluster.operator.writes.some(opens));
  await cluster.delete("held");
  await cluster.settle();
  expect(cluster.see("held")).toBeUndefined();
  // Its place is free again.
  await cluster.task("next", { items: { range: { end: 4 } } });
  await cluster.finish("next");
  await cluster.settle();
  expect([...cluster.history.violations(), ...cluster.leftovers()]).toEqual([]);
});
