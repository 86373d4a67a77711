// What a queue promises: who has waited longest goes first, and a place that is kept is there when it was promised.
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Plan, planPool, type Snapshot, type Task } from "../../src/scheduling/index.ts";
import { contested } from "../support/random-snapshots.ts";
import { aPool, applied, noon, seconds, tableOf } from "../support/scheduling.ts";

test("of equal priority, who has waited past the pool's patience starts in order of age; only backfill passes", () => {
  fc.assert(
    fc.property(contested, fc.constantFrom("None" as const, "Easy" as const), (snapshot, policy) => {
      const backfill = { policy, candidates: "QueueOrder" } as const;
      const pools = snapshot.pools.map((pool) => ({ ...pool, backfill, order: ["Priority" as const], maxWaitMs: 2 }));
      const plan = planPool({ ...snapshot, pools }, noon);
      const started = new Set(plan.decisions.filter(({ kind }) => kind === "start").map(({ task }) => task));
      const aged = snapshot.tasks.filter(({ created }) => noon - created >= 2);
      for (const { task, reason, message } of plan.waiting) {
        const older = aged.find(({ key }) => key === task);
        // What no end of shards would help holds nobody up.
        const isWaiting = ["PoolFull", "LimitReached", "BehindOthers", "HeldForHead"].includes(reason);
        if (older === undefined || started.has(task) || !isWaiting || /even once/.test(message)) continue;
        const passed = aged.filter(
          (each) =>
            each.pool === older.pool &&
            each.priority === older.priority &&
            each.created > older.created &&
            started.has(each.key),
        );
        if (passed.length === 0) continue;
        const kept = plan.memory?.[older.pool];
        // Who has a place kept for it has had its turn, and its waiting begins anew: decision 30.
        if (kept?.claims?.some((each) => each.task === older.uid)) continue;
        // Else somebody in front, perhaps itself, has a place kept for it.
        expect(policy, tableOf(plan)).toBe("Easy");
        expect(kept?.head ?? kept?.claims, tableOf(plan)).toBeDefined();
      }
    }),
    { numRuns: 1000 },
  );
});

const jobs = fc.array(
  fc.record({
    cpu: fc.integer({ min: 1, max: 4 }),
    limit: fc.integer({ min: 1, max: 20 }),
    /** What it really takes, as a part of its limit. */
    part: fc.integer({ min: 1, max: 4 }),
  }),
  { minLength: 2, maxLength: 10 },
);

test("where durations are upper bounds, no head starts after the moment that was first promised to it", () => {
  let promises = 0;
  fc.assert(
    fc.property(jobs, fc.constantFrom("ShortestFirst" as const, "QueueOrder" as const), (given, candidates) => {
      const built = aPool()
        .withPool({ backfill: { policy: "Easy", candidates }, order: ["FirstCome"] })
        .withNodes(2, { cpu: 4 })
        .withTasks(
          Object.fromEntries(
            given.map(({ cpu, limit }, index) => {
              const expected = { likelyMs: seconds(limit), limitMs: seconds(limit) };
              return [`t${index}`, { shards: 1, cpu, expected }];
            }),
          ),
        );
      const lasts = new Map(
        given.map(({ limit, part }, index) => [`uid-of-lab-t${index}`, Math.ceil((seconds(limit) * part) / 4)]),
      );
      const promised = new Map<string, number>();
      const plans: Plan[] = [];
      let state: Snapshot = built.snapshot;
      let now = noon;
      for (let step = 0; step < 40; step += 1) {
        const plan = planPool(state, now);
        plans.push(plan);
        for (const { kind, task } of plan.decisions) {
          const { uid = "" } = state.tasks.find(({ key }) => key === task) ?? {};
          const at = promised.get(uid);
          if (kind === "start" && at !== undefined) expect(now, plans.map(tableOf).join("")).toBeLessThanOrEqual(at);
        }
        const head = plan.memory?.lab?.head;
        if (head !== undefined && !promised.has(head.task)) {
          promised.set(head.task, head.at);
          promises += 1;
        }
        state = applied(state, plan, now);
        const ends = state.tasks.flatMap(({ uid, active }) => active.map(({ since }) => since + (lasts.get(uid) ?? 0)));
        if (ends.length === 0) break;
        now = Math.min(...ends);
        const at = now;
        const stays = ({ uid, active }: Task) => active.filter(({ since }) => since + (lasts.get(uid) ?? 0) > at);
        state = { ...state, tasks: state.tasks.map((task) => ({ ...task, active: stays(task) })) };
      }
    }),
    { numRuns: 300 },
  );
  expect(promises).toBeGreaterThan(100);
});
