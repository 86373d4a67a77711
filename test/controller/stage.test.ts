import { expect, test } from "vitest";
import type { PooledTask, PooledTaskSpec } from "../../src/api/pooled-task.ts";
import { type Facts, isFinished, type Stage, stageOf } from "../../src/controller/stage.ts";
import { aTask, at, conditions, startOfTests } from "../view/objects.ts";
import { anAccount, attempt, failure, success } from "./builders.ts";

interface Traits extends Partial<Omit<Facts, "task" | "spec">> {
  readonly spec?: Partial<PooledTaskSpec>;
  readonly status?: PooledTask["status"];
  readonly nowSeconds?: number;
  readonly deleted?: true;
}

function stage({ spec, status, nowSeconds = 0, deleted, ...facts }: Traits = {}): Stage {
  const task = aTask(status, spec, deleted && { deletionTimestamp: at(0) });
  return stageOf(
    {
      task,
      spec: task.spec,
      problems: [],
      account: anAccount(2),
      unsettledAttempts: 0,
      firstDecided: undefined,
      ...facts,
    },
    startOfTests + nowSeconds * 1000,
  );
}

const withLines = (
  ...lines: readonly Parameters<ReturnType<typeof anAccount>["apply"]>[0][]
): ReturnType<typeof anAccount> => {
  const account = anAccount(2);
  for (const line of lines) account.apply(line);
  return account;
};
const allDone = withLines(success(0), attempt(0, "Succeeded"), success(1), attempt(1, "Succeeded"));
const oneFailed = withLines(success(0), attempt(0, "Succeeded"), failure(1), attempt(1, "Failed"));

test.each<[string, Traits, object]>([
  ["open while something is left to do", {}, { kind: "Open" }],
  ["suspended when its spec says so", { spec: { suspend: true } }, { kind: "Suspended" }],
  ["ended once every item has a result", { account: allDone }, { kind: "Ended", reason: "Succeeded" }],
  [
    "ending while an attempt is not recorded",
    { account: allDone, unsettledAttempts: 1 },
    { kind: "Ending", reason: "Succeeded" },
  ],
  ["ended with items failed", { account: oneFailed }, { kind: "Ended", reason: "ItemsFailed" }],
  ["open again when retryFailed is raised", { account: oneFailed, spec: { retryFailed: 1 } }, { kind: "Open" }],
  [
    "ending while it is cancelled and something runs",
    { spec: { cancel: true }, unsettledAttempts: 2 },
    { kind: "Ending", reason: "Cancelled" },
  ],
  [
    "succeeded even if it is cancelled after its end",
    { spec: { cancel: true }, account: allDone },
    { kind: "Ended", reason: "Succeeded" },
  ],
  [
    "over its deadline, counted from the first start",
    { spec: { activeDeadlineSeconds: 10 }, firstDecided: startOfTests, nowSeconds: 10 },
    { kind: "Ended", reason: "DeadlineExceeded" },
  ],
  [
    "not over its deadline before",
    { spec: { activeDeadlineSeconds: 10 }, firstDecided: startOfTests, nowSeconds: 9 },
    { kind: "Open" },
  ],
  [
    "in need of a person",
    { problems: [{ reason: "ItemsChanged", field: "spec.items", message: "changed" }] },
    { kind: "Stalled", reason: "ItemsChanged" },
  ],
  [
    "cancelled rather than stalled",
    { spec: { cancel: true }, problems: [{ reason: "ItemsChanged", field: "spec.items", message: "changed" }] },
    { kind: "Ended", reason: "Cancelled" },
  ],
  ["deleted before all else", { deleted: true, account: allDone }, { kind: "Deleting" }],
  [
    "finished once its end is written down",
    { account: allDone, status: { conditions: conditions({ Finished: "True" }) } },
    { kind: "Finished" },
  ],
])("a task is %s", (_, traits, expected) => {
  expect(stage(traits)).toMatchObject(expected);
});

test("a finished task is opened by retryFailed until its status says that it was heard, also where it is cancelled meanwhile", () => {
  const status = { handledRetry: 1, conditions: conditions({ Finished: "True" }) };
  const finished = (spec: Partial<PooledTaskSpec>): boolean => {
    const task = aTask(status, spec);
    return isFinished(task, task.spec);
  };
  expect(finished({ retryFailed: 1 })).toBe(true);
  expect(finished({ retryFailed: 2 })).toBe(false);
  expect(finished({ retryFailed: 2, cancel: true })).toBe(false);
  expect(finished({ retryFailed: 1, cancel: true })).toBe(true);
});
