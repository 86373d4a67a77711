// The order chain: the first difference decides, and the tie-breaks leave no two tasks equal.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Task } from "../../../src/scheduling/index.ts";
import { byAge, compareNaturally } from "../../../src/scheduling/order/chain.ts";
import { orderNames, orders } from "../../../src/scheduling/order/index.ts";
import { aTask, noon, seconds, type TaskTraits } from "../../support/scheduling.ts";
import { expectQueue } from "../../support/scheduling-order.ts";

test("every order is registered under its own name", () => {
  expect(orderNames).toEqual(Object.values(orders).map(({ name }) => name));
  expect(orderNames).toEqual(Object.keys(orders));
});

describe("Priority, FirstCome", () => {
  test("the higher priority goes first, whatever its age", () => {
    expectQueue({
      old: { created: 1, priority: -5 },
      low: { created: 2 },
      high: { created: 3, priority: 9 },
    }).is("high", "low", "old");
  });

  test("the chain decides in its own order", () => {
    expectQueue({ young: { created: 2, priority: 9 }, old: { created: 1 } }, { order: ["FirstCome", "Priority"] }).is(
      "old",
      "young",
    );
  });
});

describe("ageing", () => {
  const patient = { maxWaitMs: seconds(100) };
  const at = (secondsAgo: number): number => noon - seconds(secondsAgo);

  test("who has waited longer than the pool's patience goes first, the longest first", () => {
    expectQueue(
      {
        high: { priority: 9, created: at(50) },
        aged: { waitingSince: at(100) },
        older: { waitingSince: at(101) },
        not: { waitingSince: at(99) },
      },
      patient,
    ).is("older", "aged", "high", "not");
  });

  test("a task waits since its creation if nothing of it has started", () => {
    expectQueue({ high: { priority: 9, created: at(50) }, old: { created: at(100) } }, patient).is("old", "high");
  });

  test("ageing orders within a hundred of priority only, so that important work stays in front", () => {
    expectQueue(
      {
        important: { priority: 100, created: at(10) },
        aged: { priority: 99, waitingSince: at(500) },
        unimportant: { priority: -1, waitingSince: at(900) },
      },
      patient,
    ).is("important", "aged", "unimportant");
  });

  test("without patience nobody ages", () => {
    expectQueue({ high: { priority: 9 }, old: { waitingSince: 0 } }).is("high", "old");
  });
});

describe("ties", () => {
  const sorted = (tasks: readonly Task[]): readonly string[] => [...tasks].sort(byAge).map(({ uid }) => uid);
  const of = (uid: string, traits: TaskTraits): Task => aTask("task", { ...traits, uid });

  test("the earlier created goes first, even where the chain does not name FirstCome", () => {
    expectQueue({ a: { created: 2 }, b: { created: 1 } }, { order: ["Priority"] }).is("b", "a");
  });

  test("then the lower namespace/name, digits as numbers", () => {
    const named = (name: string): Task => aTask(name, { uid: name, created: 1 });
    const names = ["run-10", "run-9", "run-09a", "a-run", "run"];
    expect(sorted(names.map(named))).toEqual(["a-run", "run", "run-9", "run-09a", "run-10"]);
  });

  test("then the lower UID, for a task that was deleted and made again", () => {
    expect(sorted([of("z", { created: 1 }), of("a", { created: 1 })])).toEqual(["a", "z"]);
  });

  test("digits longer than any number still compare", () => {
    expect(compareNaturally(`a${"9".repeat(40)}`, `a1${"0".repeat(40)}`)).toBeLessThan(0);
  });

  test("names stand in one order only", () => {
    const name = fc.string({ unit: fc.constantFrom("a", "-", "0", "1", "9"), maxLength: 5 });
    fc.assert(
      fc.property(name, name, name, (a, b, c) => {
        expect(Math.sign(compareNaturally(a, b))).toBe(-Math.sign(compareNaturally(b, a)) + 0);
        expect(compareNaturally(a, b) === 0).toBe(a === b);
        if (compareNaturally(a, b) < 0 && compareNaturally(b, c) < 0) expect(compareNaturally(a, c)).toBeLessThan(0);
      }),
      { numRuns: 2000 },
    );
  });
});
