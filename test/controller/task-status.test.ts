import { describe, expect, test } from "vitest";
import type { PooledTask } from "../../src/api/pooled-task.ts";
import { isTold, type TaskPlan, taskStatus } from "../../src/controller/task-status.ts";
import { aTask } from "../support/scheduling.ts";
import {
  anAccount,
  anObservedTask,
  attempt,
  failure,
  noon,
  type ObservedTraits,
  running,
  starting,
  success,
} from "./builders.ts";

type Status = NonNullable<PooledTask["status"]>;

function status(traits: ObservedTraits = {}, plan: Partial<TaskPlan> = {}, seconds = 10): Status {
  const found = taskStatus(anObservedTask(traits), { starts: 0, waiting: undefined, ...plan }, noon + seconds * 1000);
  if (found === undefined) throw new Error("nothing is to be written");
  return found;
}

const conditionsOf = ({ conditions = [] }: Status): string[] =>
  conditions.map(({ type, status: is, reason }) => `${type}=${is} ${reason}`);

const waits = (position: number): TaskPlan["waiting"] => ({
  task: "default/squares",
  reason: "PoolFull",
  message: "lab has 0 free",
  position,
});

test("a task that waits says why, and its place if it is among the first twenty", () => {
  expect(status({}, { waiting: waits(20) }).queue).toEqual({
    position: 20,
    reason: "PoolFull",
    message: "lab has 0 free",
  });
  expect(status({}, { waiting: waits(21) }).queue).toEqual({ reason: "PoolFull", message: "lab has 0 free" });
});

describe("who stands far back", () => {
  const plan = { starts: 0, waiting: waits(30) };
  const account = anAccount(6);
  const told = status({ account }, plan);
  const stored = (change: Partial<Status> = {}, traits: ObservedTraits = {}): ReturnType<typeof anObservedTask> =>
    anObservedTask({ account, ...traits, status: { ...told, ...change } });

  test("and is told why it waits is told the same: its status need not be made anew", () => {
    const task = stored();
    expect(isTold(task, plan)).toBe(true);
    expect(taskStatus(task, plan, noon + 60_000)).toEqual(task.object.status);
  });

  test.each<[string, ReturnType<typeof anObservedTask>, TaskPlan]>([
    ["comes to the front", stored(), { ...plan, waiting: waits(20) }],
    [
      "waits for something else",
      stored(),
      { ...plan, waiting: { task: "a/b", reason: "NeverFits", message: "", position: 30 } },
    ],
    ["starts", stored(), { ...plan, starts: 1 }],
    ["runs", stored({}, { active: [running(0)] }), plan],
    ["is changed", stored({ observedGeneration: 7 }), plan],
    ["was in front", stored({ queue: { ...told.queue, position: 3 } as never }), plan],
    ["is suspended", stored({}, { stage: { kind: "Suspended", by: "spec.suspend" } as never }), plan],
    ["has lost its conditions", stored({ conditions: [] }), plan],
    ["has never been told", anObservedTask({ account }), plan],
  ])("has something to be told when it %s", (_, task, its) => {
    expect(isTold(task, its)).toBe(false);
  });
});

test("what keeps the first Pod from starting is told, and not once all run well", () => {
  const told = status({ active: [running(0), starting(1, "ImagePullBackOff: no such image")] }).queue;
  expect(told).toEqual({ reason: "Starting", message: "ImagePullBackOff: no such image" });
  expect(status({ active: [starting(1)] }).queue?.reason).toBe("Starting");
  expect(status({ active: [running(0), starting(1)] }).queue).toBeUndefined();
});

test("an image name that can never be pulled is told to be one, and how long it is waited for", () => {
  const words = 'InvalidImageName: couldn\'t parse image name "Busy Box"';
  const { message } = status({ active: [starting(0, words)] }).queue ?? {};
  expect(message).toBe(
    `${words}; this does not get better by itself: cancel the task and make it anew with a valid image name; meanwhile each Pod is waited for until spec.startTimeoutSeconds (1800 s) and then counts as failed`,
  );
});

test("shards are counted where they are", () => {
  const account = anAccount(6);
  for (const line of [success(0), attempt(0, "Succeeded"), failure(1), attempt(1, "Failed")]) account.apply(line);
  const model = { waiting: [{ start: 4, end: 6 }], backingOff: [] } as unknown as NonNullable<ObservedTraits["model"]>;
  const { shards } = status({ account, active: [running(2), starting(3)], model }, { starts: 1 });
  expect(shards).toEqual({ total: 6, waiting: 1, starting: 2, running: 1, succeeded: 1, failed: 1 });
});

describe("the estimate", () => {
  const account = anAccount(100);
  for (const line of [success(0), attempt(0, "Succeeded")]) account.apply(line);
  const model = { ...aTask("squares", { expected: { likelyMs: 3000 } }), waiting: [{ start: 20, end: 100 }] };
  const shown = { startMs: 10_000, ends: undefined };
  const outlook = { shown } as NonNullable<ObservedTraits["outlook"]>;
  const active = Array.from({ length: 20 }, (_, shard) => starting(shard));

  test("is of all that waits on the places there are, and not of the rate while the first were starting", () => {
    const { progress, summary } = status({ account, active, model, outlook }, {}, 11);
    expect(progress).toEqual({ percent: 1, itemsPerSecondMilli: 100, estimatedCompletion: "2026-01-01T12:01:03Z" });
    expect(summary).toEqual({ items: "1/100", eta: "52s" });
  });

  test("is no less than at the rate since the first end, which knows how long a place is empty in between", () => {
    const ends = { since: noon - 9000, first: noon - 9000, last: noon + 10_000, count: 20, items: 21 };
    expect(
      status({ account, active, model, outlook: { ...outlook, shown: { ...shown, ends } } }, {}, 11).summary,
    ).toEqual({
      items: "1/100",
      eta: "100s",
    });
  });

  test("does not go by that rate before each place has had its turn", () => {
    const etaAfter = (count: number): string | undefined => {
      const ends = { since: noon, first: noon + 1000, last: noon + 10_000, count, items: count + 1 };
      return status({ account, active, model, outlook: { ...outlook, shown: { ...shown, ends } } }, {}, 11).summary
        ?.eta;
    };
    expect(etaAfter(9)).toBe("52s");
    // The first to end are the quickest: of twenty places ten have to have seen an end.
    expect(etaAfter(8)).toBeUndefined();
  });

  test("goes with a rate that counts since the task last rested", () => {
    const again = anAccount(100);
    const ended = (item: number, seconds: number): void => {
      const at = noon + seconds * 1000;
      again.apply(success(item));
      again.apply({ ...attempt(item, "Succeeded"), decided: at - 5000, start: at - 4000, end: at });
    };
    ended(0, 10);
    ended(1, 12);
    const rate = (seconds: number) => status({ account: again, active }, {}, seconds).progress?.itemsPerSecondMilli;
    expect(rate(14)).toBe(250);
    // The night in between is not counted.
    ended(2, 50_004);
    expect(rate(50_004)).toBe(250);
  });

  test("is not told before the task has shown how long its items take, nor while it has no place", () => {
    const { shown: _, ...nothing } = outlook;
    for (const traits of [
      { active, outlook: nothing },
      { active: [], outlook },
    ]) {
      const { progress, summary } = status({ account, model, ...traits }, {}, 11);
      expect(progress).not.toHaveProperty("estimatedCompletion");
      expect(summary).toEqual({ items: "1/100" });
    }
  });
});

describe("while the first of it start and the others wait", () => {
  const model = { waiting: [{ start: 20, end: 100 }], backingOff: [] } as unknown as NonNullable<
    ObservedTraits["model"]
  >;
  const account = anAccount(100);
  const active = Array.from({ length: 20 }, (_, shard) => starting(shard));

  test("it is starting, and its queue says what the others wait for", () => {
    const told = status({ account, active, model }, { waiting: waits(1) });
    expect(told.queue).toMatchObject({ position: 1, reason: "PoolFull" });
    expect(told.conditions?.find(({ type }) => type === "Succeeded")).toMatchObject({
      reason: "Starting",
      message: "20 starting, 80 waiting for a place",
    });
    const decided = status({ account, model }, { waiting: waits(1), starts: 1 });
    expect(decided.conditions?.[0]?.message).toBe("1 starting, 79 waiting for a place");
  });

  test("what keeps those from starting is told before what the others wait for", () => {
    const stuck = status(
      { account, active: [starting(0, "ErrImagePull: no such image")], model },
      { waiting: waits(1) },
    );
    expect(stuck.queue).toEqual({ reason: "Starting", message: "ErrImagePull: no such image" });
  });
});

test("failures that are alike are told once, by the first item, with how many there are", () => {
  const account = anAccount(30);
  for (let item = 29; item >= 0; item -= 1)
    account.apply(failure(item, 1, { message: item % 2 === 0 ? "even" : "odd" }));
  expect(status({ account }).failures?.map(({ item, message, count }) => [item, message, count])).toEqual([
    [0, "even", 15],
    [1, "odd", 15],
  ]);
});

test("at most ten kinds of failures are told, and their words are cut", () => {
  const account = anAccount(30);
  for (let item = 0; item < 30; item += 1) account.apply(failure(item, 1, { message: `${item} `.padEnd(3000, "x") }));
  const { failures = [] } = status({ account });
  expect(failures).toHaveLength(10);
  expect(failures[0]?.message).toHaveLength(1024);
});

test("conditions keep the time at which they turned, not that of their last word", () => {
  const before = status({}, { waiting: waits(1) }, 0);
  const after = status({ status: before, active: [running(0)] }, {}, 60);
  const ready = after.conditions?.find(({ type }) => type === "Ready");
  expect(ready).toMatchObject({ reason: "Running", lastTransitionTime: "2026-01-01T12:00:00Z" });
  expect(conditionsOf(after)).toContain("Reconciling=True Running");
});

test("a task that needs a person does not say that it is being reconciled", () => {
  const stalled = status({ stage: { kind: "Stalled", reason: "ItemsInvalid", message: "no items" } });
  expect(conditionsOf(stalled)).toEqual([
    "Succeeded=Unknown ItemsInvalid",
    "Finished=False ItemsInvalid",
    "Ready=False ItemsInvalid",
    "Stalled=True ItemsInvalid",
  ]);
  const never = status({}, { waiting: { task: "default/squares", reason: "NeverFits", message: "too large" } });
  expect(conditionsOf(never)).toContain("Stalled=True NeverFits");
});

test("a task is suspended only once nothing runs any more", () => {
  const suspended = { kind: "Suspended", by: "spec.suspend" } as const;
  expect(conditionsOf(status({ stage: suspended, active: [running(0)] }))).toContain("Reconciling=True Suspending");
  expect(conditionsOf(status({ stage: suspended }))).toEqual([
    "Succeeded=Unknown Suspended",
    "Finished=False Suspended",
    "Ready=False Suspended",
  ]);
});

test("what ended by itself ended with its last attempt; what we ended, now", () => {
  const account = anAccount(1);
  for (const line of [success(0), attempt(0, "Succeeded")]) account.apply(line);
  const succeeded = status({ account, stage: { kind: "Ended", reason: "Succeeded", message: "" } }, {}, 600);
  expect(succeeded.completionTime).toBe("2026-01-01T12:00:03Z");
  const cancelled = status({ account, stage: { kind: "Ended", reason: "Cancelled", message: "" } }, {}, 600);
  expect(cancelled.completionTime).toBe("2026-01-01T12:10:00Z");
});

test("of a task that is finished or being deleted nothing is written", () => {
  for (const kind of ["Finished", "Deleting"] as const) {
    expect(taskStatus(anObservedTask({ stage: { kind } }), { starts: 0, waiting: undefined }, noon)).toBeUndefined();
  }
});
