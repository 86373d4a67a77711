import { expect, test } from "vitest";
import { linesOf, resultBytesIn } from "../../src/controller/settle.ts";
import { anAccount, ended, noon, success } from "./builders.ts";

const limits = { startMs: 60_000, resultBytesLeft: 1000 };

test("the line of the attempt stands after those of its items", () => {
  const outcomes = [{ item: 0, ms: 5, exit: 0, result: "x" }];
  const lines = linesOf(ended({ outcomes }), anAccount(1), limits);
  expect(lines.map(({ kind }) => kind)).toEqual(["item", "attempt"]);
  expect(lines[0]).toMatchObject({ item: 0, shard: 0, attempts: 1, node: "node-1", result: "x" });
  expect(lines[1]).toMatchObject({ shard: 0, attempt: 1, outcome: "Succeeded", pod: "pod-uid", decided: noon });
});

test("an item that had succeeded already gets no second line", () => {
  const account = anAccount(2, { chunk: 2 });
  account.apply(success(0));
  const outcomes = [0, 1].map((item) => ({ item, ms: 5, exit: 0, result: "x" }));
  const lines = linesOf(ended({ items: [0, 1], outcomes }), account, limits);
  expect(lines.flatMap((line) => (line.kind === "item" ? [line.item] : []))).toEqual([1]);
});

test("results over what is left are counted as ranges, failures are always told", () => {
  const outcomes = [
    { item: 0, ms: 5, exit: 0, result: "12345678" },
    { item: 1, ms: 5, exit: 0, result: "12345678" },
    { item: 2, ms: 7, exit: 0, result: "12345678" },
    { item: 3, ms: 5, exit: 1, reason: "Error" },
  ];
  const lines = linesOf(ended({ items: [0, 1, 2, 3], outcomes }), anAccount(4, { chunk: 4 }), {
    ...limits,
    resultBytesLeft: 10,
  });
  expect(lines.map(({ kind }) => kind)).toEqual(["item", "item", "unkept", "attempt"]);
  expect(lines[2]).toEqual({ kind: "unkept", items: "1-2", ms: 12 });
  expect(resultBytesIn(lines)).toBe(8);
});

test("a time-out is charged to the item that was running, and to no other", () => {
  const stopped = ended({ outcome: "Stopped", items: [0, 1, 2], handedBack: [1, 2], interrupted: [1] });
  const lines = linesOf(stopped, anAccount(3, { chunk: 3 }), { ...limits, runMs: 2000 }, "TimedOut");
  expect(lines).toMatchObject([{ item: 1, reason: "TimedOut", ms: 2000 }, { outcome: "TimedOut" }]);
});

test("a container that never started is charged to all its items", () => {
  const { start: _, ...waited } = ended({ outcome: "Stopped", items: [0, 1], handedBack: [0, 1] });
  const lines = linesOf(waited, anAccount(2, { chunk: 2 }), limits, "TimedOut");
  expect(lines.map((line) => (line.kind === "item" ? [line.item, line.reason] : line.kind))).toEqual([
    [0, "TimedOut"],
    [1, "TimedOut"],
    "attempt",
  ]);
});

test("who remembers why a shard was stopped is believed; else its times tell", () => {
  const account = anAccount(1);
  const late = ended({ outcome: "Stopped", items: [0], handedBack: [0], interrupted: [0] });
  const outcome = (...rest: Parameters<typeof linesOf> extends [unknown, unknown, ...infer R] ? R : never): unknown => {
    const line = linesOf(late, account, ...rest).at(-1);
    return line?.kind === "attempt" && line.outcome;
  };
  expect(outcome({ ...limits, runMs: 2000 }, "Suspended")).toBe("Stopped");
  expect(outcome({ ...limits, runMs: 2000 })).toBe("TimedOut");
  expect(outcome({ ...limits, runMs: 2001 })).toBe("Stopped");
  expect(outcome(limits)).toBe("Stopped");
});

test("of a large chunk that fails as a whole only the first items get its words", () => {
  const items = Array.from({ length: 1000 }, (_, item) => item);
  const outcomes = items.map((item) => ({ item, exit: 1, reason: "Error", message: "x".repeat(2048) }));
  const lines = linesOf(ended({ outcome: "Failed", items, outcomes }), anAccount(1000, { chunk: 1000 }), limits);
  expect(lines.filter((line) => line.kind === "item" && line.message !== undefined)).toHaveLength(16);
  expect(lines).toHaveLength(1001);
});

test("a lost attempt charges nothing", () => {
  expect(linesOf(ended({ outcome: "Lost", handedBack: [0] }), anAccount(1), limits)).toMatchObject([
    { outcome: "Lost" },
  ]);
});
