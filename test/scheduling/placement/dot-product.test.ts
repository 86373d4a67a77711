// The placement DotProduct.
import { test } from "vitest";
import { aPool, expectPlan } from "../../support/scheduling.ts";
import { placementContract } from "../../support/scheduling-placement.ts";

placementContract("DotProduct");

test("a shard goes where there is most of what it asks most of", () => {
  expectPlan(
    aPool()
      .placing("DotProduct")
      .withNode("much-cpu", { cpu: 16, memory: 16 }, { foreign: { memory: 12 } })
      .withNode("much-memory", { cpu: 16, memory: 16 }, { foreign: { cpu: 12 } })
      .withTasks({ cpus: { shards: 1, cpu: 4, memory: 1 }, memories: { shards: 1, cpu: 1, memory: 4 } }),
  ).places({ cpus: ["much-cpu"], memories: ["much-memory"] });
});
