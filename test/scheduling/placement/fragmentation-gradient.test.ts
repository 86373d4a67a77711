// The placement FragmentationGradient.
import { test } from "vitest";
import { aPool, expectPlan } from "../../support/scheduling.ts";
import { placementContract } from "../../support/scheduling-placement.ts";

placementContract("FragmentationGradient");

test("a shard goes where what is left is still of use to the usual shards", () => {
  // On the medium node the usual shard of 6 CPUs would not fit any more; on the broken one it does not fit anyway.
  expectPlan(
    aPool()
      .placing("FragmentationGradient")
      .withNode("broken", { cpu: 8 }, { foreign: { cpu: 3 } })
      .withNode("medium", { cpu: 7 })
      .withTasks({ small: { shards: 1, cpu: 2, priority: 1 }, usual: { shards: 1, cpu: 6 } }),
  ).places({ small: ["broken"], usual: ["medium"] });
});
