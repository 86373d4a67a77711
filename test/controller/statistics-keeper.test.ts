import { expect, test } from "vitest";
import type { Observed } from "../../src/controller/observe.ts";
import { StatisticsKeeper } from "../../src/controller/statistics-keeper.ts";
import { anAccount, anObserved, anObservedRoot, anObservedTask, noon, success } from "./builders.ts";

test("what a task has done counts once, though it sleeps and is woken while others are forgotten", () => {
  const keeper = new StatisticsKeeper(noon - 10_000_000_000_000);
  const pool = anObservedRoot();
  const spec = { poolRef: { name: "lab" } };
  const early = anAccount(4);
  const done = anObservedTask({ account: early, spec, uid: "done", firstDecided: noon });
  const gone = anObservedTask({ account: anAccount(1), spec, uid: "gone", key: "default/gone" });
  let now = noon;
  /** Items in all, by the rate of the whole window. */
  const items = (traits: Partial<Observed>): number => {
    now += 1000;
    const plan = { decisions: [], usage: [], waiting: [] };
    const told = keeper.update(anObserved({ pool, ...traits }), plan, now).get("lab");
    return Math.round(((told?.itemsPerSecondMilli ?? 0) * (told?.windowMs ?? 0)) / 1_000_000);
  };
  expect(items({ tasks: [done, gone] })).toBe(0);
  for (const item of [0, 1, 2, 3]) early.apply(success(item));
  expect(items({ tasks: [done, gone] })).toBe(4);
  expect(items({ tasks: [], asleep: [new Map([["done", done]])] })).toBe(4);
  expect(items({ tasks: [{ ...done, stage: { kind: "Finished" } }] })).toBe(4);
});
