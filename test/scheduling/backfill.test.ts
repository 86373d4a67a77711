// Who may overtake: nobody, anybody who fits, or (EASY) whoever does not delay the task in front.
import { describe, expect, test } from "vitest";
import { planPool } from "../../src/scheduling/index.ts";
import {
  amounts,
  aPool,
  applied,
  expectPlan,
  noon,
  type RunningShard,
  seconds,
  type TaskTraits,
  tableOf,
} from "../support/scheduling.ts";

const best = { policy: "BestEffort", candidates: "QueueOrder" } as const;
const easy = { policy: "Easy", candidates: "ShortestFirst" } as const;

/** Lasts exactly so long, as everybody knows. */
function lasting(count: number): Partial<TaskTraits> {
  return { expected: { likelyMs: seconds(count), limitMs: seconds(count) } };
}

function runningOn(node: string, cpu: number): RunningShard {
  return { node, request: amounts({ cpu, pods: 1 }), since: noon };
}

describe("None", () => {
  test("nobody passes a task that waits", () => {
    expectPlan(
      aPool()
        .withPool({ backfill: { policy: "None", candidates: "ShortestFirst" } })
        .withNodes(1, { cpu: 4 })
        .withTasks({
          busy: { running: [runningOn("node-1", 2)] },
          head: { shards: 1, cpu: 4 },
          small: { shards: 1, cpu: 1 },
        }),
    ).starts({});
  });
});

describe("BestEffort", () => {
  test("whoever fits passes, however long it keeps the head waiting", () => {
    expectPlan(
      aPool()
        .withPool({ backfill: best })
        .withNodes(1, { cpu: 4 })
        .withTasks({
          busy: { running: [runningOn("node-1", 2)] },
          head: { shards: 1, cpu: 4 },
          long: { shards: 9, cpu: 1, ...lasting(9e6) },
        }),
    )
      .starts({ long: [0, 1] })
      .waits({ head: "PoolFull", long: "PoolFull" })
      .queues("head", "long");
  });
});

describe("Easy", () => {
  const pool = aPool()
    .withPool({ backfill: easy })
    .withNodes(1, { cpu: 4 })
    .withTasks({
      busy: { running: [runningOn("node-1", 2)], ...lasting(60) },
      head: { shards: 1, cpu: 3, ...lasting(60) },
    });

  test("a shard that ends before the head's time passes, one that ends later does not", () => {
    expectPlan(pool.withTasks({ short: { shards: 1, cpu: 2, ...lasting(60) } })).starts({ short: [0] });
    expectPlan(pool.withTasks({ long: { shards: 1, cpu: 2, ...lasting(61) } }))
      .starts({})
      .waits({ head: "PoolFull", long: "HeldForHead" })
      .says("long", "a start now would delay head, which goes first");
  });

  test("a long shard passes where it leaves the head's demand free, and only as many as do so together", () => {
    expectPlan(pool.withTasks({ long: { shards: 5, cpu: 1, ...lasting(900) } })).starts({ long: [0] });
  });

  test("what ends in time takes nothing of what the head leaves to others", () => {
    expectPlan(
      pool.withTasks({ short: { shards: 1, cpu: 1, ...lasting(9) }, long: { shards: 1, cpu: 1, ...lasting(900) } }),
    ).starts({
      short: [0],
      long: [0],
    });
  });

  test("a shard that is being stopped is about to make room, so nobody passes by its former end", () => {
    expectPlan(
      aPool()
        .withPool({ backfill: easy })
        .withNodes(1, { cpu: 4 })
        .withTasks({
          busy: { running: [{ node: "node-1", state: "Stopping", request: amounts({ cpu: 2 }) }], ...lasting(60) },
          head: { shards: 1, cpu: 3, ...lasting(60) },
          short: { shards: 1, cpu: 2, ...lasting(30) },
        }),
    ).starts({});
  });

  test("candidates go by their likely length, or as they stand in the queue", () => {
    const candidates = { long: { shards: 1, cpu: 2, ...lasting(50) }, short: { shards: 1, cpu: 2, ...lasting(10) } };
    expectPlan(pool.withTasks(candidates)).starts({ short: [0] });
    expectPlan(pool.withPool({ backfill: { ...easy, candidates: "QueueOrder" } }).withTasks(candidates)).starts({
      long: [0],
    });
  });

  test("other nodes are free to all", () => {
    expectPlan(pool.withNode("node-2", { cpu: 2 }).withTasks({ long: { shards: 9, cpu: 2, ...lasting(9e6) } })).places({
      long: ["node-2"],
    });
  });

  test("the head's node is the one that is free first, in every resource that it asks for", () => {
    expectPlan(
      aPool()
        .withPool({ backfill: easy })
        .withNodes(2, { cpu: 4, memory: 4 })
        .withTasks({
          first: { running: [{ node: "node-1", request: amounts({ cpu: 4, memory: 1 }) }], ...lasting(10) },
          second: { running: [{ node: "node-1", request: amounts({ memory: 3 }) }], ...lasting(90) },
          third: { running: [runningOn("node-2", 3)], ...lasting(60) },
          head: { shards: 1, cpu: 4, memory: 4, ...lasting(60) },
          long: { shards: 1, cpu: 1, ...lasting(70) },
          short: { shards: 1, cpu: 1, ...lasting(60) },
        }),
    ).places({ short: ["node-2"] });
  });

  test("a place that a task in front fills again does not free for the head", () => {
    expectPlan(
      aPool()
        .withPool({ backfill: easy })
        .withNodes(1, { cpu: 4 })
        .withTasks({
          front: { shards: 2, cpu: 2, parallelism: 1, running: [runningOn("node-1", 2)], ...lasting(60) },
          head: { shards: 1, cpu: 3, ...lasting(60) },
          passing: { shards: 1, cpu: 2, ...lasting(180) },
        }),
    ).starts({ passing: [0] });
  });

  test("without anything known, a shard is taken to last a minute, and one that has lasted longer twice as long", () => {
    const unknown = (since: number): Parameters<typeof expectPlan>[0] =>
      aPool()
        .withPool({ backfill: easy })
        .withNodes(1, { cpu: 4 })
        .withTasks({
          busy: { running: [{ node: "node-1", request: amounts({ cpu: 2 }), since }] },
          head: { shards: 1, cpu: 3 },
          passing: { shards: 1, cpu: 2, ...lasting(100) },
        });
    expectPlan(unknown(noon)).starts({});
    expectPlan(unknown(noon - seconds(100))).starts({ passing: [0] });
  });

  test("the head that has the hold keeps it, whatever its order says later, until one of higher priority comes", () => {
    const moving = aPool()
      .withPool({ backfill: easy, order: ["Priority", "ShortestRemaining"] })
      .withNodes(1, { cpu: 4 })
      .withTasks({
        busy: { running: [runningOn("node-1", 2)], ...lasting(60) },
        head: { shards: 1, cpu: 3, ...lasting(60) },
      });
    const held = moving.continuedBy(applied(moving.snapshot, planPool(moving.snapshot, noon), noon));
    expectPlan(moving.withTasks({ shorter: { shards: 1, cpu: 4, ...lasting(10) } })).queues("shorter", "head");
    expectPlan(held.withTasks({ shorter: { shards: 1, cpu: 4, ...lasting(10) } })).queues("head", "shorter");
    expectPlan(held.withTasks({ urgent: { shards: 1, cpu: 4, priority: 1 } })).queues("urgent", "head");
  });

  test("a head that no end of our shards would help holds nothing, and the next one is the head", () => {
    expectPlan(
      aPool()
        .withPool({ backfill: easy })
        .withNodes(1, { cpu: 4 }, { foreign: { cpu: 1 } })
        .withTasks({ never: { shards: 1, cpu: 4 }, next: { shards: 1, cpu: 3 } }),
    ).starts({ next: [0] });
  });

  test("a limit that is reached makes a head too, against that limit's own releases", () => {
    const limited = aPool()
      .withPool({ backfill: easy })
      .withNodes(1, { cpu: 8 })
      .withChild("students", { limit: { cpu: 3 } })
      .withTasks({
        busy: { pool: "students", running: [runningOn("node-1", 2)], ...lasting(60) },
        head: { pool: "students", shards: 1, cpu: 2, ...lasting(60) },
      });
    expectPlan(limited.withTasks({ long: { pool: "students", shards: 2, cpu: 1, ...lasting(61) } })).starts({
      long: [0],
    });
    expectPlan(limited.withTasks({ wide: { shards: 9, cpu: 1, ...lasting(9e6) } })).starts({
      wide: [0, 1, 2, 3, 4, 5],
    });
  });

  test("under a limit too, nobody passes who would still hold what the head needs", () => {
    const limited = aPool()
      .withPool({ backfill: easy })
      .withNodes(1, { cpu: 8 })
      .withChild("students", { limit: { cpu: 3 } })
      .withTasks({
        busy: { pool: "students", running: [runningOn("node-1", 2)], ...lasting(60) },
        head: { pool: "students", shards: 1, cpu: 3, ...lasting(60) },
      });
    expectPlan(limited.withTasks({ long: { pool: "students", shards: 1, cpu: 1, ...lasting(61) } })).starts({});
    expectPlan(limited.withTasks({ short: { pool: "students", shards: 1, cpu: 1, ...lasting(60) } })).starts({
      short: [0],
    });
  });

  test("each pool's head has its hold, and a later pool's start must leave the earlier ones", () => {
    expectPlan(
      aPool()
        .withPool({ backfill: easy })
        .withNodes(2, { cpu: 4 })
        .withChild("a")
        .withChild("b")
        .withTasks({
          busy: { running: [runningOn("node-1", 1), runningOn("node-2", 1)], ...lasting(60) },
          first: { pool: "a", shards: 1, cpu: 4, ...lasting(60) },
          second: { pool: "b", shards: 1, cpu: 4, ...lasting(60) },
          long: { pool: "b", shards: 9, cpu: 1, ...lasting(61) },
        }),
    )
      .starts({})
      .waits({ first: "NoNodeFits", second: "NoNodeFits", long: "HeldForHead" });
  });
});

describe("Conservative", () => {
  const conservative = { policy: "Conservative", candidates: "QueueOrder" } as const;
  const pool = aPool()
    .withPool({ backfill: conservative })
    .withNodes(1, { cpu: 4 })
    .withTasks({
      busy: { running: [runningOn("node-1", 2)], ...lasting(60) },
      first: { shards: 1, cpu: 3, ...lasting(60) },
      second: { shards: 1, cpu: 4, ...lasting(60) },
    });
  const next = (builder: typeof pool, now: number): typeof pool =>
    builder.continuedBy(applied(builder.snapshot, planPool(builder.snapshot, builder.now), builder.now)).at(now);
  const heldBy = ({ snapshot, now }: typeof pool): Readonly<Record<string, number>> => {
    const holds = planPool(snapshot, now).memory?.lab?.holds ?? [];
    return Object.fromEntries(holds.map(({ task, at }) => [task.replace("uid-of-lab-", ""), (at - noon) / 1000]));
  };

  test("each task that waits has its slot, one after the other", () => {
    expect(heldBy(pool)).toEqual({ first: 60, second: 120 });
  });

  // With the numbers of docs/scheduling.md.
  test("a shard passes only where it delays none of them, not the first alone", () => {
    const filler = (seconds: number): Parameters<typeof pool.withTasks>[0] => ({
      filler: { shards: 1, cpu: 1, ...lasting(seconds) },
    });
    expectPlan(pool.withTasks(filler(120))).starts({ filler: [0] });
    expectPlan(pool.withTasks(filler(121)))
      .starts({})
      .says("filler", "a start now would delay second, which goes first");
    expectPlan(pool.withPool({ backfill: easy }).withTasks(filler(121))).starts({ filler: [0] });
  });

  test("who comes later takes the gaps, and has a slot that leaves those of the others", () => {
    expect(heldBy(pool.withTasks({ gap: { shards: 1, cpu: 1, ...lasting(60) } }))).toEqual({ first: 60, second: 120 });
    expect(heldBy(pool.withTasks({ wide: { shards: 1, cpu: 3, ...lasting(30) } }))).toEqual({
      first: 60,
      second: 120,
      wide: 180,
    });
  });

  test("a promise is kept when somebody comes whom the order puts in front", () => {
    const moving = pool.withPool({ order: ["ShortestJob"] });
    const later = next(moving, noon + seconds(1)).withTasks({ short: { shards: 1, cpu: 4, ...lasting(10) } });
    expect(heldBy(later)).toEqual({ first: 60, second: 120, short: 180 });
  });

  test("priority goes before promises, and those behind are promised anew", () => {
    const later = next(pool, noon + seconds(1)).withTasks({
      urgent: { shards: 1, cpu: 4, priority: 1, ...lasting(10) },
    });
    expect(heldBy(later)).toEqual({ urgent: 60, first: 70, second: 130 });
  });

  test("once something ends early every slot moves forward, in order", () => {
    const after = next(pool, noon + seconds(20));
    const early = after.continuedBy({
      ...after.snapshot,
      tasks: after.snapshot.tasks.map((task) => ({ ...task, active: [] })),
    });
    expectPlan(early).starts({ first: [0] });
    expect(heldBy(early)).toEqual({ second: 80 });
  });

  test("a promise that the room does not keep is made anew, and with it those behind", () => {
    const overdue = next(pool, noon + seconds(70));
    const longer = overdue.continuedBy({
      ...overdue.snapshot,
      tasks: overdue.snapshot.tasks.map((task) =>
        task.name === "busy" ? { ...task, expected: { likelyMs: seconds(100), limitMs: seconds(100) } } : task,
      ),
    });
    expect(heldBy(longer)).toEqual({ first: 100, second: 160 });
  });

  test("no more tasks have a slot than the pool says; whoever comes behind passes by what they leave", () => {
    const one = pool.withPool({ backfill: { ...conservative, holdsMax: 1 } });
    expect(heldBy(one)).toEqual({ first: 60 });
    expectPlan(one.withTasks({ filler: { shards: 1, cpu: 1, ...lasting(121) } })).starts({ filler: [0] });
  });

  test("a gang has all the nodes of its slot at one time, for as long as it lasts", () => {
    const gang = aPool()
      .withPool({ backfill: conservative })
      .withNodes(2, { cpu: 4 })
      .withTasks({
        early: { running: [runningOn("node-1", 4)], ...lasting(30) },
        late: { running: [runningOn("node-2", 4)], ...lasting(90) },
        single: { shards: 1, cpu: 4, ...lasting(80) },
        both: { shards: 2, cpu: 3, minParallelism: 2, ...lasting(10) },
      });
    expect(heldBy(gang)).toEqual({ single: 30, both: 110 });
  });

  test("a slot under a limit waits for that limit's own releases, too", () => {
    const limited = aPool()
      .withPool({ backfill: conservative })
      .withNodes(1, { cpu: 8 })
      .withChild("students", { limit: { cpu: 3 } })
      .withTasks({
        busy: { pool: "students", running: [runningOn("node-1", 2)], ...lasting(60) },
        first: { pool: "students", shards: 1, cpu: 3, ...lasting(60) },
        second: { pool: "students", shards: 1, cpu: 2, ...lasting(60) },
      });
    const { memory } = planPool(limited.snapshot, noon);
    expect(memory?.students?.holds?.map(({ at }) => (at - noon) / 1000)).toEqual([60, 120]);
  });
});

test.each(["Easy", "Conservative"] as const)(
  "%s keeps the nodes of a promise as long as they are as good as others",
  (policy) => {
    const leaving = (node: string, cpu: number): RunningShard => ({
      node,
      request: amounts({ cpu, pods: 1 }),
      state: "Stopping",
    });
    const pool = aPool()
      .withPool({ backfill: { policy, candidates: "QueueOrder" } })
      .withNodes(2, { cpu: 4 })
      .withTasks({
        busy: { running: [runningOn("node-1", 1), runningOn("node-2", 2)], ...lasting(900) },
        going: { running: [leaving("node-1", 2), leaving("node-2", 1)] },
        head: { shards: 1, cpu: 2, ...lasting(60) },
        small: { shards: 2, cpu: 1, ...lasting(60) },
      });
    expectPlan(pool)
      .places({ small: ["node-1"] })
      .waits({ head: "PoolFull", small: "HeldForHead" });
    // By now the other node has no more left than this one; were it kept instead, another shard would start here.
    const after = applied(pool.snapshot, planPool(pool.snapshot, noon), noon);
    expectPlan(pool.continuedBy(after)).places({});
    expectPlan(pool.continuedBy(after).at(noon + 1)).places({});
  },
);

test("a promise whose place is about to be free stands, whatever has been promised to other pools since", () => {
  const long = lasting(200);
  const pool = aPool()
    .withPool({ backfill: { policy: "Conservative", candidates: "QueueOrder" } })
    .withNodes(1, { cpu: 4 })
    .withChild("students", { backfill: { policy: "Easy", candidates: "QueueOrder" } })
    .withTasks({
      going: { running: [{ node: "node-1", request: amounts({ cpu: 2, pods: 1 }), state: "Stopping" }] },
      head: { pool: "students", shards: 1, cpu: 3, ...long },
      other: { shards: 1, cpu: 3, priority: -1, ...long },
      small: { pool: "students", shards: 1, cpu: 2, ...long },
    });
  let { snapshot } = pool;
  for (const now of [noon, noon, noon + 1]) {
    const { plan } = expectPlan(pool.continuedBy(snapshot).at(now)).starts({});
    expect(plan.memory?.students?.head, tableOf(plan)).toEqual({ task: "uid-of-lab-head", at: now });
    snapshot = applied(snapshot, plan, now);
  }
});

test("a pool without backfill keeps no holds", () => {
  const strict = aPool()
    .withNodes(1, { cpu: 1 })
    .withTasks({ a: { shards: 2, cpu: 1 } });
  expect(planPool(strict.snapshot, noon).memory).toBeUndefined();
});

describe("ageing, with backfill", () => {
  test("a task past the pool's patience becomes the head, and who waits in front of it must not delay it", () => {
    expectPlan(
      aPool()
        .withPool({ backfill: easy, maxWaitMs: seconds(60) })
        .withNodes(1, { cpu: 4 })
        .withTasks({
          busy: { running: [runningOn("node-1", 2)], ...lasting(60) },
          urgent: { shards: 1, cpu: 2, priority: 9, created: noon, ...lasting(61) },
          aged: { shards: 1, cpu: 4, ...lasting(60) },
        }),
    )
      .starts({})
      .queues("aged", "urgent");
  });

  test("what age gives is one start: then the task has its place in the chain again", () => {
    expectPlan(
      aPool()
        .withPool({ maxWaitMs: seconds(60) })
        .withNodes(1, { cpu: 3 })
        .withTasks({ urgent: { shards: 9, cpu: 1, priority: 9, created: noon }, aged: { shards: 9, cpu: 1 } }),
    ).starts({ aged: [0], urgent: [0, 1] });
  });

  test("a plan wakes when the next task begins to be aged", () => {
    expectPlan(
      aPool()
        .withPool({ maxWaitMs: seconds(60) })
        .withNodes(1, { cpu: 1 })
        .withTasks({
          a: { shards: 2, cpu: 1, created: noon - seconds(20) },
          b: { shards: 1, cpu: 1, created: noon - seconds(10) },
        }),
    ).wakesAt(noon + seconds(40));
  });
});

describe("minParallelism", () => {
  test("a first start is of so many together or of none", () => {
    const gang = (minParallelism: number): Parameters<typeof expectPlan>[0] =>
      aPool()
        .withNodes(2, { cpu: 3 })
        .withTasks({ a: { shards: 9, cpu: 2, minParallelism } });
    expectPlan(gang(2)).starts({ a: [0, 1] });
    expectPlan(gang(3))
      .starts({})
      .waits({ a: "NoNodeFits" })
      .says(
        "a",
        "each shard asks for 2 cpu, and 3 must start together; lab has room for 2, even once all shards of the pool have ended",
      );
  });

  test("is at most what is left, and no condition once something has started", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 2 })
        .withTasks({ a: { shards: 2, cpu: 1, minParallelism: 5 } }),
    ).starts({ a: [0, 1] });
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 2 })
        .withTasks({ a: { shards: 9, cpu: 1, minParallelism: 5, running: ["node-1"] } }),
    ).starts({ a: [0] });
  });

  test("what a gang tried and gave back is there for the next, who may pass it", () => {
    expectPlan(
      aPool()
        .withPool({ backfill: best })
        .withNodes(2, { cpu: 4 })
        .withTasks({
          busy: { running: [runningOn("node-1", 3)] },
          gang: { shards: 2, cpu: 3, minParallelism: 2 },
          b: { shards: 2, cpu: 2 },
        }),
    )
      .places({ b: ["node-2", "node-2"] })
      .waits({ gang: "PoolFull" })
      .says("gang", "each shard asks for 3 cpu, and 2 must start together; lab has room for 0");
  });

  test("a waiting gang holds all the nodes that it needs", () => {
    expectPlan(
      aPool()
        .withPool({ backfill: easy })
        .withNodes(3, { cpu: 4 })
        .withTasks({
          busy: { running: [runningOn("node-1", 3)], ...lasting(60) },
          late: { running: [runningOn("node-2", 3)], ...lasting(900) },
          gang: { shards: 2, cpu: 3, minParallelism: 2, ...lasting(60) },
          long: { shards: 9, cpu: 2, ...lasting(61) },
        }),
    ).places({});
  });

  test("the message counts the room that there is", () => {
    const plan = planPool(
      aPool()
        .withNodes(2, { cpu: 4 })
        .withTasks({
          busy: { running: [runningOn("node-1", 4)] },
          gang: { shards: 4, cpu: 1, minParallelism: 8, parallelism: 8 },
          more: { shards: 4, cpu: 2, minParallelism: 4 },
        }).snapshot,
      noon,
    );
    expect(plan.waiting.map(({ message }) => message)).toContain(
      "each shard asks for 2 cpu, and 4 must start together; lab has room for 0",
    );
  });
});

test("who had the hold has its turn, and stands behind like others once something of it has started", () => {
  // One place; both tasks have shards left. `first` was promised the next place, and gets it; the one after is not its.
  const lab = aPool()
    .withNodes(1, { cpu: 1 })
    .ordering("RoundRobin")
    .withPool({ backfill: easy })
    .withTasks({ first: { shards: 3, cpu: 1 }, second: { shards: 3, cpu: 1 } });
  const headIs = (uid: string): { readonly task: string; readonly at: number } => ({ task: uid, at: noon });
  const memory = { turn: 0, turns: {}, used: {}, holding: {}, usedAt: noon - 1, head: headIs("uid-of-lab-first") };
  const plan = planPool(lab.withPool({ memory }).snapshot, noon);
  expectPlan(lab.withPool({ memory })).starts({ first: [0] });
  expect(plan.memory?.lab?.head?.task).toBe("uid-of-lab-second");
});

test("a head whose place another pool's head has taken is promised it for when that one has ended", () => {
  const { snapshot, now } = aPool()
    .withPool({ backfill: easy, order: ["FirstCome"] })
    .withChild("a", { backfill: easy, order: ["FirstCome"] })
    .withNodes(1, { cpu: 4 })
    .withTasks({
      busy: { cpu: 1, running: ["node-1"], ...lasting(100) },
      more: { pool: "a", cpu: 2, running: ["node-1"], ...lasting(60) },
      whole: { shards: 1, cpu: 4, ...lasting(30) },
      old: { pool: "a", shards: 1, cpu: 2, created: noon - 2, ...lasting(60) },
      young: { pool: "a", shards: 1, cpu: 1, created: noon - 1, ...lasting(100) },
    });
  const { memory, decisions } = planPool(snapshot, now);
  expect(memory?.lab?.head).toEqual({ task: "uid-of-lab-whole", at: noon + seconds(100) });
  expect(memory?.a?.head).toEqual({ task: "uid-of-lab-old", at: noon + seconds(130) });
  expect(decisions.map(({ task }) => task)).toEqual(["lab/young"]);
});

test("shards that may never start together under a limit hold nobody up", () => {
  expectPlan(
    aPool()
      .withPool({ backfill: { policy: "None", candidates: "ShortestFirst" } })
      .withChild("students", { limit: { cpu: 3 }, backfill: { policy: "None", candidates: "ShortestFirst" } })
      .withNodes(1, { cpu: 8 })
      .withTasks({
        gang: { pool: "students", shards: 2, cpu: 2, minParallelism: 2, created: noon - 2 },
        single: { pool: "students", shards: 1, cpu: 2, created: noon - 1 },
      }),
  )
    .starts({ single: [0] })
    .waits({ gang: "LimitReached" })
    .says(
      "gang",
      "each shard asks for 2 cpu, and 2 must start together; the limit of students is 3 cpu, too little even once all its shards have ended",
    );
});
