import { describe, expect, test } from "vitest";
import { backoffMs } from "../../src/controller/account.ts";
import { anAccount, attempt, failure, noon, success } from "./builders.ts";

describe("an account of a task's records", () => {
  test("an accepted success is never replaced, whatever comes after it", () => {
    const account = anAccount(2, { reduce: "Sum" });
    for (const line of [success(0, "5"), success(0, "7"), failure(0)]) account.apply(line);
    expect(account.done.count).toBe(1);
    expect(account.reduction?.value()).toBe("5");
    expect(account.failedItems()).toEqual([]);
  });

  test("an item has failed for good once it failed once more than it may be retried", () => {
    const account = anAccount(1, { retries: 1 });
    account.apply(failure(0));
    account.apply(attempt(0, "Failed"));
    expect([account.isSettled(0), account.failedCount, account.openItems(0)]).toEqual([false, 0, [0]]);
    account.apply(failure(0, 2));
    account.apply(attempt(0, "Failed", 2));
    expect([account.isSettled(0), account.failedCount, account.openItems(0)]).toEqual([true, 1, []]);
    expect(account.isComplete).toBe(true);
  });

  test("raising the retries opens what had failed for good", () => {
    const account = anAccount(1);
    account.apply(failure(0));
    account.apply(attempt(0, "Failed"));
    expect(account.isComplete).toBe(true);
    account.retries = 1;
    expect([account.isComplete, account.openItems(0)]).toEqual([false, [0]]);
  });

  test("a round of retryFailed opens the failed items once, and counts their retries anew", () => {
    const account = anAccount(2);
    for (const line of [failure(0), attempt(0, "Failed"), success(1), attempt(1, "Succeeded")]) account.apply(line);
    account.apply({ kind: "retry", round: 1 });
    account.retries = 0;
    expect([account.retryRound, account.openItems(0), account.openItems(1)]).toEqual([1, [0], []]);
    account.apply(failure(0, 2));
    account.apply(attempt(0, "Failed", 2));
    account.apply({ kind: "retry", round: 1 });
    account.retries = 0;
    expect(account.openItems(0)).toEqual([]);
  });

  test("a shard runs again after a delay that doubles, unless we stopped it or it handed items back", () => {
    const account = anAccount(3, { retries: 9 });
    for (const line of [failure(0), attempt(0, "Failed"), failure(0, 2), attempt(0, "Failed", 2)]) account.apply(line);
    account.apply(attempt(1, "Stopped"));
    expect(account.retryAt(0)).toBe(noon + 3000 + 2000);
    expect(account.retryAt(1)).toBe(noon + 3000);
    expect(account.retryAt(2)).toBe(0);
    expect([0, 1, 2, 3, 7, 50].map(backoffMs)).toEqual([0, 1000, 2000, 4000, 60_000, 60_000]);
  });

  test("an attempt counts as recorded by its own line, not by its items'", () => {
    const account = anAccount(4, { chunk: 2 });
    account.apply(success(0));
    expect(account.isRecorded(0, 1)).toBe(false);
    account.apply(attempt(0, "Succeeded"));
    expect([account.isRecorded(0, 1), account.isRecorded(0, 2), account.lastAttempt(0)]).toEqual([true, false, 1]);
    expect(account.openItems(0)).toEqual([1]);
  });

  test("items whose results are not kept are done all the same", () => {
    const account = anAccount(10);
    account.apply({ kind: "unkept", items: "2-4,7", ms: 500 });
    expect([account.done.count, account.unkept, account.resultBytes]).toEqual([4, 4, 0]);
  });

  test("results are counted in bytes, not in characters", () => {
    const account = anAccount(1);
    account.apply(success(0, "äö€"));
    expect(account.resultBytes).toBe(7);
  });

  test("lines about items and shards that there are not change nothing", () => {
    const account = anAccount(1);
    for (const line of [success(7), attempt(7, "Failed"), { kind: "unkept", items: "0-999", ms: 0 } as const])
      account.apply(line);
    expect([account.done.count, account.shards, account.failedCount]).toEqual([1, 1, 0]);
  });

  test("what was cut short is work that is wasted, less the items that were done by then", () => {
    const account = anAccount(2, { chunk: 2 });
    account.apply(success(0, "x", { ms: 500 }));
    account.apply(attempt(0, "Lost"));
    expect(account.facts).toMatchObject({ workMs: 500, wastedMs: 1500, heldMs: 3000 });
  });

  test("the same lines give the same account after a restart", () => {
    const lines = [success(0), attempt(0, "Succeeded"), failure(1), attempt(1, "Failed"), attempt(2, "Lost")];
    const [one, other] = [anAccount(3, { retries: 1 }), anAccount(3, { retries: 1 })];
    for (const line of lines) one.apply(line);
    for (const line of lines) other.apply(JSON.parse(JSON.stringify(line)));
    expect([...other.openShards()]).toEqual([...one.openShards()]);
    expect([...one.openShards()]).toEqual([{ start: 1, end: 3 }]);
    expect(other.facts).toEqual(one.facts);
  });

  test("where chunks are cut as needed, a shard is there once it is cut, and the task ends when nothing is left to cut", () => {
    const account = anAccount(4, { chunk: "Auto" });
    account.apply({ kind: "cut", shard: 0, cut: "0-2" });
    expect([account.shards, account.uncutItems, [...account.openShards()]]).toEqual([1, 1, [{ start: 0, end: 1 }]]);
    for (const item of [0, 1, 2]) account.apply(success(item));
    account.apply(attempt(0, "Succeeded"));
    expect([account.isSettled(0), account.isComplete]).toEqual([true, false]);
    account.apply({ kind: "cut", shard: 1, cut: "3" });
    expect(account.openItems(1)).toEqual([3]);
    for (const line of [success(3), attempt(1, "Succeeded")]) account.apply(line);
    expect(account.isComplete).toBe(true);
  });

  test("what an attempt handed back is cut again under a new number; what was lost with its node is not", () => {
    const account = anAccount(6, { chunk: "Auto", retries: 1 });
    account.apply({ kind: "cut", shard: 0, cut: "0-3" });
    for (const line of [success(0), failure(1)]) account.apply(line);
    account.apply(attempt(0, "Failed", 1, { handedBack: "2-3" }));
    expect([account.openItems(0), account.uncutItems]).toEqual([[1], 4]);
    account.apply({ kind: "cut", shard: 1, cut: "2-4" });
    account.apply(attempt(1, "Lost"));
    expect([account.openItems(1), account.uncutItems]).toEqual([[2, 3, 4], 1]);
  });

  test("a cut of items that another shard has is somebody's edit, and changes nothing", () => {
    const account = anAccount(6, { chunk: "Auto" });
    account.apply({ kind: "cut", shard: 0, cut: "0-3" });
    for (const cut of ["2-5", "4-9", "x", ""]) account.apply({ kind: "cut", shard: 1, cut });
    account.apply({ kind: "cut", shard: 7, cut: "4" });
    expect([account.shards, account.uncutItems]).toEqual([1, 2]);
  });

  test("it learns of its attempts: an item in the mean, the start, and the longest results of late", () => {
    const account = anAccount(9, { chunk: 3 });
    for (const item of [0, 1, 2]) account.apply(success(item, "12345", { ms: 1000 * (1 + item) }));
    account.apply(attempt(0, "Succeeded"));
    expect(account.learned).toMatchObject({ itemMs: { count: 1, mean: 2000 }, startMs: { mean: 1000 }, bytes: 5 });
    account.apply(success(3, "1", { ms: 4000 }));
    account.apply(attempt(1, "Lost"));
    expect(account.learned).toMatchObject({ itemMs: { count: 2, mean: 2600 }, bytes: 3.8 });
    // Results that are not kept tell nothing of their length.
    account.apply({ kind: "unkept", items: "4-5", ms: 5200 });
    account.apply(attempt(1, "Succeeded", 2));
    expect(account.learned).toMatchObject({ itemMs: { count: 3, mean: 2600 }, bytes: 3.8 });
  });
});
