// The placement Spread.
import { test } from "vitest";
import { aPool, expectPlan } from "../../support/scheduling.ts";
import { placementContract } from "../../support/scheduling-placement.ts";

placementContract("Spread");

test("shards go round the nodes", () => {
  expectPlan(
    aPool()
      .placing("Spread")
      .withNodes(3, { cpu: 8 })
      .withTasks({ a: { shards: 4, cpu: 2 } }),
  ).places({
    a: ["node-1", "node-2", "node-3", "node-1"],
  });
});

test("the node with the largest share left is taken, be it the smaller node", () => {
  expectPlan(
    aPool()
      .placing("Spread")
      .withNode("large", { cpu: 16 }, { foreign: { cpu: 8 } })
      .withNode("small", { cpu: 4 })
      .withTasks({ a: { shards: 1, cpu: 1 } }),
  ).places({ a: ["small"] });
});
