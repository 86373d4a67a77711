import { expect, test } from "vitest";
import type { ObservedRoot } from "../../src/controller/observed/pools.ts";
import type { ObservedTask } from "../../src/controller/observed/task.ts";
import { poolStatus } from "../../src/controller/pool-status.ts";
import { type Plan, type Recommendation, startStatistics, statisticsOf } from "../../src/scheduling/index.ts";
import { aNode } from "../support/scheduling.ts";
import { anObserved, anObservedRoot, anObservedTask, anOpenStart, aPool, noon, running, starting } from "./builders.ts";

interface Traits {
  readonly pool?: Partial<ObservedRoot>;
  readonly tasks?: readonly ObservedTask[];
  readonly plan?: Partial<Plan>;
  readonly advice?: readonly Recommendation[] | undefined;
}

function status({ pool = {}, tasks = [], plan = {}, advice }: Traits = {}): ReturnType<typeof poolStatus> {
  const root = anObservedRoot({ nodes: [aNode("node-1", { cpu: 4 })], ...pool });
  const observed = anObserved({ pool: root, tasks });
  const all: Plan = { decisions: [], waiting: [], usage: [], ...plan };
  return poolStatus(observed, root, all, statisticsOf(startStatistics(noon), noon), advice, noon);
}

const ready = (traits: Traits): string => {
  const condition = status(traits).conditions?.find(({ type }) => type === "Ready");
  return `${condition?.status} ${condition?.reason}`;
};

test("a pool is ready while a node of it is ready and open", () => {
  const closed = [aNode("node-1", { cpu: 4 }, { ready: false }), aNode("node-2", { cpu: 4 }, { cordoned: true })];
  expect(ready({})).toBe("True Ready");
  expect(ready({ pool: { nodes: closed } })).toBe("False NoNodeReady");
  expect(ready({ pool: { nodes: [] } })).toBe("False NoNodes");
  expect(status({ pool: { nodes: closed } }).nodes).toEqual({ total: 2, ready: 0, cordoned: 1 });
});

test("a pool that is not valid, or selects nodes of an older one, needs a person", () => {
  const problem = { reason: "TaskInvalid", field: "spec.queue", message: "wrong" } as const;
  expect(ready({ pool: { problems: [problem] } })).toBe("False SpecInvalid");
  const overlaps = new Map([["old", ["a", "b", "c", "d", "e", "f", "g"]]]);
  const { conditions = [] } = status({ pool: { overlaps } });
  expect(conditions.find(({ type }) => type === "Stalled")?.message).toContain("old has a, b, c, d, e and 2 more");
});

test("amounts are written as Kubernetes writes them", () => {
  const usage = [
    { name: "cpu", capacity: 96_000, reserved: 16_000, foreign: 2500, allocated: 61_000, free: 32_500 },
    { name: "memory", capacity: 64 * 2 ** 30, reserved: 0, foreign: 0, allocated: 2 ** 30, free: 63 * 2 ** 30 },
    { name: "pods", capacity: 110, reserved: 0, foreign: 110, allocated: 0, free: 0 },
  ];
  const { resources, summary } = status({ plan: { usage } });
  expect(resources).toEqual([
    {
      name: "cpu",
      capacity: "96",
      reserved: "16",
      foreign: "2500m",
      allocated: "61",
      free: "32500m",
      utilizationPercent: 65,
    },
    {
      name: "memory",
      capacity: "64Gi",
      reserved: "0",
      foreign: "0",
      allocated: "1Gi",
      free: "63Gi",
      utilizationPercent: 2,
    },
    { name: "pods", capacity: "110", reserved: "0", foreign: "110", allocated: "0", free: "0", utilizationPercent: 0 },
  ]);
  expect(summary).toMatchObject({ cpu: "61/96", utilization: "65%", reserved: "16" });
});

test("tasks and shards are counted by what they do, ended tasks left out", () => {
  const tasks = [
    anObservedTask({ key: "lab/runs", active: [running(0), starting(1)] }),
    anObservedTask({ key: "lab/starts" }),
    anObservedTask({ key: "lab/waits" }),
    anObservedTask({ key: "lab/sleeps", stage: { kind: "Suspended", by: "spec.suspend" } }),
    anObservedTask({ key: "lab/ends", stage: { kind: "Suspended", by: "spec.suspend" }, open: [anOpenStart(0)] }),
    anObservedTask({ key: "lab/over", stage: { kind: "Finished" } }),
  ];
  const decisions = [{ kind: "start", task: "lab/starts", shard: 0, node: "node-1" }] as const;
  const found = status({ tasks, plan: { decisions } });
  expect(found.tasks).toEqual({ queued: 1, running: 3, suspended: 1 });
  expect(found.shards).toEqual({ waiting: 0, starting: 3, running: 1 });
});

test("what would help the pool is told, no more than five of it; nothing of another; and what was told stays until it is known", () => {
  const words = { reason: "why", gain: "less", cost: "nodes" };
  const mine = Array.from({ length: 6 }, () => ({ type: "AddNodes", pool: "lab", ...words }) as const);
  const theirs = { type: "RaiseLimit", pool: "students", ...words } as const;
  expect(status({ advice: [theirs, ...mine] }).recommendations).toEqual(
    Array.from({ length: 5 }, () => ({ type: "AddNodes", ...words })),
  );
  expect(status({ advice: [theirs] }).recommendations).toBeUndefined();
  const recommendations = [{ type: "AddNodes" as const, ...words }];
  const told = { ...aPool("lab"), status: { recommendations } };
  expect(status({ pool: { object: told } }).recommendations).toEqual(recommendations);
  expect(status({ pool: { object: told }, advice: [] }).recommendations).toBeUndefined();
  const [long] = status({ advice: [{ ...theirs, pool: "lab", cost: "x".repeat(2000) }] }).recommendations ?? [];
  expect(long?.cost).toHaveLength(1024);
});
