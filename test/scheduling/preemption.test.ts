// Whose shards stop so that a task which waits in front may start, and what is kept for it until they have ended.
import { describe, test } from "vitest";
import { planPool } from "../../src/scheduling/index.ts";
import {
  amounts,
  aPool,
  applied,
  expectPlan,
  noon,
  type PoolBuilder,
  type RunningShard,
  seconds,
  type TaskTraits,
} from "../support/scheduling.ts";

const lowerPriority = { withinPool: "LowerPriority", reclaim: "Never" } as const;
const always = { withinPool: "Never", reclaim: "Always" } as const;

/** A shard that has run for so long. */
function ran(node: string, forSeconds: number, cpu = 1): RunningShard {
  return { node, request: amounts({ cpu, pods: 1 }), since: noon - seconds(forSeconds) };
}

function urgent(traits: TaskTraits = {}): TaskTraits {
  return { shards: 1, cpu: 1, priority: 9, ...traits };
}

/** What the next plan sees when all that this one does has been done, and what it stops has ended or not. */
function next(pool: PoolBuilder, ended: boolean): PoolBuilder {
  const then = applied(pool.snapshot, planPool(pool.snapshot, pool.now), pool.now);
  const tasks = then.tasks.map((task) => ({
    ...task,
    active: ended ? task.active.filter(({ state }) => state !== "Stopping") : task.active,
    waiting: ended
      ? [
          ...task.waiting,
          ...task.active
            .filter(({ state }) => state === "Stopping")
            .map(({ shard }) => ({ start: shard, end: shard + 1 })),
        ]
      : task.waiting,
  }));
  return pool.continuedBy({ ...then, tasks });
}

describe("within a pool", () => {
  const full = aPool().withNodes(1, { cpu: 2 });
  const preempting = full.withPool({ preemption: lowerPriority });

  test("nothing is stopped unless the pool says so", () => {
    const tasks = { low: { running: [ran("node-1", 900, 2)] }, high: urgent() };
    expectPlan(full.withTasks(tasks)).stops({});
    expectPlan(preempting.withTasks(tasks)).stops({ "low/0": "Preempted" });
  });

  test("only a lower priority gives way", () => {
    expectPlan(preempting.withTasks({ same: { running: [ran("node-1", 900, 2)], priority: 9 }, high: urgent() }))
      .stops({})
      .waits({ high: "PoolFull" });
  });

  test("the place is kept until what was stopped has ended, and then the task starts there", () => {
    const pool = preempting.withTasks({ low: { running: [ran("node-1", 900, 2)] }, high: urgent({ cpu: 2 }) });
    expectPlan(pool)
      .stops({ "low/0": "Preempted" })
      .starts({})
      .says("high", "1 shard of it will start where shards are being stopped to make room");
    expectPlan(next(pool, false).withTasks({ other: { shards: 1, cpu: 1, priority: 9 } }))
      .stops({})
      .starts({})
      .waits({ high: "PoolFull", other: "PoolFull" });
    expectPlan(next(pool, true).withTasks({ early: { shards: 2, cpu: 1, created: 0, priority: 9 } }))
      .stops({})
      .starts({ high: [0] });
  });

  test("a higher priority takes the place that is kept, without a further stop", () => {
    const pool = preempting.withTasks({ low: { running: [ran("node-1", 900, 2)] }, high: urgent({ cpu: 2 }) });
    const highest = { highest: { shards: 1, cpu: 2, priority: 10 } };
    expectPlan(next(pool, false).withTasks(highest)).stops({}).starts({}).queues("highest", "high");
    expectPlan(next(pool, true).withTasks(highest))
      .starts({ highest: [0] })
      .stops({});
  });

  test("takes what has run least, and no more than needed", () => {
    expectPlan(
      preempting.withTasks({
        old: { running: [ran("node-1", 900)] },
        young: { running: [ran("node-1", 800)] },
        high: urgent(),
      }),
    ).stops({ "young/0": "Preempted" });
  });

  test("one large shard rather than two that have run longer together", () => {
    expectPlan(
      aPool()
        .withPool({ preemption: lowerPriority })
        .withNodes(1, { cpu: 4 })
        .withTasks({
          small: { running: [ran("node-1", 100), ran("node-1", 110)] },
          large: { running: [ran("node-1", 150, 2)] },
          high: urgent({ cpu: 2 }),
        }),
    ).stops({ "large/0": "Preempted" });
  });

  test("of equal losses those of fewer tasks", () => {
    expectPlan(
      aPool()
        .withPool({ preemption: lowerPriority })
        .withNodes(1, { cpu: 4 })
        .withTasks({
          a: { running: [ran("node-1", 100)] },
          b: { running: [ran("node-1", 100)] },
          c: { running: [ran("node-1", 100), ran("node-1", 100)] },
          high: urgent({ cpu: 2 }),
        }),
    ).stops({ "c/0": "Preempted", "c/1": "Preempted" });
  });

  test("nobody is stopped for a shard that would still not fit", () => {
    expectPlan(
      preempting.withTasks({
        low: { running: [ran("node-1", 900)] },
        same: { running: [ran("node-1", 900)], priority: 9 },
        high: urgent({ cpu: 2 }),
      }),
    ).stops({});
  });

  test("a shard younger than a minute is stopped only where nothing else suffices", () => {
    const young = { young: { running: [ran("node-1", 59)] }, high: urgent() };
    expectPlan(preempting.withTasks({ old: { running: [ran("node-1", 9000)] }, ...young })).stops({
      "old/0": "Preempted",
    });
    expectPlan(preempting.withTasks({ same: { running: [ran("node-1", 9000)], priority: 9 }, ...young })).stops({
      "young/0": "Preempted",
    });
  });

  test("a shard that its age has started stays", () => {
    expectPlan(
      preempting
        .withTasks({ aged: { running: [ran("node-1", 900, 2)] }, high: urgent() })
        .withPool({ memory: { turn: 0, turns: {}, used: {}, holding: {}, usedAt: 0, byAge: ["uid-of-lab-aged/0"] } }),
    ).stops({});
    const ageing = preempting.withPool({ maxWaitMs: seconds(60) }).withTasks({ aged: { cpu: 2, shards: 1 } });
    expectPlan(next(ageing, false).withTasks({ high: urgent() })).stops({});
  });

  test("a task keeps its minimum at least, or loses all", () => {
    const four = aPool().withPool({ preemption: lowerPriority }).withNodes(1, { cpu: 4 });
    const gang = (minParallelism: number): TaskTraits => ({
      minParallelism,
      running: [ran("node-1", 900), ran("node-1", 900), ran("node-1", 900)],
    });
    const single = { running: [ran("node-1", 1000)] };
    expectPlan(four.withTasks({ gang: gang(2), single, high: urgent() })).stops({ "gang/0": "Preempted" });
    expectPlan(four.withTasks({ gang: gang(3), single, high: urgent() })).stops({ "single/0": "Preempted" });
    expectPlan(four.withTasks({ gang: gang(3), high: urgent({ cpu: 2 }) })).stops({
      "gang/0": "Preempted",
      "gang/1": "Preempted",
      "gang/2": "Preempted",
    });
  });

  test("room is made for shards that start together, on as many nodes as they need, or for none", () => {
    const two = aPool().withPool({ preemption: lowerPriority }).withNodes(2, { cpu: 2 });
    const low = { low: { cpu: 2, running: [ran("node-1", 900, 2), ran("node-2", 900)] } };
    const gang = two.withTasks({ ...low, gang: { shards: 9, cpu: 2, minParallelism: 2, parallelism: 2, priority: 9 } });
    expectPlan(gang).stops({ "low/0": "Preempted", "low/1": "Preempted" });
    expectPlan(next(gang, true)).starts({ gang: [0, 1] });
    expectPlan(two.withTasks({ ...low, gang: { shards: 9, cpu: 2, minParallelism: 3, priority: 9 } })).stops({});
  });

  test("what stops anyhow is waited for, and nothing else is stopped", () => {
    expectPlan(
      preempting.withTasks({
        ending: { running: [{ node: "node-1", state: "Stopping", request: amounts({ cpu: 1, pods: 1 }) }] },
        low: { running: [ran("node-1", 900)] },
        high: urgent(),
      }),
    ).stops({});
  });

  test("makes room under a limit too, wherever the shard that counts against it runs", () => {
    expectPlan(
      aPool()
        .withPool({ preemption: lowerPriority })
        .withNodes(2, { cpu: 2 })
        .withChild("students", { limit: { cpu: 2 } })
        .withTasks({
          low: { pool: "students", running: [ran("node-1", 900, 2)] },
          other: { running: [ran("node-2", 900)] },
          high: urgent({ pool: "students" }),
        }),
    ).stops({ "low/0": "Preempted" });
  });

  test("a task that passes the head stops nobody", () => {
    expectPlan(
      preempting
        .withPool({ backfill: { policy: "Easy", candidates: "ShortestFirst" }, order: ["FirstCome"] })
        .withTasks({
          low: { running: [ran("node-1", 900, 2)], priority: -1 },
          head: { shards: 1, cpu: 2, priority: -1 },
          high: urgent(),
        }),
    ).stops({});
  });

  test("what was stopped waits, as preempted, and starts again when there is room", () => {
    const pool = preempting.withTasks({
      low: { cpu: 2, running: [ran("node-1", 900, 2)] },
      high: urgent({ cpu: 2 }),
    });
    const stopped = next(next(pool, true), true);
    expectPlan(stopped)
      .waits({ low: "Preempted" })
      .says("low", "shards of it gave way to a task of higher priority; each shard asks for 2 cpu; lab has 0 free");
  });
});

describe("reclaim", () => {
  /** `owner` has 3 of 4 CPUs reserved, `other` nothing. */
  const lab = aPool()
    .withNodes(2, { cpu: 2 })
    .withChild("owner", { reservation: { cpu: 3 } })
    .withChild("other", { reservation: { cpu: 1 } });
  const reclaiming = lab.withPool({ preemption: always });
  const borrowed = {
    borrower: {
      pool: "other",
      cpu: 1,
      running: [ran("node-1", 900), ran("node-1", 800), ran("node-2", 700), ran("node-2", 600)],
    },
  };

  test("takes back what is lent, the youngest first, up to the reservation and not beyond", () => {
    const want = (shards: number): TaskTraits => ({ pool: "owner", shards, cpu: 1 });
    expectPlan(lab.withTasks({ ...borrowed, a: want(1) })).stops({});
    expectPlan(reclaiming.withTasks({ ...borrowed, a: want(1) })).stops({ "borrower/3": "Reclaimed" });
    expectPlan(reclaiming.withTasks({ ...borrowed, a: want(9) })).stops({
      "borrower/1": "Reclaimed",
      "borrower/2": "Reclaimed",
      "borrower/3": "Reclaimed",
    });
  });

  test("takes nothing from a pool that is within its own reservation, however young its shards", () => {
    expectPlan(
      reclaiming.withTasks({
        own: { pool: "owner", cpu: 1, running: [ran("node-1", 1), ran("node-1", 1)] },
        parent: { cpu: 1, running: [ran("node-2", 900)] },
        other: { pool: "other", cpu: 1, running: [ran("node-2", 61)] },
        a: { pool: "owner", shards: 1, cpu: 1 },
      }),
    ).stops({ "parent/0": "Reclaimed" });
  });

  test("what a pool below has reserved is not lent, though the pool above it uses more than its own", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 6 })
        .withChild("owner", { reservation: { cpu: 2 } })
        .withChild("dept")
        .withChild("team", { parent: "dept", reservation: { cpu: 3 } })
        .withPool({ preemption: always })
        .withTasks({
          loose: { pool: "dept", cpu: 1, running: [ran("node-1", 900), ran("node-1", 901), ran("node-1", 902)] },
          firm: { pool: "team", cpu: 1, running: [ran("node-1", 70), ran("node-1", 71), ran("node-1", 72)] },
          a: { pool: "owner", shards: 2, cpu: 1 },
        }),
    ).stops({ "loose/0": "Reclaimed", "loose/1": "Reclaimed" });
  });

  test("a place kept for a task on lent capacity is its owner's, too, without a stop", () => {
    const both = lab.withPool({ preemption: lowerPriority }).withTasks({
      ...borrowed,
      high: { pool: "other", shards: 1, cpu: 1, priority: 5 },
    });
    expectPlan(both).stops({ "borrower/3": "Preempted" });
    expectPlan(next(both, true).withTasks({ a: { pool: "owner", shards: 1, cpu: 1 } })).starts({ a: [0] });
    expectPlan(next(both, true).withTasks({ a: { pool: "lab", shards: 1, cpu: 1 } })).starts({ high: [0] });
  });

  test("the one that gave back waits as preempted, and says that it was reserved", () => {
    const pool = reclaiming.withTasks({ ...borrowed, a: { pool: "owner", shards: 1, cpu: 1 } });
    expectPlan(next(next(pool, true), true))
      .waits({ borrower: "Preempted" })
      .says(
        "borrower",
        "shards of it gave way to what another pool has reserved; each shard asks for 1 cpu; lab has 0 free",
      );
  });
});

describe("lending, where nothing is stopped", () => {
  test("a reservation is reached at the ends of shards: nothing is lent any more on the nodes of its head's hold", () => {
    // The owner's shard needs a whole node; the others' would always fill half of each before it.
    const lab = aPool()
      .withPool({ backfill: { policy: "BestEffort", candidates: "QueueOrder" } })
      .withNodes(2, { cpu: 2 })
      .withChild("owner", { reservation: { cpu: 2 } })
      .withChild("other")
      .withTasks({
        running: { pool: "other", cpu: 1, running: [ran("node-1", 10), ran("node-2", 10), ran("node-2", 10)] },
        large: { pool: "owner", shards: 1, cpu: 2 },
        small: { pool: "other", shards: 9, cpu: 1 },
      });
    expectPlan(lab).starts({}).waits({ large: "PoolFull", small: "HeldForHead" });
    expectPlan(lab.withNode("node-3", { cpu: 1 })).places({ small: ["node-3"] });
  });

  test("what ends in time is lent still, and the owner's own pool does as its backfill says", () => {
    const lab = aPool()
      .withPool({ backfill: { policy: "BestEffort", candidates: "QueueOrder" } })
      .withNodes(1, { cpu: 2 })
      .withChild("owner", { reservation: { cpu: 2 } })
      .withChild("other")
      .withTasks({
        running: {
          pool: "other",
          cpu: 1,
          running: [ran("node-1", 10)],
          expected: { likelyMs: 60_000, limitMs: 60_000 },
        },
        large: { pool: "owner", shards: 1, cpu: 2 },
      });
    const lasting = (ms: number): Partial<TaskTraits> => ({ expected: { likelyMs: ms, limitMs: ms } });
    expectPlan(lab.withTasks({ short: { pool: "other", shards: 1, cpu: 1, ...lasting(50_000) } })).starts({
      short: [0],
    });
    expectPlan(lab.withTasks({ long: { pool: "other", shards: 1, cpu: 1, ...lasting(50_001) } })).starts({});
    expectPlan(lab.withTasks({ own: { pool: "owner", shards: 1, cpu: 1, ...lasting(50_001) } })).starts({ own: [0] });
  });
});
