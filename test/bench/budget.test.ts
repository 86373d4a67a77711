import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Budget, judge } from "../../bench/budget.ts";

const most: Budget = {
  name: "shards.writesPerShard",
  unit: "writes",
  kind: "count",
  value: 10,
  margin: 0.1,
  machine: "any",
  date: "2026-01-01",
};
const least: Budget = { ...most, name: "engines.ratio", unit: "", kind: "ratio", bound: "least", value: 15 };

describe("a budget", () => {
  test("is kept up to its margin, and fails beyond it with figure, limit and margin", () => {
    expect(judge(most, "shards", {}, { writesPerShard: 11 })).toBeUndefined();
    expect(judge(most, "shards", {}, { writesPerShard: 11.1 })).toEqual({
      words: "shards.writesPerShard is 11.1 writes, over its budget of 10 writes by more than 10 %",
      fails: true,
    });
  });

  test("may be a least", () => {
    expect(judge(least, "engines", {}, { ratio: 13.5 })).toBeUndefined();
    expect(judge(least, "engines", {}, { ratio: 13.4 })?.words).toMatch(/under its budget of 15/);
  });

  test("finds a figure within a group", () => {
    const stall = { ...most, name: "cache.startStallMs.work" };
    expect(judge(stall, "cache", {}, { startStallMs: { elapsed: 500, work: 9 } })).toBeUndefined();
    expect(judge(stall, "cache", {}, { startStallMs: { elapsed: 5, work: 12 } })?.fails).toBe(true);
  });

  test("holds for the flags that it names", () => {
    const direct = { ...most, when: { binding: "Direct" } };
    expect(judge(direct, "shards", { binding: "Auto" }, { writesPerShard: 99 })).toBeUndefined();
    expect(judge(direct, "shards", { binding: "Direct" }, { writesPerShard: 99 })?.fails).toBe(true);
  });

  test("of time on the wall is told, and fails nobody", () => {
    expect(judge({ ...most, kind: "wall" }, "shards", {}, { writesPerShard: 99 })?.fails).toBe(false);
  });

  test("has a value, a margin, a machine and a date, for each in budgets.json", () => {
    const all: Budget[] = JSON.parse(readFileSync(new URL("../../bench/budgets.json", import.meta.url), "utf8"));
    for (const { name, value, margin, machine, date } of all) {
      expect(name).toMatch(/^[a-z-]+(\.\w+)+$/);
      expect([typeof value, typeof margin]).toEqual(["number", "number"]);
      expect(machine).not.toBe("");
      expect(date).toMatch(/^\d{4}-\d\d-\d\d$/);
    }
  });
});
