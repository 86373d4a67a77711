// The placement Packability.
import { expect, test } from "vitest";
import { planPool } from "../../../src/scheduling/index.ts";
import { copiesIn } from "../../../src/scheduling/ledger.ts";
import { Outlook } from "../../../src/scheduling/placement/outlook.ts";
import { copyWeight } from "../../../src/scheduling/placement/packability.ts";
import { aPool, applied, expectPlan, noon } from "../../support/scheduling.ts";
import { placementContract } from "../../support/scheduling-placement.ts";

placementContract("Packability");

test("a shard without devices keeps away from the CPUs that shards with devices will need", () => {
  const pool = aPool()
    .withNode("devices", { cpu: 8, "nvidia.com/gpu": 4 })
    .withNode("plain", { cpu: 32 })
    .withTasks({ small: { shards: 1, cpu: 2, priority: 1 }, training: { shards: 4, cpu: 2, gpu: 1, priority: -1 } });
  // BinPack fills the smaller node, and the last of the shards that need it has no CPU left.
  expectPlan(pool.placing("Packability")).places({
    small: ["plain"],
    training: ["devices", "devices", "devices", "devices"],
  });
  expectPlan(pool.placing("BinPack")).waits({ training: "NoNodeFits" });
});

test("what has come before counts when only the small ones wait", () => {
  const pool = aPool()
    .placing("Packability")
    .withNode("large", { cpu: 8 })
    .withNode("medium", { cpu: 7 })
    .withTasks({ small: { shards: 2, cpu: 3 } });
  const past = { turn: 0, turns: {}, used: {}, holding: {}, usedAt: noon };
  const where = '{"nodeSelector":{},"tolerations":[]}';
  const kinds = { [`[{"cpu":8000,"pods":1},${where}]`]: 20 };
  expectPlan(pool.withPool({ memory: { ...past, kinds } })).places({ small: ["medium", "medium"] });
});

test("a queue remembers what has started, once", () => {
  const pool = aPool()
    .placing("Packability")
    .withNodes(1, { cpu: 8 })
    .withTasks({ a: { shards: 3, cpu: 1 }, b: { shards: 9, cpu: 4 } });
  const plan = planPool(pool.snapshot, noon);
  const { kinds = {} } = plan.memory?.lab ?? {};
  const counts = Object.entries(kinds).map(([kind, count]) => [JSON.parse(kind)[0].cpu, count]);
  expect(Object.fromEntries(counts)).toEqual({ 1000: 3, 4000: 1 });
  expect(planPool(applied(pool.snapshot, plan, noon), noon).memory?.lab?.kinds).toEqual(kinds);
});

test("memory that nobody can read is forgotten", () => {
  const pool = aPool()
    .placing("Packability")
    .withNodes(1, { cpu: 8 })
    .withTasks({ a: { shards: 1, cpu: 1 } });
  const kinds = { "[{": 3, '[{"cpu":0.5},{"tolerations":[]}]': 3, "[{},null]": 3 };
  const memory = { turn: 0, turns: {}, used: {}, holding: {}, usedAt: noon, kinds };
  expectPlan(pool.withPool({ memory })).places({ a: ["node-1"] });
});

test("the rule by hand: a kind that comes often and fits seldom weighs most", () => {
  // Of 10 arrivals 8 are of kind 0, of which 3 copies fit in all; 2 of kind 1, of which 7 fit.
  const states = { a: [1, 4], b: [2, 3], after: [0, 3] } as const;
  const measure = (state: keyof typeof states): Float64Array => Float64Array.from(states[state]);
  const outlook = new Outlook<keyof typeof states>([0.8, 0.2], copyWeight, measure, ["a", "b"]);
  expect(outlook.gain("a", "after")).toBe(Math.round(1e9 * (-0.8 / 3 - 0.2 / 7)));
  // From then on there are 2 and 6 copies, and scores given before do not compare with new ones.
  const { epoch } = outlook;
  outlook.change("a", "after");
  expect(outlook.epoch).toBeGreaterThan(epoch);
  expect(outlook.gain("b", "a")).toBe(Math.round(1e9 * (-0.8 / 2 + 0.2 / 6)));
});

test("where one copy fits, parts of a further one count, of devices too; where none does, nothing", () => {
  const twoDevices = { indexes: [0, 1], amounts: Float64Array.of(4000, 2) };
  const copies = [2, 3, 5].map((devices) => copiesIn(twoDevices, Float64Array.of(9000, devices)));
  expect(copies).toEqual([1, 1.5, 2.25]);
  expect(copiesIn(twoDevices, Float64Array.of(9000, 1))).toBe(0);
  expect(copiesIn(twoDevices, Float64Array.of(3999, 8))).toBe(0);
});
