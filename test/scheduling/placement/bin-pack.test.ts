// The placement BinPack.
import { test } from "vitest";
import { aPool, expectPlan } from "../../support/scheduling.ts";
import { placementContract } from "../../support/scheduling-placement.ts";

placementContract("BinPack");

test("two small shards share a node, so that the large one that follows still fits", () => {
  expectPlan(
    aPool()
      .withNodes(2, { cpu: 8 })
      .withTasks({ a: { shards: 2, cpu: 2 }, b: { shards: 1, cpu: 8 } }),
  ).places({
    a: ["node-1", "node-1"],
    b: ["node-2"],
  });
});

test("the fullest node on which the shard fits is taken, not the first", () => {
  expectPlan(
    aPool()
      .withNodes(3, { cpu: 8 })
      .withTasks({
        busy: { cpu: 4, running: ["node-2", "node-3", { node: "node-3", request: { cpu: 3000 } }] },
        a: { shards: 2, cpu: 2 },
      }),
  ).places({ a: ["node-2", "node-2"] });
});

test("what counts is the resource of which the shard takes most", () => {
  expectPlan(
    aPool()
      .withNode("much-memory-left", { cpu: 8, memory: 8 }, { foreign: { cpu: 6 } })
      .withNode("much-cpu-left", { cpu: 8, memory: 8 }, { foreign: { memory: 5 } })
      .withTasks({ a: { shards: 1, cpu: 1, memory: 2 } }),
  ).places({ a: ["much-cpu-left"] });
});
