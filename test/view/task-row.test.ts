import { describe, expect, test } from "vitest";
import { taskRow } from "../../src/view/task-row.ts";
import { aTask, at, conditions, shards, startOfTests } from "./objects.ts";

const queue = { position: 3, reason: "PoolFull", message: "none is free" } as const;
const stalled = { queue, conditions: conditions({ Finished: "False", Stalled: "True" }) };
const rowOf = (task: ReturnType<typeof aTask>) => taskRow(task, startOfTests);

describe("the stage of a task, by the table of the API", () => {
  test.each([
    ["Waiting", aTask()],
    ["Waiting", aTask({ queue, conditions: conditions({ Finished: "False", Reconciling: "True" }) })],
    ["Running", aTask({ queue, shards: shards({ running: 1, waiting: 99 }) })],
    ["Suspending", aTask({ shards: shards({ running: 1 }) }, { suspend: true })],
    ["Starting", aTask({ queue, shards: shards({ starting: 20, waiting: 80 }) })],
    ["Suspending", aTask({ shards: shards({ starting: 1 }) }, { suspend: true })],
    ["Suspended", aTask({}, { suspend: true })],
    ["Cancelling", aTask({ shards: shards({ running: 1 }) }, { cancel: true })],
    ["Cancelling", aTask(stalled, { cancel: true }, { generation: 2 })],
    [
      "Succeeded",
      aTask({ conditions: conditions({ Succeeded: "True", Finished: "True" }) }, { cancel: true }, { generation: 2 }),
    ],
    ["Failed", aTask({ conditions: conditions({ Succeeded: "False", Finished: "True" }) }, { cancel: true })],
    ["NeedsPerson", aTask(stalled)],
    ["Succeeded", aTask({ conditions: conditions({ Succeeded: "True", Finished: "True" }) })],
    ["Failed", aTask({ conditions: conditions({ Succeeded: "False", Finished: "True", Stalled: "True" }) })],
    ["Deleting", aTask({}, {}, { deletionTimestamp: at(9) })],
  ])("%s", (stage, task) => {
    expect(rowOf(task).stage).toBe(stage);
  });
});

test("the end of a task says why, what waits says what for", () => {
  const ended = aTask({
    queue,
    conditions: conditions({ Succeeded: "False ItemsFailed 3 of 100 failed", Finished: "True" }),
  });
  expect(rowOf(ended)).toMatchObject({ reason: "ItemsFailed", message: "3 of 100 failed" });
  expect(rowOf(aTask({ queue }))).toMatchObject({ reason: "PoolFull", message: "none is free", position: 3 });
  expect(rowOf(aTask({ shards: shards({ running: 1 }) }))).toMatchObject({ reason: undefined });
});

test("conditions of an older spec say nothing: a raised retryFailed opens a finished task again", () => {
  const status = { queue, conditions: conditions({ Succeeded: "False ItemsFailed", Finished: "True" }) };
  expect(rowOf(aTask(status, { retryFailed: 1 }, { generation: 2 }))).toMatchObject({
    stage: "Waiting",
    reason: undefined,
  });
});

test("counts, rate and the time that is left come from the status", () => {
  const row = rowOf(
    aTask({
      items: { total: 1000, succeeded: 675, failed: 4 },
      progress: { percent: 67, itemsPerSecondMilli: 5100, estimatedCompletion: at(63) },
    }),
  );
  expect(row).toMatchObject({ percent: 67, itemsPerSecondMilli: 5100, remainingMs: 63_000 });
});

test("a forecast that has passed is nothing left, and a finished task has none", () => {
  const progress = { percent: 50, estimatedCompletion: at(-5) };
  expect(rowOf(aTask({ progress })).remainingMs).toBe(0);
  expect(rowOf(aTask({ progress, conditions: conditions({ Finished: "True" }) })).remainingMs).toBeUndefined();
});

test("a task without items is done when it has ended, not before", () => {
  const items = { total: 0, succeeded: 0, failed: 0 };
  expect(rowOf(aTask({ items })).percent).toBe(0);
  expect(rowOf(aTask({ items, conditions: conditions({ Succeeded: "True", Finished: "True" }) })).percent).toBe(100);
});
