// What one pool's turn opens or closes to another that had its turn before is found in the same plan.
import { expect, test } from "vitest";
import { type Plan, planPool } from "../../src/scheduling/index.ts";
import { aPool, applied, noon, type PoolBuilder, seconds, tableOf } from "../support/scheduling.ts";

const easy = { policy: "Easy", candidates: "ShortestFirst" } as const;
const bestEffort = { policy: "BestEffort", candidates: "ShortestFirst" } as const;
const none = { policy: "None", candidates: "ShortestFirst" } as const;
const never = { withinPool: "Never", reclaim: "Never" } as const;
const expected = { likelyMs: seconds(121), limitMs: seconds(200) };

/** The plan, once it is seen that neither it nor the next moments leave anything to do. */
function settled({ snapshot, now }: PoolBuilder): Plan {
  const plan = planPool(snapshot, now);
  const after = applied(snapshot, plan, now);
  for (const later of [0, 1, 2]) {
    const next = planPool(after, now + later);
    expect(next.decisions, tableOf(plan) + tableOf(next)).toEqual([]);
  }
  return plan;
}

const startsOf = ({ decisions }: Plan): readonly string[] =>
  decisions.filter(({ kind }) => kind === "start").map(({ task, shard }) => `${task}/${shard}`);
const stopsOf = ({ decisions }: Plan): readonly string[] =>
  decisions.filter(({ kind }) => kind === "stop").map(({ task, shard }) => `${task}/${shard}`);

test("a task that was held back for the head of another pool starts, where a later start has moved that head's place", () => {
  const plan = settled(
    aPool()
      .withPool({ order: ["Priority"], backfill: none })
      .withChild("a", { backfill: easy })
      .withChild("a1", { parent: "a", backfill: none, reservation: { cpu: 3 } })
      .withNodes(2, { cpu: 4 })
      .withTasks({
        small: {
          shards: 1,
          cpu: 1,
          expected,
          running: [
            { node: "node-2", state: "Starting", since: noon - seconds(79) },
            { node: "node-1", state: "Starting", since: noon - seconds(120) },
          ],
        },
        late: { shards: 1, cpu: 1, expected: { ...expected, likelyMs: seconds(121) + 1 } },
        large: {
          pool: "a",
          shards: 1,
          cpu: 3,
          expected,
          running: [{ node: "node-1", state: "Starting", since: noon - seconds(79) }],
        },
        reserved: { pool: "a1", shards: 1, cpu: 1, expected },
      }),
  );
  expect(startsOf(plan)).toEqual(["lab/reserved/0", "lab/small/0", "lab/late/0"]);
});

test("what is taken back leaves its room at once, and says that it waits, not that something was stopped", () => {
  const pool = aPool()
    .withPool({ order: ["Priority"], backfill: none, preemption: never })
    .withChild("a", { backfill: none, preemption: { withinPool: "Never", reclaim: "Always" } })
    .withNode("node-1", { cpu: 4, memory: 1, pods: 2 })
    .withTasks({
      whole: { pool: "a", shards: 1, memory: 1, expected },
      taken: { shards: 1, expected },
      owner: { pool: "a", shards: 1, expected },
    });
  const plan = settled(pool);
  expect(startsOf(plan)).toEqual(["lab/whole/0", "lab/owner/0"]);
  expect(plan.waiting.map(({ task, reason }) => [task, reason])).toEqual([["lab/taken", "PoolFull"]]);
});

test("what would be taken back at once for another pool does not start at all", () => {
  const plan = settled(
    aPool()
      .withPool({ order: ["Priority"], backfill: none, preemption: never })
      .withChild("a", { reservation: { cpu: 3 }, preemption: { withinPool: "Never", reclaim: "Always" } })
      .withChild("b", { reservation: { cpu: 1 } })
      .withChild("a1", { parent: "a", backfill: bestEffort })
      .withNodes(1, { cpu: 4 })
      .withTasks({
        other: { pool: "b", shards: 2, cpu: 1, expected },
        owner: {
          pool: "a",
          shards: 1,
          cpu: 1,
          expected,
          running: Array.from({ length: 2 }, () => ({
            node: "node-1",
            state: "Starting" as const,
            since: noon - seconds(120),
          })),
        },
        below: { pool: "a1", shards: 1, cpu: 2, expected },
      }),
  );
  expect(stopsOf(plan)).toEqual([]);
  expect(startsOf(plan)).toEqual(["lab/other/0", "lab/owner/0"]);
});

test("a promise on what is being stopped lets nobody pass who is promised more, however long the stop takes", () => {
  const plan = settled(
    aPool()
      .withPool({ order: ["Priority"], backfill: { policy: "Conservative", candidates: "QueueOrder" } })
      .withChild("a", { backfill: easy, reservation: { cpu: 1 }, limit: { cpu: 3 }, preemption: never })
      .withChild("b", {
        backfill: easy,
        reservation: { cpu: 4 },
        limit: { cpu: 3 },
        preemption: { withinPool: "LowerPriority", reclaim: "Never" },
      })
      .withNodes(1, { cpu: 4 })
      .withTasks({
        runs: {
          pool: "b",
          shards: 4,
          cpu: 3,
          expected,
          running: [{ node: "node-1", since: noon - seconds(40) }],
        },
        important: {
          pool: "b",
          shards: 1,
          cpu: 2,
          priority: 1,
          expected: { likelyMs: seconds(240), limitMs: seconds(399) },
        },
        stopping: {
          pool: "a",
          shards: 4,
          cpu: 1,
          expected: { likelyMs: seconds(144), limitMs: seconds(396) },
          running: [{ node: "node-1", state: "Stopping", since: noon - seconds(20) }],
        },
      }),
  );
  expect(plan.memory?.a?.head).toBeDefined();
});

test("a promise that can no longer be kept in time lets nobody pass, even where the plan is made again at once", () => {
  const large = { task: "uid-of-lab-large", at: noon + seconds(10) };
  const nothing = { turn: 0, turns: {}, used: {}, holding: {} };
  const memory = { ...nothing, usedAt: noon - 1, head: large, holds: [{ ...large, nodes: ["node-1"] }] };
  const plan = settled(
    aPool()
      .withPool({ order: ["FirstCome"], backfill: easy, memory })
      .withChild("a", { backfill: easy })
      .withNodes(1, { cpu: 8 })
      .withTasks({
        large: { shards: 1, cpu: 3, expected },
        // It was expected to have ended by then.
        runs: { pool: "a", cpu: 6, expected: { likelyMs: seconds(60) }, running: ["node-1"] },
        first: { pool: "a", shards: 1, cpu: 3, expected, created: noon - 2 },
        small: { pool: "a", shards: 1, cpu: 1, expected, created: noon - 1 },
      }),
  );
  expect(startsOf(plan)).toEqual([]);
});

test("who was held back by a hold that another pool's head has given up in its turn starts", () => {
  const lasting = (count: number) => ({ expected: { likelyMs: seconds(count), limitMs: seconds(count) } });
  const head = { task: "uid-of-lab-other", at: noon + seconds(10) };
  const nothing = { turn: 0, turns: {}, used: {}, holding: {} };
  const memory = { ...nothing, usedAt: noon - 1, head, holds: [{ ...head, nodes: ["node-1"] }] };
  const plan = settled(
    aPool()
      .withPool({ order: ["FirstCome"], backfill: easy })
      .withChild("a", { backfill: easy })
      .withChild("b", { backfill: easy, memory })
      .withNodes(1, { cpu: 8 })
      .withTasks({
        runs: { cpu: 4, running: ["node-1"], ...lasting(25) },
        large: { pool: "a", shards: 1, cpu: 6, created: noon - 2, ...lasting(60) },
        // It may have what `large` leaves, and does not know yet that `other` will be gone by then.
        long: { pool: "a", shards: 1, cpu: 1, created: noon - 1, ...lasting(900) },
        other: { pool: "b", shards: 1, cpu: 2, ...lasting(20) },
      }),
  );
  expect(startsOf(plan)).toEqual(["lab/other/0", "lab/long/0"]);
});

test("as long as nothing ends and nobody comes, a head keeps its place, whatever has passed it", () => {
  const since = (ms: number, node: string) => ({ node, state: "Starting" as const, since: noon - ms });
  const plan = settled(
    aPool()
      .withPool({ order: ["FirstCome"], backfill: easy })
      .withNodes(3, { cpu: 4 })
      .withTasks({
        large: { shards: 1, cpu: 4, expected, running: [since(78_999, "node-1")] },
        runs: { cpu: 1, expected, running: [since(120_000, "node-2"), since(120_000, "node-2")] },
        long: {
          shards: 2,
          cpu: 1,
          expected: { likelyMs: 121_001, limitMs: 211_570 },
          running: [since(90_570, "node-3"), since(90_569, "node-2")],
        },
        // Likely to end by the time of `large` on the third node, though it may last until the first is free.
        passes: { shards: 1, cpu: 2, expected },
      }),
  );
  expect(startsOf(plan)).toEqual(["lab/passes/0", "lab/long/0"]);
});

test("what is promised for when a kept place frees does not move while the stop takes its time", () => {
  const stopping = { node: "node-1", state: "Stopping" as const, since: noon - seconds(120) };
  const conservative = { policy: "Conservative", candidates: "ShortestFirst" } as const;
  const plan = settled(
    aPool()
      .withPool({ order: ["Priority"], backfill: none, preemption: { withinPool: "Never", reclaim: "Always" } })
      .withChild("b", { backfill: conservative, preemption: never, shares: 8000 })
      .withNodes(1, { cpu: 4 })
      .withTasks({
        "task-0": {
          pool: "b",
          priority: -1,
          shards: 1,
          cpu: 1,
          expected: { likelyMs: seconds(121), limitMs: 257_770 },
          running: [{ node: "node-1", state: "Starting", since: noon - 57_770 }, stopping, stopping],
        },
        "task-1": { shards: 1, cpu: 2, expected },
        "task-2": { pool: "b", shards: 1, cpu: 2, expected },
        "task-3": { shards: 1, cpu: 1, expected },
      }),
  );
  expect(plan.memory?.lab?.claims?.map(({ task }) => task)).toEqual(["uid-of-lab-task-1"]);
});
