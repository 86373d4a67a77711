// Random snapshots for what must hold for every plan: a small tree of pools, a few nodes, tasks of every kind.
import fc from "fast-check";
import { orderNames, type Pool, placementNames, type Snapshot, type Task } from "../../src/scheduling/index.ts";
import { amounts, aNode, aTask, type Loosely, noon, seconds } from "./scheduling.ts";

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
  ready: fc.constantFrom(true, true, true, false),
  cordoned: fc.constantFrom(false, false, false, true),
  zone: fc.constantFrom("a", "b"),
  taints: fc.array(taint, { maxLength: 1 }),
});

const running = fc.record({
  node: fc.constantFrom("n1", "n2", "n3", "gone"),
  state: fc.constantFrom("Starting" as const, "Running" as const, "Running" as const, "Stopping" as const),
  since: fc.oneof(moment, fc.integer({ min: noon - seconds(200), max: noon })),
  deadline: fc.oneof(moment, fc.constant(noon + seconds(900))),
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
  zone: fc.constantFrom(undefined, undefined, "a", "b", "c"),
  excluded: fc.array(fc.record({ node: nodeName, until: moment }), { maxLength: 1 }),
  blocked: fc.constantFrom(undefined, undefined, undefined, {
    reason: "QuotaRefused" as const,
    message: "no",
    until: noon + 1,
  }),
  stop: fc.constantFrom(undefined, undefined, undefined, "Suspended" as const),
  pool: fc.constantFrom("lab", "lab", "a", "b", "a1", "missing"),
});

const cpus = (max: number): fc.Arbitrary<Loosely | undefined> =>
  fc.option(fc.record({ cpu: fc.integer({ min: 0, max }) }), { nil: undefined });

const queue = fc.record({
  placement: fc.constantFrom(...placementNames),
  order: fc.constantFrom(...orderNames),
  backfill: fc.record({
    policy: fc.constantFrom("None" as const, "BestEffort" as const, "Easy" as const, "Conservative" as const),
    candidates: fc.constantFrom("ShortestFirst" as const, "QueueOrder" as const),
  }),
  maxWaitMs: fc.constantFrom(2, 1000),
  preemption: fc.record({
    withinPool: fc.constantFrom("Never" as const, "LowerPriority" as const),
    reclaim: fc.constantFrom("Never" as const, "Always" as const),
  }),
});

const child = fc.record({
  queue,
  reservation: cpus(6),
  limit: cpus(9),
  shares: fc.constantFrom(2000, 4000, 8000),
  expandableReservation: fc.boolean(),
  created: fc.integer({ min: 1, max: 2 }),
});

type Queue = typeof queue extends fc.Arbitrary<infer T> ? T : never;
type Child = typeof child extends fc.Arbitrary<infer T> ? T : never;
type Given = typeof task extends fc.Arbitrary<infer T> ? T : never;

function poolOf(name: string, { order, ...traits }: Queue, created: number): Pool {
  return { name, uid: name, created, order: order === "Priority" ? [order] : ["Priority", order], ...traits };
}

function childOf(name: string, parent: string, { queue, reservation, limit, created, ...traits }: Child): Pool {
  return {
    ...poolOf(name, queue, created),
    parent,
    ...traits,
    ...(reservation && { reservation: amounts(reservation) }),
    ...(limit && { limit: amounts(limit) }),
  };
}

function taskOf({ zone, stop, blocked, backingOff, excluded, ...traits }: Given, index: number): Task {
  return aTask(`task-${index}`, {
    ...traits,
    backingOff: backingOff.map((until, i) => ({ shard: 100 + i, until })),
    excludedNodes: excluded,
    ...(zone !== undefined && { constraints: { nodeSelector: { zone } } }),
    ...(stop !== undefined && { stop }),
    ...(blocked !== undefined && { blocked }),
  });
}

const trees = fc
  .record({ root: queue, children: fc.record({ a: child, b: child, a1: child }) })
  .map(({ root, children: { a, b, a1 } }) => [
    poolOf("lab", root, 0),
    childOf("a", "lab", a),
    childOf("b", "lab", b),
    childOf("a1", "a", a1),
  ]);

/** Nothing but tasks that want more than there is, on nodes that are full of others. */
export const contested: fc.Arbitrary<Snapshot> = fc
  .record({
    pools: trees,
    nodes: fc.integer({ min: 1, max: 3 }),
    tasks: fc.array(
      fc.record({
        shards: fc.integer({ min: 0, max: 4 }),
        cpu: fc.integer({ min: 1, max: 4 }),
        priority: fc.integer({ min: -1, max: 1 }),
        created: fc.integer({ min: noon - 3, max: noon }),
        minParallelism: fc.constantFrom(1, 1, 1, 2, 3),
        // None that runs is late: when it ends would change with every moment.
        expected: fc.record({
          likelyMs: fc.integer({ min: seconds(121), max: seconds(300) }),
          limitMs: fc.integer({ min: seconds(200), max: seconds(400) }),
        }),
        pool: fc.constantFrom("lab", "a", "b", "a1"),
        running: fc.array(
          fc.record({
            node: fc.constantFrom("n1", "n2", "n3"),
            state: fc.constantFrom("Starting" as const, "Running" as const, "Running" as const, "Stopping" as const),
            since: fc.integer({ min: noon - seconds(120), max: noon }),
          }),
          { maxLength: 4 },
        ),
      }),
      { minLength: 2, maxLength: 6 },
    ),
  })
  .map(({ pools, nodes: count, tasks }) => {
    const nodes = ["n1", "n2", "n3"].slice(0, count).map((name) => aNode(name, { cpu: 4 }));
    const free = new Map(nodes.map(({ name }) => [name, 4]));
    const fitting = tasks.map(({ running, ...traits }, index) => {
      const placed = running.filter(({ node: name }) => {
        const left = (free.get(name) ?? 0) - traits.cpu;
        if (left >= 0) free.set(name, left);
        return left >= 0;
      });
      return aTask(`task-${index}`, { ...traits, running: placed });
    });
    return { pools, nodes, tasks: fitting };
  });

/** Anything that may be, with the children `a`, its child `a1`, and `b`. */
const mixed: fc.Arbitrary<Snapshot> = fc
  .record({
    nodes: fc.uniqueArray(node, { maxLength: 4, selector: ({ name }) => name }),
    tasks: fc.array(task, { maxLength: 7 }),
    pools: trees,
  })
  .map(({ nodes, tasks, pools }) => ({
    pools,
    nodes: nodes.map(({ name, size: room, zone, ...traits }) => aNode(name, room, { ...traits, labels: { zone } })),
    tasks: tasks.map(taskOf),
  }));

export const snapshots: fc.Arbitrary<Snapshot> = fc.oneof(mixed, contested);

/** Pools for one change after the other, so that plans find what earlier ones have left: sizes for a `BusyPool`. */
export const inMotion = fc.record({
  seed: fc.nat(),
  tasks: fc.integer({ min: 1, max: 20 }),
  nodes: fc.integer({ min: 1, max: 6 }),
  policy: fc.constantFrom("None" as const, "BestEffort" as const, "Easy" as const, "Conservative" as const),
  order: fc.constantFrom(...orderNames).map((name) => [name]),
  placement: fc.constantFrom(...placementNames),
});
