// What holds for every plan, over random snapshots.
import fc from "fast-check";
import { expect, test } from "vitest";
import { BusyPool } from "../../bench/busy-pool.ts";
import {
  type Backfill,
  covers,
  minus,
  type OrderName,
  type PlacementName,
  type Plan,
  planPool,
  plus,
  type Task,
} from "../../src/scheduling/index.ts";
import { inMotion, snapshots } from "../support/random-snapshots.ts";
import { applied, noon, tableOf } from "../support/scheduling.ts";

const runs = { numRuns: 1300 };
/** Where a plan made again, at the same moment or a later one, once started somebody. */
const onceFound = (
  [
    [700015, "1686"],
    [101008, "1748"],
    [102000, "1741"],
  ] as const
).map(([seed, path]) => ({ seed, path, numRuns: 1 }));

test("the same snapshot gives the same plan, whatever the order in which its objects came", () => {
  const shuffled = snapshots.chain((snapshot) =>
    fc.record({
      snapshot: fc.constant(snapshot),
      nodes: fc.shuffledSubarray([...snapshot.nodes], { minLength: snapshot.nodes.length }),
      tasks: fc.shuffledSubarray([...snapshot.tasks], { minLength: snapshot.tasks.length }),
    }),
  );
  fc.assert(
    fc.property(shuffled, ({ snapshot, nodes, tasks }) => {
      const pools = [...snapshot.pools].reverse();
      const reversed = tasks.map((each) => ({
        ...each,
        active: [...each.active].reverse(),
        backingOff: [...each.backingOff].reverse(),
        request: Object.fromEntries(Object.entries(each.request).reverse()),
      }));
      expect(planPool({ pools, nodes, tasks: reversed }, noon)).toEqual(planPool(snapshot, noon));
    }),
    runs,
  );
});

test("no start takes more of a node than it has free, or any node that may take no shard", () => {
  fc.assert(
    fc.property(snapshots, (snapshot) => {
      const { decisions } = planPool(snapshot, noon);
      const tasks = new Map(snapshot.tasks.map((each) => [each.key, each]));
      for (const { name, allocatable, foreign, ready, cordoned } of snapshot.nodes) {
        const starts = decisions.filter((each) => each.kind === "start" && each.node === name);
        if (starts.length === 0) continue;
        expect(ready && !cordoned).toBe(true);
        const held = snapshot.tasks.flatMap(({ active }) => active.filter((each) => each.node === name));
        let free = held.map(({ request }) => request).reduce(minus, minus(allocatable, foreign));
        for (const { task: key } of starts) {
          const request = tasks.get(key)?.request ?? {};
          expect(covers(free, request)).toBe(true);
          free = minus(free, request);
        }
      }
      for (const decision of decisions) {
        if (decision.kind === "start") expect(snapshot.nodes.map(({ name }) => name)).toContain(decision.node);
      }
    }),
    runs,
  );
});

test("no pool comes to use more than its limit or any ancestor's, unless it did before", () => {
  fc.assert(
    fc.property(snapshots, (snapshot) => {
      const plan = planPool(snapshot, noon);
      const after = applied(snapshot, plan, noon);
      const parents = new Map(snapshot.pools.map(({ name, parent }) => [name, parent]));
      const isIn = (pool: string | undefined, above: string): boolean =>
        pool !== undefined && (pool === above || isIn(parents.get(pool), above));
      for (const { name, limit } of snapshot.pools) {
        if (limit === undefined) continue;
        const [before, use] = [snapshot, after].map(({ tasks }) =>
          tasks
            .filter(({ pool }) => isIn(pool, name))
            .flatMap(({ active }) => active.map(({ request }) => request.cpu ?? 0)),
        );
        const sum = (amounts: readonly number[] = []): number => amounts.reduce((a, b) => a + b, 0);
        expect(sum(use), tableOf(plan)).toBeLessThanOrEqual(Math.max(sum(before), limit.cpu ?? 0));
      }
    }),
    runs,
  );
});

test("no task starts more than its parallelism leaves, and no shard that it does not have waiting", () => {
  fc.assert(
    fc.property(snapshots, (snapshot) => {
      const plan = planPool(snapshot, noon);
      for (const each of snapshot.tasks) {
        const shards = startsOf(plan, each);
        expect(new Set(shards).size).toBe(shards.length);
        if (shards.length > 0)
          expect(shards.length + each.active.length).toBeLessThanOrEqual(each.parallelism ?? Number.POSITIVE_INFINITY);
        for (const shard of shards) expect(startableShards(each)).toContain(shard);
      }
    }),
    runs,
  );
});

test("every task with shards left to start has exactly one reason, and no other task has one", () => {
  fc.assert(
    fc.property(snapshots, (snapshot) => {
      const plan = planPool(snapshot, noon);
      const isLeft = (each: Task): boolean => {
        const left = each.waiting.reduce((sum, { start, end }) => sum + end - start, 0) + each.backingOff.length;
        const isBlockedAndIdle = each.blocked !== undefined && each.active.length === 0;
        return left > startsOf(plan, each).length || isBlockedAndIdle;
      };
      const expected = snapshot.tasks.filter(isLeft).map(({ key }) => key);
      expect(plan.waiting.map(({ task: key }) => key).sort()).toEqual(expected.sort());
      expect(plan.waiting.every(({ message }) => message.length > 0 && !/undefined|NaN|Infinity/.test(message))).toBe(
        true,
      );
    }),
    runs,
  );
});

test("a plan that has been carried out leaves nothing to do", () => {
  const holds = fc.property(snapshots, (snapshot) => {
    const plan = planPool(snapshot, noon);
    const next = planPool(applied(snapshot, plan, noon), noon);
    expect(next.decisions, tableOf(plan) + tableOf(next)).toEqual([]);
  });
  for (const parameters of [...onceFound, runs]) fc.assert(holds, parameters);
});

/** Where it once left something: a start moved somebody's turn, a hold was given up late, a promise was made anew. */
const oncePassedOver: readonly (readonly [number, number, number, Backfill["policy"], OrderName, PlacementName?])[] = [
  [1743683077, 10, 2, "Easy", "FirstCome"],
  [1, 10, 3, "Conservative", "ShortestJob"],
  [7, 20, 4, "Easy", "RoundRobin"],
  [1317263423, 30, 2, "Easy", "ShortestRemaining"],
  [1914980692, 20, 2, "Conservative", "RoundRobin"],
  [601553577, 30, 2, "Easy", "RoundRobin"],
  [9931, 30, 4, "Easy", "EqualShare"],
  [730589971, 10, 4, "Easy", "SmallestRequest"],
  [1098622540, 20, 4, "Easy", "Priority"],
  [2147483617, 10, 4, "BestEffort", "Priority", "DotProduct"],
];

test("nor does one over a pool in motion, with what plans before it have promised", () => {
  fc.assert(
    fc.property(inMotion, (size) => {
      const pool = new BusyPool(size);
      for (let i = 0; i < 10; i += 1) {
        const { snapshot, now } = pool;
        const plan = planPool(snapshot, now);
        const next = planPool(applied(snapshot, plan, now), now);
        expect(next.decisions, tableOf(plan) + tableOf(next)).toEqual([]);
        pool.apply(plan);
        pool.change();
      }
    }),
    {
      numRuns: 60,
      examples: oncePassedOver.map(([seed, tasks, nodes, policy, order, placement = "BinPack"]) => [
        { seed, tasks, nodes, policy, order: [order], placement },
      ]),
    },
  );
});

test("what the usage says is what the nodes and the shards say", () => {
  const holds = fc.property(snapshots, (snapshot) => {
    const plan = planPool(snapshot, noon);
    const after = applied(snapshot, plan, noon);
    const allocated = after.tasks.flatMap(({ active }) => active.map(({ request }) => request)).reduce(plus, {});
    for (const { name, ...usage } of plan.usage) expect(usage.allocated, tableOf(plan)).toBe(allocated[name] ?? 0);
  });
  // Where a start that was taken back once kept its room.
  fc.assert(holds, { seed: -1285175382, path: "1107", numRuns: 1 });
  fc.assert(holds, runs);
});

test("nothing happens before the moment at which a plan wakes, and no moment is in the past", () => {
  const holds = fc.property(snapshots, (snapshot) => {
    const first = planPool(snapshot, noon);
    const after = applied(snapshot, first, noon);
    const { wakeAt } = planPool(after, noon);
    if (wakeAt !== undefined) expect(wakeAt).toBeGreaterThan(noon);
    for (let now = noon; now < Math.min(wakeAt ?? noon + 9, noon + 9); now += 1) {
      const next = planPool(after, now);
      expect(next.decisions, tableOf(first) + tableOf(next)).toEqual([]);
    }
  });
  for (const parameters of [...onceFound, runs]) fc.assert(holds, parameters);
});

function startsOf({ decisions }: Plan, { key }: Task): number[] {
  return decisions.filter((each) => each.kind === "start" && each.task === key).map(({ shard }) => shard);
}

function startableShards({ waiting, backingOff }: Task): number[] {
  return [
    ...waiting.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, index) => start + index)),
    ...backingOff.filter(({ until }) => until <= noon).map(({ shard }) => shard),
  ];
}
