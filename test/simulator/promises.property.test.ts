// What is promised is kept, as long as no shard outlives what is expected of it: over random workloads in virtual time.
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Backfill, type OrderName, orderNames, type Plan, placementNames } from "../../src/scheduling/index.ts";
import { type Submission, simulate } from "../../src/simulator/simulate.ts";
import { aPool, aTask, noon, seconds } from "../support/scheduling.ts";

const job = fc.record({
  arrives: fc.integer({ min: 0, max: 40 }),
  cpu: fc.integer({ min: 1, max: 4 }),
  memory: fc.integer({ min: 0, max: 4 }),
  shards: fc.constantFrom(1, 1, 1, 2, 3),
  together: fc.constantFrom(1, 1, 2),
  expects: fc.integer({ min: 1, max: 30 }),
  lasts: fc.double({ min: 0.1, max: 1, noNaN: true }),
  isStudent: fc.boolean(),
});

const workload = fc.record({
  jobs: fc.array(job, { minLength: 2, maxLength: 14 }),
  nodes: fc.integer({ min: 1, max: 3 }),
  placement: fc.constantFrom(...placementNames),
  limit: fc.integer({ min: 1, max: 6 }),
});

type Workload = typeof workload extends fc.Arbitrary<infer T> ? T : never;

/** Starts the jobs, and says which of them started after what their first promise said. */
function lateIn(
  { jobs, nodes, placement, limit }: Workload,
  backfill: Backfill,
  order: OrderName,
  tree: boolean,
): string[] {
  const root = aPool()
    .withNodes(nodes, { cpu: 4, memory: 4 })
    .withPool({ placement, backfill, order: [order] });
  const { snapshot } = tree ? root.withChild("students", { limit: { cpu: limit } }) : root;
  const submissions = jobs.map(
    ({ arrives, cpu, memory, shards, together, expects, lasts, isStudent }, i): Submission => {
      const lengthMs = seconds(expects);
      const task = aTask(`job-${i}`, {
        created: noon + seconds(arrives),
        shards,
        cpu,
        memory,
        minParallelism: together,
        expected: { likelyMs: lengthMs, limitMs: lengthMs },
        pool: tree && isStudent ? "students" : "lab",
      });
      return { task, durationMs: () => Math.max(1, Math.round(lengthMs * lasts)) };
    },
  );
  const promised = new Map<string, number>();
  const late: string[] = [];
  let now = 0;
  const onPlan = ({ memory, decisions }: Plan): void => {
    for (const decision of decisions) {
      const uid = `uid-of-${decision.task.replace("/", "-")}`;
      if (decision.kind === "start" && now > (promised.get(uid) ?? now)) late.push(decision.task);
      promised.delete(uid);
    }
    for (const { head, holds = [] } of Object.values(memory ?? {})) {
      for (const { task, at } of head ? [head, ...holds] : holds) if (!promised.has(task)) promised.set(task, at);
    }
  };
  simulate(
    { ...snapshot, submissions },
    {
      onPlan,
      expectation: (_, at) => {
        now = at;
        return undefined;
      },
    },
  );
  return late;
}

const runs = { numRuns: 500 };

test.each(["Easy", "Conservative"] as const)("%s keeps what it has promised, whatever the order", (policy) => {
  const rules = fc.record({ workload, order: fc.constantFrom(...orderNames) });
  fc.assert(
    fc.property(rules, ({ workload: given, order }) => {
      expect(lateIn(given, { policy, candidates: "ShortestFirst" }, order, false)).toEqual([]);
    }),
    runs,
  );
});

test.each(["Easy", "Conservative"] as const)("%s keeps it under limits, too", (policy) => {
  fc.assert(
    fc.property(workload, (given) => {
      expect(lateIn(given, { policy, candidates: "QueueOrder" }, "FirstCome", true)).toEqual([]);
    }),
    runs,
  );
});
