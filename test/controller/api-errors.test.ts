// Each kind of write meets each kind of error once: the work comes to the same end all the same.
import { expect, test } from "vitest";
import { aCluster } from "../support/simulated-cluster.ts";
import { errors, on, planForEachKind, runPlans } from "../support/simulated-cluster-faults.ts";
import { native } from "./engines.ts";
import { manyShards, workloads } from "./workloads.ts";

test.each([...workloads, on(native, manyShards)])(
  "$name ends the same, whatever error a write meets",
  { timeout: 300_000 },
  async (workload) => {
    const { problems } = await runPlans(workload, (reference) => planForEachKind(reference, errors));
    expect(problems).toEqual([]);
  },
);

test("a task whose Jobs can never be written does not delay the time-outs of the others", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 2 })
    .withProgram(({ item }) => ({ result: item, ms: 3_600_000 }))
    .withOperators({
      name: "operator-1",
      intercept: ({ plural, key }, send) =>
        plural === "jobs" && key.name.startsWith("poison") ? Promise.reject(new Error("never")) : send(),
    })
    .start();
  await cluster.task("long", { items: { range: { end: 1 } }, itemTimeoutSeconds: 600 });
  await cluster.until(() => cluster.running("long").length === 1);
  await cluster.task("poison");
  await cluster.finish("long", { withinSeconds: 615 });
  expect(cluster.attempts("long")).toEqual(["0/1 TimedOut"]);
});
