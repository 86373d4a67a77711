// The forecast: what it expects is what then happens where durations are exact, and what it says would help does help.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BusyPool } from "../../bench/busy-pool.ts";
import { forecastNow, planPool, type Snapshot, type TaskForecast } from "../../src/scheduling/index.ts";
import { withChange } from "../../src/scheduling/what-if.ts";
import { simulate } from "../../src/simulator/simulate.ts";
import { aPool, noon, type PoolBuilder, seconds } from "../support/scheduling.ts";

function forecastOf(snapshot: Snapshot, now = noon): ReadonlyMap<string, TaskForecast> {
  const plan = planPool(snapshot, now);
  const keys = snapshot.tasks.map(({ key }) => key);
  return forecastNow(snapshot, plan, keys, now);
}

const messages = (pool: PoolBuilder, task: string): readonly string[] =>
  forecastOf(pool.snapshot)
    .get(`lab/${task}`)
    ?.wouldStartIf.map(({ message }) => message) ?? [];

describe("expected starts", () => {
  const task = fc.record({
    shards: fc.integer({ min: 1, max: 4 }),
    cpu: fc.integer({ min: 1, max: 4 }),
    priority: fc.integer({ min: 0, max: 2 }),
    minParallelism: fc.constantFrom(1, 1, 2),
    lasts: fc.integer({ min: 1, max: 9 }),
  });
  const queues = fc.record({
    tasks: fc.array(task, { minLength: 2, maxLength: 9 }),
    nodes: fc.integer({ min: 1, max: 3 }),
    policy: fc.constantFrom("None" as const, "BestEffort" as const, "Easy" as const),
    order: fc.constantFrom("FirstCome" as const, "ShortestJob" as const, "EqualShare" as const, "FairShare" as const),
  });

  test("are those of the simulator, and so are the ends, where every shard lasts as long as it is said to", () => {
    fc.assert(
      fc.property(queues, ({ tasks, nodes, policy, order }) => {
        const traits = tasks.map(({ lasts, ...each }, i) => {
          const expected = { likelyMs: seconds(lasts), limitMs: seconds(lasts) };
          return [`t${i}`, { ...each, expected, created: noon }] as const;
        });
        const { snapshot } = aPool()
          .withNodes(nodes, { cpu: 4 })
          .ordering("Priority", order)
          .withPool({ backfill: { policy, candidates: "ShortestFirst" } })
          .withTasks(Object.fromEntries(traits));
        const submissions = snapshot.tasks.map((each) => ({
          task: each,
          durationMs: () => each.expected?.likelyMs ?? 0,
        }));
        const ran = Map.groupBy(simulate({ ...snapshot, submissions }).ran, (each) => each.task);
        for (const [key, { expectedStart, estimatedCompletion }] of forecastOf(snapshot)) {
          const own = ran.get(key);
          const first = own && Math.min(...own.map(({ startedAt }) => startedAt).filter((at) => at > noon));
          const last = own && Math.max(...own.map(({ endedAt }) => endedAt));
          expect([expectedStart, estimatedCompletion]).toEqual([first, last]);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("are of the tasks that wait only, and say nothing where nothing will ever start", () => {
    const { snapshot } = aPool()
      .withNodes(1, { cpu: 2 })
      .withTasks({
        runs: { running: [{ node: "node-1" }], cpu: 2, expected: { likelyMs: seconds(30) } },
        waits: { shards: 1, cpu: 2, expected: { likelyMs: seconds(10) } },
        large: { shards: 1, cpu: 9 },
      });
    const found = forecastOf(snapshot);
    expect(found.get("lab/runs")).toBeUndefined();
    expect(found.get("lab/waits")).toMatchObject({
      expectedStart: noon + seconds(30),
      estimatedCompletion: noon + seconds(40),
    });
    expect(found.get("lab/large")).toEqual({ wouldStartIf: [] });
  });

  test("wait for a task that has all its places and goes on with its next shards there", () => {
    const { snapshot } = aPool()
      .withNodes(1, { cpu: 2 })
      .withTasks({
        first: { shards: 3, running: ["node-1"], cpu: 2, parallelism: 1, expected: { likelyMs: seconds(30) } },
        waits: { shards: 1, cpu: 2, expected: { likelyMs: seconds(10) } },
      });
    const found = forecastNow(snapshot, planPool(snapshot, noon), ["lab/waits"], noon);
    expect(found.get("lab/waits")?.expectedStart).toBe(noon + seconds(120));
  });

  test("of a long queue are told for its front, with ends taken together", () => {
    const pool = new BusyPool({ tasks: 400, nodes: 15, seed: 3 });
    pool.apply(planPool(pool.snapshot, pool.now));
    const { snapshot, now } = pool;
    const plan = planPool(snapshot, now);
    const keys = plan.waiting.filter(({ position }) => position === 1).map(({ task }) => task);
    const found = forecastNow(snapshot, plan, keys, now);
    expect(keys.length).toBeGreaterThan(1);
    for (const key of keys) expect(found.get(key)?.expectedStart ?? now).toBeGreaterThanOrEqual(now);
    expect([...found.values()].some(({ expectedStart }) => expectedStart !== undefined)).toBe(true);
  });
});

describe("what would start a task", () => {
  test("is the end of a shard, or one more node of the smallest kind that is large enough", () => {
    const pool = aPool()
      .withNode("small", { cpu: 2 })
      .withNode("large", { cpu: 8 })
      .withTasks({
        runs: { running: [{ node: "large", since: noon }], cpu: 8 },
        waits: { shards: 1, cpu: 4 },
      });
    expect(messages(pool, "waits")).toEqual(["a shard of runs on large ends", "a node like large is added (8 cpu)"]);
  });

  test("is no node more that foreign Pods would fill as they fill each of its kind", () => {
    const pool = aPool()
      .withNodes(2, { cpu: 4 }, { foreign: { cpu: 1 } })
      .withTasks({
        runs: { running: [{ node: "node-1" }], cpu: 3 },
        waits: { shards: 1, cpu: 4 },
      });
    expect(messages(pool, "waits")).toEqual([]);
  });

  test("is a node that is opened again", () => {
    const pool = aPool()
      .withNode("closed", { cpu: 2 }, { cordoned: true })
      .withTasks({ waits: { shards: 1, cpu: 2 } });
    expect(messages(pool, "waits")).toContain("closed is ready and not cordoned");
  });

  test.each(["unschedulable", "not-ready"])("also one that Kubernetes has tainted for that: %s", (why) => {
    const taints = [{ key: `node.kubernetes.io/${why}`, value: "", effect: "NoSchedule" }] as const;
    const pool = aPool()
      .withNode("closed", { cpu: 2 }, { cordoned: true, taints })
      .withTasks({ waits: { shards: 1, cpu: 2 } });
    expect(messages(pool, "waits")).toEqual([
      "closed is ready and not cordoned",
      "a node like closed is added (2 cpu)",
    ]);
  });

  test("is none that others keep closed by a taint of their own", () => {
    const taints = [{ key: "maintenance", value: "", effect: "NoSchedule" }] as const;
    const pool = aPool()
      .withNode("open", { cpu: 1 })
      .withNode("closed", { cpu: 2 }, { cordoned: true, taints })
      .withTasks({ waits: { shards: 1, cpu: 2 } });
    expect(messages(pool, "waits")).toEqual([]);
  });

  test("is a limit that is raised by what is missing", () => {
    const pool = aPool()
      .withNodes(2, { cpu: 4 })
      .withChild("students", { limit: { cpu: 2 } })
      .withTasks({
        runs: { running: [{ node: "node-1" }], cpu: 2, pool: "students" },
        waits: { shards: 1, cpu: 2, pool: "students" },
      });
    expect(messages(pool, "waits")).toContain("the limit of students is raised to 4 cpu");
  });

  test("is no change that would start somebody else instead", () => {
    const pool = aPool()
      .withNodes(1, { cpu: 2 })
      .withTasks({
        runs: { running: [{ node: "node-1" }], cpu: 2 },
        first: { shards: 1, cpu: 2, priority: 9 },
        second: { shards: 1, cpu: 2 },
      });
    expect(messages(pool, "first")).not.toEqual([]);
    expect(messages(pool, "second")).toEqual([]);
  });

  test("names no task of another namespace", () => {
    const pool = aPool()
      .withNodes(1, { cpu: 2 })
      .withTasks({
        secret: { namespace: "other", running: [{ node: "node-1" }], cpu: 2 },
        waits: { shards: 1, cpu: 2 },
      });
    expect(messages(pool, "waits")).toContain("a shard of a task of another namespace on node-1 ends");
  });

  test("does start it, whatever the pool", () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 2, max: 6 }), (seed, nodes) => {
        const pool = new BusyPool({ tasks: 12, nodes, seed });
        pool.apply(planPool(pool.snapshot, pool.now));
        const { snapshot, now } = pool;
        for (const [key, { wouldStartIf }] of forecastOf(snapshot, now)) {
          for (const { change } of wouldStartIf) {
            const { decisions } = planPool(withChange(snapshot, change), now);
            expect(decisions.some(({ kind, task }) => kind === "start" && task === key)).toBe(true);
          }
        }
      }),
      { numRuns: 8 },
    );
  });
});
