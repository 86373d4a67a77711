// The orders that look at work, requests and shares: each its rule, in a sentence.
import { describe, expect, test } from "vitest";
import { planPool } from "../../../src/scheduling/index.ts";
import { amounts, aPool, applied, expectPlan, noon, type PoolBuilder, seconds } from "../../support/scheduling.ts";
import { expectQueue } from "../../support/scheduling-order.ts";

const hours = (count: number): number => seconds(3600 * count);
const lasting = (likelyMs: number): { readonly expected: { readonly likelyMs: number } } => ({
  expected: { likelyMs },
});
const held = (cpu: number): { readonly node: string; readonly request: Readonly<Record<string, number>> } => ({
  node: "gone",
  request: amounts({ cpu, pods: 1 }),
});

describe("ShortestJob", () => {
  test("the smaller expected total work goes first: shards × their likely length", () => {
    expectQueue(
      {
        many: { shards: 10, ...lasting(3000) },
        long: { shards: 1, ...lasting(20_000) },
        short: { shards: 2, ...lasting(4000) },
      },
      { order: ["ShortestJob"] },
    ).is("short", "long", "many");
  });

  test("a task that has started keeps its turn", () => {
    expectQueue(
      { short: lasting(1), started: { shards: 99, finished: 1, ...lasting(9999) } },
      { order: ["ShortestJob"] },
    ).is("started", "short");
  });

  test("a likely length never passes the limit", () => {
    expectQueue(
      { limited: { expected: { likelyMs: 9e9, limitMs: 1000 } }, short: lasting(2000) },
      { order: ["ShortestJob"] },
    ).is("limited", "short");
  });
});

describe("ShortestRemaining", () => {
  const tasks = {
    fresh: { shards: 3, ...lasting(9000) },
    late: {
      shards: 1,
      running: [{ node: "gone", since: noon - 8000, request: amounts({ pods: 1 }) }],
      ...lasting(9000),
    },
    near: { shards: 1, ...lasting(8000) },
  };

  test("the smaller expected work of shards that have not ended goes first", () => {
    expectQueue(tasks, { order: ["ShortestRemaining"] }).is("near", "late", "fresh");
  });

  test("time alone moves nobody: what runs counts until it has ended", () => {
    const many = { shards: 1, running: [1, 2, 3].map(() => ({ node: "node-1", since: noon })), ...lasting(9000) };
    const pool = aPool()
      .ordering("ShortestRemaining")
      .withNodes(1, { cpu: 3 })
      .withTasks({ many: { cpu: 1, ...many }, one: { shards: 1, cpu: 1, ...lasting(30_000) } });
    expectPlan(pool).queues("one", "many");
    expectPlan(pool.at(noon + 8000)).queues("one", "many");
  });

  test("a retry that is due counts once", () => {
    const retry = { shards: 1, backingOff: [{ shard: 1, until: noon - 1 }], ...lasting(9000) };
    expectQueue({ fresh: { shards: 1, ...lasting(20_000) }, retry }, { order: ["ShortestRemaining"] }).is(
      "retry",
      "fresh",
    );
  });
});

describe("RoundRobin", () => {
  const pool = aPool()
    .ordering("RoundRobin")
    .withNodes(1, { cpu: 4 })
    .withTasks({ a: { shards: 9, cpu: 1 }, b: { shards: 9, cpu: 1 }, c: { shards: 9, cpu: 1 } });

  test("one shard a turn, and round again", () => {
    expectPlan(pool).starts({ a: [0, 1], b: [0], c: [0] });
  });

  test("the next plan goes on where the last one stopped, and a new task goes first", () => {
    expectPlan(
      afterItsPlan(pool)
        .withNode("node-2", { cpu: 4 })
        .withTasks({ d: { shards: 9, cpu: 1 } }),
    ).starts({ d: [0], b: [1], c: [1], a: [2] });
  });
});

describe("SmallestRequest and LargestRequest", () => {
  const tasks = { mid: { cpu: 2, memory: 1 }, big: { cpu: 1, memory: 0.1, gpu: 0 }, small: { cpu: 0.5 } };

  test("the dominant share of one shard's request decides", () => {
    expectQueue(tasks, { order: ["SmallestRequest"] }).is("small", "big", "mid");
    expectQueue(tasks, { order: ["LargestRequest"] }).is("mid", "big", "small");
  });
});

describe("EqualShare", () => {
  test("who holds least goes first, so that all grow evenly", () => {
    expectPlan(
      aPool()
        .ordering("EqualShare")
        .withNodes(1, { cpu: 8 })
        .withTasks({
          a: { shards: 9, cpu: 1 },
          b: { shards: 9, cpu: 2 },
          c: { shards: 1, cpu: 1, running: ["node-1"] },
        }),
    ).starts({ a: [0, 1, 2], b: [0], c: [0] });
  });

  test("DRF as in NSDI'11, table 1: tasks of <1 cpu, 4 GB> and <3 cpu, 1 GB> on <9, 18> get 3 and 2 shards", () => {
    const users = aPool()
      .ordering("EqualShare")
      .withNodes(1, { cpu: 9, memory: 18 })
      .withTasks({ a: { shards: 9, cpu: 1, memory: 4 }, b: { shards: 9, cpu: 3, memory: 1 } });
    const plan = expectPlan(users).starts({ a: [0, 1, 2], b: [0, 1] }).plan;
    expect(plan.decisions.map(({ task }) => task.slice(4)).join("")).toBe("ababa");
  });
});

describe("FairShare", () => {
  const two = aPool()
    .ordering("FairShare")
    .withNodes(1, { cpu: 4 })
    .withTasks({
      a1: { shards: 9, cpu: 1, namespace: "a" },
      a2: { shards: 9, cpu: 1, namespace: "a" },
      b1: { shards: 9, cpu: 1, namespace: "b" },
    });

  test("namespaces get even shares, however many tasks they have", () => {
    expectPlan(two).starts({ "a/a1": [0, 1], "b/b1": [0, 1] });
  });

  test("use is remembered: who has had the pool for an hour waits while the other catches up", () => {
    const alone = aPool()
      .ordering("FairShare")
      .withNodes(1, { cpu: 4 })
      .withTasks({ a1: { shards: 9, cpu: 1, namespace: "a" } });
    const later = afterItsPlan(alone)
      .at(noon + hours(1))
      .withNode("node-2", { cpu: 4 });
    expectPlan(later.withTasks({ b1: { shards: 9, cpu: 1, namespace: "b" } })).starts({ "b/b1": [0, 1, 2, 3] });
  });

  test("use fades by half in a day", () => {
    const memory = { turn: 0, turns: {}, used: { a: 1000, b: 600 }, holding: {}, usedAt: noon - hours(24) };
    const { memory: after } = planPool(two.withPool({ memory }).snapshot, noon);
    expect(after?.lab?.used).toEqual({ a: 500, b: 300 });
  });

  test("what is held between plans counts for exactly that time", () => {
    const memory = { turn: 0, turns: {}, used: {}, holding: { a: 0.5 }, usedAt: noon - 1000 };
    const { memory: after } = planPool(two.withPool({ memory }).snapshot, noon);
    expect(after?.lab?.used.a).toBeCloseTo(500, 1);
  });

  test("at most 256 namespaces are remembered, those with most use", () => {
    const used = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`ns-${i}`, i + 1]));
    const memory = { turn: 0, turns: {}, used, holding: {}, usedAt: noon };
    const { memory: after } = planPool(two.withPool({ memory }).snapshot, noon);
    expect(Object.keys(after?.lab?.used ?? {})).toHaveLength(256);
    expect(after?.lab?.used["ns-0"]).toBeUndefined();
  });
});

test("a pool whose orders remember nothing has no memory", () => {
  expect(
    planPool(
      aPool()
        .withNodes(1, { cpu: 1 })
        .withTasks({ a: { shards: 2, cpu: 1 } }).snapshot,
      noon,
    ).memory,
  ).toBeUndefined();
});

test("what vanished nodes hold still counts for who holds least", () => {
  expectQueue({ a: { running: [held(6)] }, b: { running: [held(3)] } }, { order: ["EqualShare"] }).is("b", "a");
});

function afterItsPlan(pool: PoolBuilder): PoolBuilder {
  return pool.continuedBy(applied(pool.snapshot, planPool(pool.snapshot, pool.now), pool.now));
}
