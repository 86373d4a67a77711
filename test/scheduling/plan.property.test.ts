// What holds for every plan, over random snapshots.
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  covers,
  minus,
  orderNames,
  type Plan,
  placementNames,
  planPool,
  plus,
  type Snapshot,
  type Task,
} from "../../src/scheduling/index.ts";
import { aNode, applied, aTask, noon } from "../support/scheduling.ts";

const size = fc.record({
  cpu: fc.integer({ min: 0, max: 8 }),
  memory: fc.integer({ min: 0, max: 8 }),
  pods: fc.integer({ min: 1, max: 8 }),
});
const moment = fc.integer({ min: noon - 3, max: noon + 3 });
const nodeName = fc.constantFrom("n1", "n2", "n3", "n4");
const taint = fc.constantFrom(
  { key: "gpu", value: "yes", effect: "NoSchedule" as const },
  { key: "node.kubernetes.io/not-ready", value: "", effect: "NoExecute" as const },
);

const node = fc.record({
  name: nodeName,
  size,
  ready: fc.boolean(),
  cordoned: fc.constantFrom(false, false, true),
  zone: fc.constantFrom("a", "b"),
  taints: fc.array(taint, { maxLength: 1 }),
});

const running = fc.record({
  node: fc.constantFrom("n1", "n2", "n3", "gone"),
  state: fc.constantFrom("Starting" as const, "Running" as const, "Stopping" as const),
  deadline: moment,
  refusedSince: moment.map((time) => time - 30_000),
});

const task = fc.record({
  shards: fc.integer({ min: 0, max: 6 }),
  cpu: fc.integer({ min: 0, max: 5 }),
  memory: fc.integer({ min: 0, max: 5 }),
  priority: fc.integer({ min: -1, max: 1 }),
  created: fc.integer({ min: noon - 3, max: noon }),
  parallelism: fc.integer({ min: 0, max: 5 }),
  minParallelism: fc.constantFrom(1, 1, 2, 3),
  expected: fc.record({ likelyMs: fc.integer({ min: 1, max: 5 }), limitMs: fc.integer({ min: 1, max: 9 }) }),
  running: fc.array(running, { maxLength: 3 }),
  backingOff: fc.array(moment, { maxLength: 2 }),
  zone: fc.constantFrom(undefined, "a", "b", "c"),
  excluded: fc.array(fc.record({ node: nodeName, until: moment }), { maxLength: 1 }),
  blocked: fc.constantFrom(undefined, undefined, undefined, {
    reason: "QuotaRefused" as const,
    message: "no",
    until: noon + 1,
  }),
  stop: fc.constantFrom(undefined, undefined, undefined, "Suspended" as const),
  pool: fc.constantFrom("lab", "lab", "lab", "lab", "missing"),
});

const snapshots = fc
  .record({
    nodes: fc.uniqueArray(node, { maxLength: 4, selector: ({ name }) => name }),
    tasks: fc.array(task, { maxLength: 6 }),
    placement: fc.constantFrom(...placementNames),
    order: fc.constantFrom(...orderNames),
    policy: fc.constantFrom("None" as const, "BestEffort" as const, "Easy" as const),
    candidates: fc.constantFrom("ShortestFirst" as const, "QueueOrder" as const),
    maxWaitMs: fc.constantFrom(2, 1000),
  })
  .map(({ nodes, tasks, placement, order, policy, candidates, maxWaitMs }): Snapshot => {
    const backfill = { policy, candidates };
    return {
      pools: [{ name: "lab", uid: "lab", created: 0, order: ["Priority", order], placement, backfill, maxWaitMs }],
      nodes: nodes.map(({ name, size: room, zone, ...traits }) => aNode(name, room, { ...traits, labels: { zone } })),
      tasks: tasks.map(({ zone, stop, blocked, backingOff, excluded, ...traits }, index) =>
        aTask(`task-${index}`, {
          ...traits,
          backingOff: backingOff.map((until, i) => ({ shard: 100 + i, until })),
          excludedNodes: excluded,
          ...(zone !== undefined && { constraints: { nodeSelector: { zone } } }),
          ...(stop !== undefined && { stop }),
          ...(blocked !== undefined && { blocked }),
        }),
      ),
    };
  });

const runs = { numRuns: 1500 };

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
      const reversed = tasks.map((each) => ({
        ...each,
        active: [...each.active].reverse(),
        backingOff: [...each.backingOff].reverse(),
        request: Object.fromEntries(Object.entries(each.request).reverse()),
      }));
      expect(planPool({ ...snapshot, nodes, tasks: reversed }, noon)).toEqual(planPool(snapshot, noon));
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

test("no task starts more than its parallelism leaves, and no shard that it does not have waiting", () => {
  fc.assert(
    fc.property(snapshots, (snapshot) => {
      const plan = planPool(snapshot, noon);
      for (const each of snapshot.tasks) {
        const shards = startsOf(plan, each);
        expect(new Set(shards).size).toBe(shards.length);
        if (shards.length > 0) expect(shards.length + each.active.length).toBeLessThanOrEqual(each.parallelism ?? 0);
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
  fc.assert(
    fc.property(snapshots, (ageing) => {
      // Ageing is by the last start, so what a plan starts moves its task in the queue of the next.
      const snapshot = { ...ageing, pools: ageing.pools.map(({ maxWaitMs: _, ...pool }) => pool) };
      const plan = planPool(snapshot, noon);
      expect(planPool(applied(snapshot, plan, noon), noon).decisions).toEqual([]);
    }),
    runs,
  );
});

test("what the usage says is what the nodes and the shards say", () => {
  fc.assert(
    fc.property(snapshots, (snapshot) => {
      const plan = planPool(snapshot, noon);
      const after = applied(snapshot, plan, noon);
      const allocated = after.tasks.flatMap(({ active }) => active.map(({ request }) => request)).reduce(plus, {});
      for (const { name, ...usage } of plan.usage) expect(usage.allocated).toBe(allocated[name] ?? 0);
    }),
    runs,
  );
});

test("nothing happens before the moment at which a plan wakes, and no moment is in the past", () => {
  fc.assert(
    fc.property(snapshots, (snapshot) => {
      const first = planPool(snapshot, noon);
      const after = applied(snapshot, first, noon);
      const { wakeAt } = planPool(after, noon);
      if (wakeAt !== undefined) expect(wakeAt).toBeGreaterThan(noon);
      for (let now = noon; now < Math.min(wakeAt ?? noon + 9, noon + 9); now += 1) {
        expect(planPool(after, now).decisions).toEqual([]);
      }
    }),
    runs,
  );
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
