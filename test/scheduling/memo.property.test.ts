// A memo makes a plan faster and nothing else: over random pools in motion, with one change after the other.
import fc from "fast-check";
import { expect, test } from "vitest";
import { BusyPool } from "../../bench/busy-pool.ts";
import { Memo, planPool } from "../../src/scheduling/index.ts";
import { inMotion } from "../support/random-snapshots.ts";

test("after any change the plan with a memo is the plan without one", () => {
  fc.assert(
    fc.property(inMotion, fc.integer({ min: 1, max: 8 }), (size, changes) => {
      const pool = new BusyPool(size);
      const memo = new Memo();
      for (let i = 0; i < changes; i += 1) {
        const { snapshot, now } = pool;
        const plan = planPool(snapshot, now, memo);
        expect(JSON.stringify(plan)).toBe(JSON.stringify(planPool(snapshot, now)));
        pool.apply(plan);
        pool.change();
      }
    }),
    { numRuns: 60 },
  );
});

test("a memo serves objects that are read anew for every plan, as the operator reads them", () => {
  fc.assert(
    fc.property(inMotion, (size) => {
      const pool = new BusyPool(size);
      const memo = new Memo();
      for (let i = 0; i < 4; i += 1) {
        const { snapshot, now } = pool;
        const plan = planPool(structuredClone(snapshot), now, memo);
        expect(JSON.stringify(plan)).toBe(JSON.stringify(planPool(snapshot, now)));
        pool.apply(plan);
        pool.change();
      }
    }),
    { numRuns: 30 },
  );
});

test("what one task is like is not taken for another's", () => {
  const memo = new Memo();
  const pool = new BusyPool({ tasks: 20, nodes: 3 });
  const { snapshot, now } = pool;
  planPool(snapshot, now, memo);
  const larger = snapshot.tasks.map((task) => ({ ...task, request: { ...task.request, cpu: 64_000 } }));
  expect(planPool({ ...snapshot, tasks: larger }, now, memo)).toEqual(planPool({ ...snapshot, tasks: larger }, now));
});
