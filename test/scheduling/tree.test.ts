// The tree: reservation, limit, shares and expandable, and what a pool may take of its siblings' unused reservations.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planPool } from "../../src/scheduling/index.ts";
import { weightedShare } from "../../src/scheduling/tree.ts";
import { amounts, aPool, applied, expectPlan, noon, type TaskTraits } from "../support/scheduling.ts";

const inPool = (pool: string, traits: TaskTraits = {}): TaskTraits => ({ pool, shards: 20, cpu: 1, ...traits });

describe("a limit", () => {
  test("is never exceeded, also while everybody else is idle", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 8 })
        .withChild("students", { limit: { cpu: 3 } })
        .withTasks({ a: inPool("students") }),
    )
      .starts({ a: [0, 1, 2] })
      .waits({ a: "LimitReached" })
      .says("a", "each shard asks for 1 cpu; students has 0 cpu left under its limit of 3");
  });

  test("counts what descendants use, and an ancestor's limit holds for all below", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 8 })
        .withChild("dept", { limit: { cpu: 4 } })
        .withChild("x", { parent: "dept" })
        .withChild("y", { parent: "dept", limit: { cpu: 1 } })
        .withTasks({ a: inPool("x"), b: inPool("y"), c: inPool("dept", { running: ["node-1"] }) }),
    ).starts({ a: [0], b: [0], c: [0] });
  });

  test("lowered below use starts nothing new and stops nothing", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 8 })
        .withChild("students", { limit: { cpu: 1 } })
        .withTasks({ a: inPool("students", { running: ["node-1", "node-1"] }) }),
    )
      .starts({})
      .stops({});
  });

  test("smaller than one shard means that it never fits", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 8 })
        .withChild("students", { limit: { cpu: 0.5 } })
        .withTasks({ a: inPool("students"), b: inPool("lab") }),
    )
      .waits({ a: "NeverFits", b: "PoolFull" })
      .says("a", "each shard asks for 1 cpu; the limit of students is 500m cpu");
  });

  test("that is reached keeps waiting only those below it", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 8 })
        .withChild("students", { limit: { cpu: 1 } })
        .withTasks({ a: inPool("students"), b: inPool("students", { cpu: 0.1 }), c: inPool("lab", { shards: 2 }) }),
    )
      .starts({ a: [0], c: [0, 1] })
      .waits({ a: "LimitReached", b: "BehindOthers" });
  });
});

describe("a reservation", () => {
  test("comes before anybody's share", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 8 })
        .withChild("owner", { reservation: { cpu: 6 }, shares: 1 })
        .withChild("other", { shares: 8000 })
        .withTasks({ a: inPool("owner"), b: inPool("other") }),
    ).starts({ a: [0, 1, 2, 3, 4, 5], b: [0, 1] });
  });

  test("that is not used is lent", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 8 })
        .withChild("owner", { reservation: { cpu: 6 } })
        .withChild("other")
        .withTasks({ a: inPool("owner", { shards: 1 }), b: inPool("other") }),
    ).starts({ a: [0], b: [0, 1, 2, 3, 4, 5, 6] });
  });

  test("is paid to older pools first, and what cannot be paid is said", () => {
    const { problems } = planPool(
      aPool()
        .withNodes(1, { cpu: 8 })
        .withChild("younger", { reservation: { cpu: 4 }, created: 2 })
        .withChild("older", { reservation: { cpu: 6 }, created: 1 }).snapshot,
      noon,
    );
    expect(problems).toEqual([
      {
        pool: "younger",
        reason: "ReservationNotCovered",
        message: "lab has too little left of cpu to pay for the reservation",
      },
    ]);
  });

  test("of a child draws on the parent's own, then on its ancestors', as far as they are expandable", () => {
    const tree = (expandableReservation: boolean): ReturnType<typeof planPool>["problems"] =>
      planPool(
        aPool()
          .withNodes(1, { cpu: 8 })
          .withChild("dept", { reservation: { cpu: 2 }, expandableReservation })
          .withChild("team", { parent: "dept", reservation: { cpu: 5 } }).snapshot,
        noon,
      ).problems;
    expect(tree(true)).toBeUndefined();
    expect(tree(false)).toEqual([
      {
        pool: "team",
        reason: "ReservationNotCovered",
        message: "dept has too little left of cpu to pay for the reservation",
      },
    ]);
  });

  test("paid by an ancestor comes before the share of anybody below that ancestor", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 8 })
        .withChild("dept")
        .withChild("team", { parent: "dept", reservation: { cpu: 6 } })
        .withChild("a-sibling")
        .withTasks({ a: inPool("team"), b: inPool("a-sibling") }),
    ).starts({ a: [0, 1, 2, 3, 4, 5, 6], b: [0] });
  });

  test("counts for what was paid of it", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 4 })
        .withChild("first", { reservation: { cpu: 3 }, created: 1 })
        .withChild("second", { reservation: { cpu: 3 }, created: 2 })
        .withTasks({ a: inPool("first"), b: inPool("second"), c: inPool("lab") }),
    ).starts({ a: [0, 1, 2], b: [0] });
  });

  test("of one resource gives no precedence in another", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 8, "nvidia.com/gpu": 2 })
        .withChild("owner", { reservation: { cpu: 8 } })
        .withChild("a-sibling")
        .withTasks({ a: inPool("owner", { gpu: 1 }), b: inPool("a-sibling", { gpu: 1 }) }),
    ).starts({ a: [0], b: [0] });
  });
});

describe("shares", () => {
  test("divide what is left between the siblings that want it", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 9 })
        .withChild("high", { shares: 8000 })
        .withChild("normal")
        .withTasks({ a: inPool("high"), b: inPool("normal") }),
    ).starts({ a: [0, 1, 2, 3, 4, 5], b: [0, 1, 2] });
  });

  test("of a parent's own tasks are those of one normal child", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 9 })
        .withChild("high", { shares: 8000 })
        .withTasks({ a: inPool("high"), b: inPool("lab") }),
    ).starts({
      a: [0, 1, 2, 3, 4, 5],
      b: [0, 1, 2],
    });
  });

  test("count only what is used above the reservation", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 8 })
        .withChild("owner", { reservation: { cpu: 4 } })
        .withChild("other")
        .withTasks({ a: inPool("owner"), b: inPool("other") }),
    ).starts({ a: [0, 1, 2, 3, 4, 5], b: [0, 1] });
  });

  test("weigh a child against its siblings only, at every level", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 8 })
        .withChild("left")
        .withChild("right")
        .withChild("right-1", { parent: "right" })
        .withChild("right-2", { parent: "right" })
        .withTasks({ a: inPool("left"), b: inPool("right-1"), c: inPool("right-2") }),
    ).starts({ a: [0, 1, 2, 3], b: [0, 1], c: [0, 1] });
  });

  test("weighted DRF with ties to the lower name: of <9 cpu, 18 GB> A with twice the shares gets 4, B 1", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 9, memory: 18 })
        .withChild("a", { shares: 8000 })
        .withChild("b")
        .withTasks({ a: inPool("a", { memory: 4 }), b: inPool("b", { cpu: 3, memory: 1 }) }),
    ).starts({ a: [0, 1, 2, 3], b: [0] });
  });

  test("are measured against what the parent may have, its limit included", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 16, memory: 16 })
        .withChild("dept", { limit: { cpu: 4 } })
        .withChild("x", { parent: "dept" })
        .withChild("y", { parent: "dept" })
        .withTasks({ a: inPool("x", { memory: 1 }), b: inPool("y", { cpu: 0.5, memory: 3 }) }),
    ).starts({ a: [0, 1], b: [0, 1, 2] });
  });

  test("Kueue's shares, as fractions: use above nominal ÷ what the cohort has, the larger resource counting", () => {
    const share = (use: readonly number[], nominal: readonly number[], all: readonly number[], weight = 1): number =>
      Math.ceil(
        1000 * weightedShare(Float64Array.from(use), Float64Array.from(nominal), Float64Array.from(all), weight),
      );
    expect(share([1, 2], [2, 5], [10, 10])).toBe(0);
    expect(share([3, 7], [2, 5], [10, 10])).toBe(200);
    expect(share([3, 3], [2, 5], [10, 10])).toBe(100);
    expect(share([5, 6], [2, 5], [10, 10])).toBe(300);
    expect(share([0, 7], [2, 5], [10, 10], 2)).toBe(100);
    expect(share([0, 7], [2, 5], [10, 10], 0.5)).toBe(400);
    expect(share([0, 7], [2, 5], [10, 10], 0)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("a broken tree", () => {
  test("a pool whose parent is missing, or leads round in a circle, is said to be so, and its tasks wait", () => {
    const pool = aPool()
      .withNodes(1, { cpu: 8 })
      .withChild("orphan", { parent: "gone" })
      .withChild("x", { parent: "y" })
      .withChild("y", { parent: "x" })
      .withTasks({ a: inPool("orphan"), b: inPool("x"), c: inPool("lab", { shards: 1 }) });
    expectPlan(pool)
      .starts({ c: [0] })
      .waits({ a: "PoolNotReady", b: "PoolNotReady" })
      .says("a", "orphan: there is no pool gone");
    expect(
      planPool(pool.snapshot, noon)
        .problems?.map(({ pool: name, reason }) => `${name} ${reason}`)
        .sort(),
    ).toEqual(["orphan ParentNotFound", "x ParentCycle", "y ParentCycle"]);
  });
});

test("without backfill a task that waits for a node keeps the whole tree waiting, whoever's turn it would be", () => {
  expectPlan(
    aPool()
      .withNodes(2, { cpu: 8 })
      .withChild("a")
      .withChild("b")
      .withTasks({
        busy: inPool("a", { shards: 0, running: ["node-1", "node-2"] }),
        large: inPool("b", { cpu: 8 }),
        small: inPool("a"),
      }),
  ).waits({ large: "NoNodeFits", small: "BehindOthers" });
});

test("no pool ever uses more than its limit or any ancestor's, and a plan applied leaves nothing to do", () => {
  const pools = ["lab", "a", "b", "a1", "a2"];
  const limit = fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined });
  const limits = fc.record({ a: limit, b: limit, a1: limit, a2: limit });
  const tasks = fc.array(
    fc.record({
      pool: fc.constantFrom(...pools),
      shards: fc.integer({ min: 0, max: 4 }),
      cpu: fc.integer({ min: 1, max: 3 }),
      running: fc.array(fc.constantFrom("node-1", "gone"), { maxLength: 1 }),
    }),
    { maxLength: 7 },
  );
  fc.assert(
    fc.property(limits, tasks, fc.integer({ min: 0, max: 9 }), (limitOf, given, reserved) => {
      const withLimit = (name: keyof typeof limitOf): { limit?: { cpu: number } } => {
        const cpu = limitOf[name];
        return cpu === undefined ? {} : { limit: { cpu } };
      };
      const { snapshot } = aPool()
        .withNodes(2, { cpu: 6 })
        .withChild("a", withLimit("a"))
        .withChild("b", { reservation: { cpu: reserved }, ...withLimit("b") })
        .withChild("a1", { parent: "a", ...withLimit("a1") })
        .withChild("a2", { parent: "a", shares: 2000, ...withLimit("a2") })
        .withTasks(Object.fromEntries(given.map((task, index) => [`t${index}`, task])));
      const plan = planPool(snapshot, noon);
      const after = applied(snapshot, plan, noon);
      const use = (state: typeof snapshot, below: readonly string[]): number =>
        state.tasks
          .filter(({ pool }) => below.includes(pool))
          .flatMap(({ active }) => active.map(({ request }) => request.cpu ?? 0))
          .reduce((a, b) => a + b, 0);
      for (const [name, below] of Object.entries({ a: ["a", "a1", "a2"], b: ["b"], a1: ["a1"], a2: ["a2"] })) {
        const most = amounts({ cpu: limitOf[name as keyof typeof limitOf] ?? 1e6 }).cpu ?? 0;
        expect(use(after, below)).toBeLessThanOrEqual(Math.max(most, use(snapshot, below)));
      }
      expect(planPool(after, noon).decisions).toEqual([]);
      const shuffled = { ...snapshot, pools: [...snapshot.pools].reverse(), tasks: [...snapshot.tasks].reverse() };
      expect(planPool(shuffled, noon)).toEqual(plan);
    }),
    { numRuns: 500 },
  );
});
