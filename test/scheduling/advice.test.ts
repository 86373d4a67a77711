// Advice: given where the planner, run forward under the change, shows that it helps; and nothing else.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BusyPool } from "../../bench/busy-pool.ts";
import { tryAdvice } from "../../src/scheduling/advice/advise.ts";
import type { Tried } from "../../src/scheduling/advice/recommendation.ts";
import { Trials } from "../../src/scheduling/advice/trials.ts";
import { expectationOf, expectedEnd } from "../../src/scheduling/estimate.ts";
import { withActive, withMemory, withoutActive } from "../../src/scheduling/forward.ts";
import {
  adviseNow,
  Memo,
  type PoolStatistics,
  planPool,
  type Recommendation,
  type Snapshot,
  startStatistics,
  statisticsOf,
} from "../../src/scheduling/index.ts";
import { snapshots } from "../support/random-snapshots.ts";
import { amounts, aPool, type Loosely, noon, type PoolBuilder, seconds } from "../support/scheduling.ts";

const minutes = (count: number): number => seconds(60 * count);
const lasting = (count: number) => ({ expected: { likelyMs: minutes(count), limitMs: minutes(count) } });

function triedFor(snapshot: Snapshot): readonly Tried[] {
  return counted(tryAdvice(snapshot, planPool(snapshot, noon), noon)).result;
}

function adviceFor(snapshot: Snapshot, statistics?: PoolStatistics): readonly Recommendation[] {
  return adviseNow(snapshot, planPool(snapshot, noon), noon, statistics);
}

const told = ({ snapshot }: PoolBuilder, statistics?: PoolStatistics): readonly Recommendation[] =>
  adviceFor(snapshot, statistics);

const types = (builder: PoolBuilder, statistics?: PoolStatistics): readonly string[] =>
  told(builder, statistics).map(({ type }) => type);

/** Of an hour in which at most so much was held, and half of that in the mean. */
function anHourOf(busiest: Loosely, facts: Partial<PoolStatistics> = {}): PoolStatistics {
  const statistics = statisticsOf(startStatistics(noon), noon);
  return { ...statistics, windowMs: minutes(60), busiest: amounts(busiest), utilizationPercent: 9, ...facts };
}

describe("AddNodes", () => {
  const full = (nodes: number, likely: number): PoolBuilder =>
    aPool()
      .withNodes(nodes, { cpu: 4 })
      .withTasks({ work: { shards: 4, running: ["node-1"], cpu: 4, ...lasting(likely) } });

  test("is told with what one more node of the smallest kind would save", () => {
    expect(told(full(1, 10))).toEqual([
      {
        type: "AddNodes",
        pool: "lab",
        reason: "1 task waits; of the first, each shard asks for 4 cpu; lab has 0 free",
        gain: "mean wait of the next 4 shards 25 min -> 10 min",
        cost: "1 more node like node-1 (4 cpu)",
      },
    ]);
  });

  test("is not told where the queue is over in a moment, nor where nothing waits for room", () => {
    expect(types(full(1, 0.2))).toEqual([]);
    expect(types(full(5, 10))).toEqual([]);
    const atParallelism = { shards: 9, running: ["node-1"], cpu: 4, parallelism: 1, ...lasting(10) };
    expect(types(aPool().withNodes(2, { cpu: 4 }).withTasks({ atParallelism }))).toEqual([]);
  });

  test("names no kind of node that is too small for what waits", () => {
    const pool = aPool()
      .withNode("small", { cpu: 1 })
      .withNode("large", { cpu: 8 })
      .withTasks({ work: { shards: 2, running: ["large"], cpu: 8, ...lasting(30) } });
    expect(told(pool)).toMatchObject([{ cost: "1 more node like large (8 cpu)" }]);
  });

  test("tries the smallest kind first, whoever waits in front", () => {
    const pool = aPool()
      .withNode("large", { cpu: 8 })
      .withNode("small", { cpu: 2 })
      .withPool({ backfill: { policy: "BestEffort", candidates: "QueueOrder" } })
      .withTasks({
        big: { shards: 1, running: ["large"], cpu: 8, ...lasting(30) },
        little: { shards: 6, running: ["small"], cpu: 2, ...lasting(30) },
      });
    expect(told(pool)).toMatchObject([
      { gain: "mean wait of the next 7 shards 51 min -> 39 min", cost: "1 more node like small (2 cpu)" },
    ]);
  });

  test("says of a long queue what the next shards save, and of none that it would never start", () => {
    const pool = aPool()
      .withNodes(1, { cpu: 4 })
      .withTasks({ work: { shards: 1000, cpu: 4, ...lasting(10) } });
    expect(told(pool)).toMatchObject([
      { gain: expect.stringMatching(/^mean wait of the next \d+ shards \d+ h -> \d+ h$/) },
    ]);
  });

  test("counts the beginning of a queue that is longer than what is run forward", () => {
    // No two of them end at once.
    const running = Array.from({ length: 16 }, (_, i) => ({ node: `node-${1 + (i % 4)}`, since: noon - 750 * i }));
    const pool = aPool()
      .withNodes(4, { cpu: 4 })
      .withTasks({ work: { shards: 5000, cpu: 1, running, ...lasting(0.2) } });
    expect(told(pool)).toMatchObject([{ type: "AddNodes", cost: "1 more node like node-1 (4 cpu)" }]);
  });

  test("names as many nodes as tasks need that start together", () => {
    const pool = aPool()
      .withNodes(2, { cpu: 4 })
      .withTasks({ gang: { shards: 4, minParallelism: 4, cpu: 4, ...lasting(5) } });
    expect(told(pool)).toMatchObject([
      { type: "AddNodes", gain: "4 shards start that never would", cost: "2 more nodes like node-1 (4 cpu)" },
    ]);
  });

  test("counts on what daemons hold on each node of the kind", () => {
    const pool = aPool()
      .withNodes(2, { cpu: 4 }, { foreign: { cpu: 1 } })
      .withTasks({ work: { shards: 2, cpu: 4, ...lasting(30) } });
    expect(types(pool)).toEqual([]);
  });
});

describe("RaiseLimit", () => {
  const limited = (nodes: number): PoolBuilder =>
    aPool()
      .withNodes(nodes, { cpu: 4 })
      .withChild("students", { limit: { cpu: 4 } })
      .withTasks({ work: { pool: "students", shards: 3, running: ["node-1"], cpu: 4, ...lasting(20) } });

  test("is told of a pool whose tasks wait under its limit while nodes stand free", () => {
    expect(told(limited(3))).toEqual([
      {
        type: "RaiseLimit",
        pool: "students",
        reason: "1 task waits under the limit of students, 4 cpu, while nodes stand free",
        gain: "mean wait of the next 3 shards 40 min -> 7 min",
        cost: "a limit of 4 -> 12 cpu: what students holds of it, others wait for until its shards end",
      },
    ]);
  });

  test("is not told where no node is free, nor of a limit above which another stands", () => {
    expect(types(limited(1))).not.toContain("RaiseLimit");
    const twice = limited(3).withPool({ limit: amounts({ cpu: 4 }) });
    expect(types(twice)).toEqual([]);
  });

  test("lets a task start that never could", () => {
    const pool = aPool()
      .withNodes(2, { cpu: 4 })
      .withChild("students", { limit: { cpu: 1.5 } })
      .withTasks({ work: { pool: "students", shards: 1, cpu: 2, ...lasting(1) } });
    expect(told(pool)).toMatchObject([
      { type: "RaiseLimit", gain: "1 shard starts that never would", cost: expect.stringContaining("1500m -> 2 cpu") },
    ]);
  });

  test("is not told where a task of another pool would wait the longer for it", () => {
    const pool = aPool()
      .withNodes(2, { cpu: 4 })
      .withChild("students", { limit: { cpu: 2 } })
      .withTasks({
        busy: { running: ["node-1"], cpu: 2, ...lasting(90) },
        ends: { running: ["node-2"], cpu: 2, ...lasting(5) },
        large: { shards: 1, cpu: 4, ...lasting(10) },
        work: {
          pool: "students",
          shards: 1,
          running: [{ node: "node-1", since: noon - minutes(30) }],
          cpu: 2,
          ...lasting(60),
        },
      });
    expect(types(pool)).not.toContain("RaiseLimit");
  });
});

describe("MoveShards", () => {
  const scattered = (likely: number, priority = 0): PoolBuilder =>
    aPool()
      .withNodes(2, { cpu: 8 })
      .withTasks({
        old: { running: [{ node: "node-1", since: noon - minutes(30) }], cpu: 4, priority, ...lasting(likely) },
        young: { running: [{ node: "node-2", since: noon - minutes(5) }], cpu: 4, priority, ...lasting(likely) },
        large: { shards: 1, cpu: 8, ...lasting(10) },
      });

  test("is told where a large shard fits nowhere, and what stands in its way would find room elsewhere", () => {
    expect(told(scattered(90))[0]).toEqual({
      type: "MoveShards",
      pool: "lab",
      reason: "lab/large waits: each shard asks for 8 cpu; lab has 8 free, at most 4 on one node",
      gain: "wait of the next shard 60 min -> none",
      cost: "stop shard 0 of lab/young on node-2, to run again elsewhere: 5 min of work is lost",
    });
  });

  test("is not told where it fits soon, where nothing finds room elsewhere, nor of what is more important", () => {
    expect(types(scattered(30.5))).not.toContain("MoveShards");
    expect(types(scattered(90, 1))).not.toContain("MoveShards");
    const full = aPool()
      .withNodes(3, { cpu: 8 })
      .withTasks({
        large: { shards: 1, cpu: 8, ...lasting(10) },
        one: { running: ["node-1"], cpu: 6, ...lasting(90) },
        others: { running: ["node-2", "node-3"], cpu: 5, ...lasting(90) },
      });
    expect(planPool(full.snapshot, noon).waiting).toMatchObject([{ reason: "NoNodeFits" }]);
    expect(types(full)).not.toContain("MoveShards");
  });
});

test("MoveShards stops none without which the large one fits all the same", () => {
  const pool = aPool()
    .withNodes(2, { cpu: 8 })
    .withTasks({
      old: { running: [{ node: "node-1", since: noon - minutes(30) }], cpu: 4, ...lasting(90) },
      tiny: { running: [{ node: "node-2", since: noon - minutes(1) }], cpu: 1, ...lasting(90) },
      young: { running: [{ node: "node-2", since: noon - minutes(5) }], cpu: 4, ...lasting(90) },
      large: { shards: 1, cpu: 7, ...lasting(10) },
    });
  expect(told(pool)[0]?.cost).toMatch(/^stop shard 0 of lab\/young on node-2, to run again/);
});

describe("RemoveNodes", () => {
  const quiet = aPool()
    .withNodes(8, { cpu: 8 })
    .withTasks({ work: { running: ["node-1"], cpu: 2, ...lasting(5) } });

  test("is told once an hour has been seen that needed far less", () => {
    expect(told(quiet, anHourOf({ cpu: 9 }))).toEqual([
      {
        type: "RemoveNodes",
        pool: "lab",
        reason: "over the last hour 9% was used, and tasks began within a minute",
        gain: "5 nodes like node-2 less; of the others the busiest five minutes used 38%, instead of 14%",
        cost: "what comes beyond that waits; no shard runs on node-2, node-3, node-4, node-5, node-6 now",
      },
    ]);
  });

  test("is not told of a pool that was full for five minutes, where tasks waited, or that has not been seen for an hour", () => {
    expect(types(quiet)).toEqual([]);
    expect(types(quiet, anHourOf({ cpu: 60 }))).toEqual([]);
    expect(types(quiet, anHourOf({ cpu: 9 }, { meanFirstStartMs: minutes(2) }))).toEqual([]);
    expect(types(quiet, anHourOf({ cpu: 9 }, { windowMs: minutes(30) }))).toEqual([]);
    expect(types(quiet, anHourOf({}))).toEqual([]);
  });

  test("is not told where something that waits out a delay would then wait for room", () => {
    const until = noon + minutes(1);
    const backingOff = [100, 101, 102, 103, 104].map((shard) => ({ shard, until }));
    const retried = quiet.withTasks({ retried: { backingOff, cpu: 8, ...lasting(30) } });
    expect(types(retried, anHourOf({ cpu: 9 }))).toEqual([]);
  });

  test("leaves one node of each kind, and none goes on which something runs", () => {
    const pool = aPool()
      .withNodes(1, { cpu: 8 })
      .withNode("gpu", { cpu: 8, "nvidia.com/gpu": 4 })
      .withTasks({ work: { running: ["node-1"], cpu: 1, ...lasting(5) } });
    expect(types(pool, anHourOf({ cpu: 1 }))).toEqual([]);
  });
});

describe("PoolSmallerThanParallelism", () => {
  test("says how many shards there could be, and what more would take", () => {
    const pool = aPool()
      .withNodes(2, { cpu: 9 }, { foreign: { cpu: 1 } })
      .withTasks({ work: { shards: 99, parallelism: 20, cpu: 2, ...lasting(1) } });
    expect(told(pool).filter(({ type }) => type === "PoolSmallerThanParallelism")).toEqual([
      {
        type: "PoolSmallerThanParallelism",
        pool: "lab",
        reason: "lab/work asks for 20 shards at once, and lab could hold 8 of them if nothing else ran",
        gain: "8 -> 20 shards at once",
        cost: "3 more nodes like node-1 (9 cpu); or parallelism 8, which is all that it can have now",
      },
    ]);
  });

  test("names the limit that is in the way", () => {
    const pool = aPool()
      .withNodes(4, { cpu: 8 })
      .withChild("students", { limit: { cpu: 6 } })
      .withTasks({
        work: { pool: "students", shards: 9, running: ["node-1"], parallelism: 5, cpu: 2, ...lasting(0.1) },
      });
    expect(told(pool)).toMatchObject([
      { gain: "3 -> 5 shards at once", cost: expect.stringMatching(/^a limit of 10 cpu for students; /) },
    ]);
  });

  test("is not told of a pool that is only busy, nor of a task with few shards left or that never fits", () => {
    const pool = aPool().withNodes(2, { cpu: 8 });
    const busy = pool.withTasks({
      busy: { running: ["node-1", "node-2"], cpu: 8, ...lasting(0.2) },
      work: { shards: 9, parallelism: 8, cpu: 2, ...lasting(0.2) },
    });
    expect(types(busy)).toEqual([]);
    expect(types(pool.withTasks({ work: { shards: 8, parallelism: 20, cpu: 2, ...lasting(0.1) } }))).toEqual([]);
    expect(types(pool.withTasks({ never: { shards: 8, parallelism: 20, cpu: 9, ...lasting(0.1) } }))).toEqual([]);
  });

  test("counts as the planner does, whatever the pool", () => {
    const asked = /^(\S+) asks for (\d+) shards at once, and \S+ could hold (\d+) of them/;
    const wanting = snapshots.map((snapshot) => ({
      ...snapshot,
      tasks: snapshot.tasks.map(({ blocked: _, stop: __, ...task }) => ({
        ...task,
        parallelism: 12,
        active: [],
        waiting: [{ start: 0, end: 13 }],
      })),
    }));
    let times = 0;
    fc.assert(
      fc.property(wanting, (snapshot) => {
        for (const { type, reason } of adviceFor(snapshot)) {
          if (type !== "PoolSmallerThanParallelism") continue;
          times += 1;
          const [, key, wanted, most] = asked.exec(reason) ?? [];
          const nodes = snapshot.nodes.map((node) => ({
            ...node,
            ready: true,
            cordoned: false,
            taints: node.taints.filter((taint) => !taint.key.startsWith("node.kubernetes.io/")),
          }));
          const alone = { active: [], backingOff: [], excludedNodes: [], minParallelism: 1 };
          const tasks = snapshot.tasks.filter((task) => task.key === key).map((task) => ({ ...task, ...alone }));
          const { decisions } = planPool({ ...snapshot, nodes, tasks }, noon);
          expect(wanted).toBe("12");
          expect(decisions.filter(({ kind }) => kind === "start")).toHaveLength(Number(most));
        }
      }),
      { numRuns: 20 },
    );
    expect(times).toBeGreaterThan(0);
  });
});

/** The waits of what starts as the planner is asked again at each end: a second implementation, for comparison. */
function waitsIn(
  snapshot: Snapshot,
  counts: (task: string, shard: number) => boolean,
  most: number,
): readonly number[] {
  const waits: number[] = [];
  let live = snapshot;
  let now = noon;
  while (waits.length < most) {
    const { decisions, memory, wakeAt = Number.POSITIVE_INFINITY } = planPool(live, now);
    const starts = decisions.filter(({ kind }) => kind === "start");
    for (const { task, shard } of starts) if (counts(task, shard)) waits.push(now - noon);
    const pools = withMemory(live.pools, { decisions, ...(memory && { memory }) });
    const begun = live.tasks.map((task) => {
      const ofTask = starts.filter((start) => start.task === task.key);
      return ofTask.length === 0 ? task : withActive(task, ofTask, now);
    });
    const endOf = (task: Snapshot["tasks"][number], shard: (typeof task.active)[number]): number => {
      const likely = shard.since + expectationOf(task).likelyMs;
      const isLikely = shard.state === "Running" && likely > now;
      return isLikely ? likely : Math.max(expectedEnd(task, shard, now), now + 1);
    };
    const ends = begun.flatMap((task) => task.active.map((shard) => endOf(task, shard)));
    const next = Math.min(wakeAt, ...ends);
    if (!Number.isFinite(next)) break;
    const tasks = begun.map((task) => {
      const over = task.active.filter((shard) => endOf(task, shard) <= next);
      return over.length === 0
        ? task
        : withoutActive(
            task,
            over.map(({ shard }) => shard),
          );
    });
    now = next;
    live = { ...live, pools, tasks };
  }
  return waits.slice(0, most);
}

test("a change is given up once it can save nothing that is worth it", () => {
  const running = Array.from({ length: 8 }, (_, i) => ({ node: `node-${1 + (i % 4)}`, since: noon - minutes(i) }));
  const { snapshot } = aPool()
    .withNodes(4, { cpu: 2 })
    .withTasks({ work: { shards: 40, cpu: 1, running, ...lasting(10) } });
  const base = counted(Trials.of(snapshot, snapshot.tasks, noon, new Memo()));
  const trial = counted(base.result.savedBy({ ...snapshot, nodes: [...snapshot.nodes] }));
  expect(trial.result).toBeUndefined();
  expect(trial.steps).toBeLessThan(base.steps);
  expect(trial.steps).toBeGreaterThan(2);
});

/** What it returns, and how often it gave way. */
function counted<T>(work: Generator<undefined, T>): { readonly result: T; readonly steps: number } {
  let steps = 0;
  for (let step = work.next(); ; step = work.next(), steps += 1) if (step.done) return { result: step.value, steps };
}

describe("whatever the pool", () => {
  const cpu = (min: number, max: number) => fc.integer({ min, max });
  const jammed = fc
    .record({
      nodes: cpu(2, 3),
      limit: cpu(2, 8),
      running: fc.array(
        fc.record({ node: cpu(1, 3), cpu: cpu(2, 4), age: cpu(0, 20), lasts: cpu(10, 90), isStudents: fc.boolean() }),
        { minLength: 3, maxLength: 8 },
      ),
      waiting: fc.array(fc.record({ cpu: cpu(1, 8), shards: cpu(1, 3), lasts: cpu(1, 60), isStudents: fc.boolean() }), {
        minLength: 1,
        maxLength: 4,
      }),
    })
    .map(({ nodes, limit, running, waiting }) => {
      const free = new Map<string, number>();
      const fitting = running.flatMap(({ node, cpu, age, lasts, isStudents }, i) => {
        const name = `node-${node}`;
        const left = (free.get(name) ?? 8) - cpu;
        if (node > nodes || left < 0) return [];
        free.set(name, left);
        const shard = { node: name, since: noon - minutes(age) };
        return [
          [`r${i}`, { running: [shard], cpu, ...lasting(lasts), ...(isStudents && { pool: "students" }) }] as const,
        ];
      });
      const asking = waiting.map(
        ({ lasts, isStudents, ...traits }, i) =>
          [`w${i}`, { ...traits, ...lasting(lasts), ...(isStudents && { pool: "students" }) }] as const,
      );
      return aPool()
        .withNodes(nodes, { cpu: 8 })
        .withChild("students", { limit: { cpu: limit } })
        .withTasks(Object.fromEntries([...fitting, ...asking])).snapshot;
    });
  const pools = fc.oneof({ arbitrary: jammed, weight: 3 }, { arbitrary: snapshots, weight: 1 });

  test("no gain is claimed that the planner does not show under the change", () => {
    const times = new Map<string, number>();
    fc.assert(
      fc.property(pools, (snapshot) => {
        let most = Number.POSITIVE_INFINITY;
        for (const { type, gain, found } of triedFor(snapshot)) {
          if (found === undefined) continue;
          times.set(type, (times.get(type) ?? 0) + 1);
          const { before, changed, tasks, again, saved } = found;
          const counts = (task: string, shard: number): boolean => tasks.has(task) && !again.has(`${task}/${shard}`);
          const mean = (waits: readonly number[]): number =>
            waits.reduce((a, b) => a + b, 0) / Math.max(1, waits.length);
          const [had, has] = [
            waitsIn(before, counts, saved.shards),
            waitsIn(changed, counts, saved.shards + saved.more),
          ];
          expect(has.length, gain).toBe(saved.shards + saved.more);
          expect(mean(had)).toBeCloseTo(saved.beforeMs, 3);
          expect(mean(has.slice(0, saved.shards))).toBeCloseTo(saved.afterMs, 3);
          const savedMs = saved.shards * (saved.beforeMs - saved.afterMs) + saved.more * minutes(24 * 60);
          expect(savedMs).toBeLessThanOrEqual(most);
          most = savedMs;
          expect(saved.more > 0 || saved.afterMs <= 0.8 * saved.beforeMs).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
    expect([...times.keys()].sort()).toEqual(["AddNodes", "MoveShards", "RaiseLimit"]);
  });

  test("what a long queue saves is not more than it would be if each end were looked at by itself", () => {
    const pool = new BusyPool({ tasks: 40, nodes: 3, seed: 4 });
    pool.apply(planPool(pool.snapshot, noon));
    const found = triedFor(pool.snapshot).flatMap((each) => each.found ?? []);
    expect(found.length).toBeGreaterThan(0);
    for (const { before, changed, tasks, again, saved } of found) {
      const counts = (task: string, shard: number): boolean => tasks.has(task) && !again.has(`${task}/${shard}`);
      const sum = (snapshot: Snapshot): number =>
        waitsIn(snapshot, counts, saved.shards).reduce((all, waitMs) => all + waitMs, 0);
      const claimed = saved.shards * (saved.beforeMs - saved.afterMs);
      expect(claimed / (sum(before) - sum(changed))).toBeLessThan(1.05);
    }
  });

  test("the same is told whatever order the objects come in, and however often", () => {
    fc.assert(
      fc.property(pools, (snapshot) => {
        const turned = {
          pools: snapshot.pools.toReversed(),
          nodes: snapshot.nodes.toReversed(),
          tasks: snapshot.tasks.toReversed(),
        };
        expect(adviceFor(turned)).toEqual(adviceFor(snapshot));
      }),
      { numRuns: 40 },
    );
  });
});
