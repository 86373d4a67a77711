// The placement FirstFit.
import { test } from "vitest";
import { aPool, expectPlan } from "../../support/scheduling.ts";
import { placementContract } from "../../support/scheduling-placement.ts";

placementContract("FirstFit");

test("the first node by name takes what fits, then the next", () => {
  expectPlan(
    aPool()
      .placing("FirstFit")
      .withNodes(3, { cpu: 4 })
      .withTasks({ busy: { cpu: 3, running: ["node-1"] }, a: { shards: 3, cpu: 2 }, b: { shards: 1, cpu: 1 } }),
  ).places({ a: ["node-2", "node-2", "node-3"], b: ["node-1"] });
});
