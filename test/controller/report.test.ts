import { manualClock } from "@dsl/kube-operator/testing";
import { expect, test } from "vitest";
import type { PooledTask } from "../../src/api/pooled-task.ts";
import type { ResourcePoolStatus } from "../../src/api/resource-pool.ts";
import type { Applier } from "../../src/controller/apply.ts";
import type { Observed } from "../../src/controller/observe.ts";
import type { ObservedRoot } from "../../src/controller/observed/pools.ts";
import { Reporter } from "../../src/controller/report.ts";
import type { Recommendation, TaskForecast, Waiting, WouldStart } from "../../src/scheduling/index.ts";
import {
  anAccount,
  anObserved,
  anObservedRoot,
  anObservedTask,
  aPool,
  attempt,
  noon,
  type ObservedTraits,
  running,
  starting,
  success,
} from "./builders.ts";

type Status = NonNullable<PooledTask["status"]>;

/** A task whose status is what was written last. */
class Reported {
  readonly written: Status[] = [];
  readonly #reporter = new Reporter(
    { reportTask: async (_task: PooledTask, status: Status) => void this.written.push(status) } as unknown as Applier,
    manualClock(),
  );

  async at(
    seconds: number,
    traits: ObservedTraits,
    waiting?: Partial<Waiting>,
    forecast?: TaskForecast,
  ): Promise<number | undefined> {
    const stored = this.written.at(-1);
    const task = anObservedTask({ ...traits, ...(stored && { status: stored }) });
    const observed = anObserved({ tasks: [task] });
    const plan = {
      decisions: [],
      usage: [],
      waiting: waiting === undefined ? [] : [{ task: task.key, reason: "PoolFull" as const, message: "", ...waiting }],
    };
    const now = noon + seconds * 1000;
    const forecasts = new Map(forecast === undefined ? [] : [[task.key, forecast]]);
    const { wakeAt } = await this.#reporter.reportTasks(observed, plan, forecasts, now);
    return wakeAt === undefined ? undefined : (wakeAt - noon) / 1000;
  }

  get messages(): readonly (string | undefined)[] {
    return this.written.map(({ queue }) => queue?.message);
  }
}

test("what says the same is not written again", async () => {
  const reported = new Reported();
  await reported.at(0, {}, { message: "0 free" });
  await reported.at(1, {}, { message: "0 free" });
  expect(await reported.at(100, {}, { message: "0 free" })).toBeUndefined();
  expect(reported.written).toHaveLength(1);
});

test("what changes is written once it has stood for a second, with all that has changed meanwhile", async () => {
  const reported = new Reported();
  expect(await reported.at(0, {}, { message: "0 free" })).toBe(1);
  expect(reported.written).toHaveLength(0);
  await reported.at(0.9, { active: [starting(0)] });
  await reported.at(1, { active: [running(0)] });
  expect(reported.written).toHaveLength(1);
  expect(reported.written[0]).not.toHaveProperty("queue");
  expect(await reported.at(8, {}, { message: "0 free" })).toBe(9);
});

test("a task that is over within a second is told once", async () => {
  const reported = new Reported();
  await reported.at(0, {}, { message: "0 free" });
  await reported.at(0.3, { active: [starting(0)] });
  await reported.at(0.5, { active: [running(0)] });
  const account = anAccount(1);
  account.apply(success(0));
  account.apply(attempt(0, "Succeeded"));
  await reported.at(0.7, { account });
  await reported.at(0.8, { account, stage: { kind: "Ended", reason: "Succeeded", message: "1 of 1 items succeeded" } });
  expect(reported.written).toHaveLength(1);
  expect(reported.written[0]).toHaveProperty("completionTime");
});

test("that a task has begun is not told where it is likely over soon", async () => {
  const reported = new Reported();
  const begun = (likelyMs: number): ObservedTraits => {
    const shard = { shard: 0, attempt: 1, node: "node-1", request: {}, state: "Running", since: noon } as const;
    const model = { waiting: [], backingOff: [], active: [shard], expected: { likelyMs } };
    const traits = { active: [running(0)], firstDecided: noon + 10_000 };
    return { ...traits, model: model as unknown as NonNullable<ObservedTraits["model"]> };
  };
  await reported.at(0, {}, { message: "0 free" });
  await reported.at(1, {}, { message: "0 free" });
  expect(await reported.at(10, begun(2000))).toBe(15);
  expect(await reported.at(10, begun(60_000))).toBe(11);
  await reported.at(15, begun(2000));
  expect(reported.written).toHaveLength(2);

  // Nor where nobody has had the time yet to tell why it waited.
  const untold = new Reported();
  await untold.at(0, {}, { message: "0 free" });
  expect(await untold.at(12, begun(2000))).toBe(15);
  expect(untold.written).toHaveLength(0);
});

test("items that have ended while others go on are told each second, the last of them with the end of the task", async () => {
  const reported = new Reported();
  const account = anAccount(3);
  const works = { account, active: [running(2)] };
  await reported.at(0, works);
  await reported.at(1, works);
  account.apply(success(0));
  account.apply(attempt(0, "Succeeded"));
  await reported.at(2, works);
  account.apply(success(1));
  account.apply(attempt(1, "Succeeded"));
  expect(await reported.at(2.5, works)).toBe(3);
  await reported.at(3, works);
  expect(reported.written.map(({ items }) => items?.succeeded)).toEqual([0, 1, 2]);
  account.apply(success(2));
  account.apply(attempt(2, "Succeeded"));
  expect(await reported.at(5, works)).toBe(5);
  expect(reported.written).toHaveLength(3);
});

test("what needs a person is told at once, and so is an answer to a changed spec", async () => {
  const reported = new Reported();
  await reported.at(0, { stage: { kind: "Stalled", reason: "ItemsInvalid", message: "no" } });
  expect(reported.written).toHaveLength(1);
  await reported.at(5, { stage: { kind: "Suspended", by: "spec.suspend" } });
  expect(reported.written).toHaveLength(2);
});

test("a new word is written, a new place or amount in the same sentence every half minute", async () => {
  const reported = new Reported();
  await reported.at(0, {}, { message: "0 free", position: 9 });
  await reported.at(1, {}, { message: "0 free", position: 9 });
  expect(await reported.at(10, {}, { message: "1 free", position: 8 })).toBe(31);
  await reported.at(11, {}, { reason: "NoNodeFits", message: "2 free", position: 7 });
  await reported.at(12, {}, { reason: "NoNodeFits", message: "2 free", position: 6 });
  expect(await reported.at(20, {}, { reason: "NoNodeFits", message: "3 free", position: 5 })).toBe(42);
  await reported.at(42, {}, { reason: "NoNodeFits", message: "3 free", position: 4 });
  await reported.at(43, {}, { reason: "NoNodeFits", message: "3 free", position: 3 });
  expect(reported.messages).toEqual(["0 free", "2 free", "3 free"]);
  expect(reported.written.map(({ queue }) => queue?.position)).toEqual([9, 6, 3]);
});

test("far back in the queue the sentence stays as long as its word", async () => {
  const reported = new Reported();
  await reported.at(0, {}, { reason: "BehindOthers", message: "99 in front", position: 100 });
  await reported.at(1, {}, { reason: "BehindOthers", message: "99 in front", position: 100 });
  expect(await reported.at(3600, {}, { reason: "BehindOthers", message: "50 in front", position: 51 })).toBeUndefined();
  await reported.at(7200, {}, { reason: "BehindOthers", message: "3 in front", position: 4 });
  await reported.at(7201, {}, { reason: "BehindOthers", message: "3 in front", position: 4 });
  expect(reported.messages).toEqual(["99 in front", "3 in front"]);
});

test("what keeps a Pod from starting is told as soon as it is known, and again when it changes", async () => {
  const reported = new Reported();
  await reported.at(0, { active: [starting(0)] });
  await reported.at(1, { active: [starting(0)] });
  await reported.at(2, { active: [starting(0, "ErrImagePull: no")] });
  await reported.at(4, { active: [starting(0, "ImagePullBackOff: no")] });
  expect(reported.messages.slice(1)).toEqual(["ErrImagePull: no", "ImagePullBackOff: no"]);
});

test("that a start is expected is told soon, that it has moved once a minute", async () => {
  const reported = new Reported();
  const expectedAfter = (seconds: number): TaskForecast => ({
    expectedStart: noon + seconds * 1000,
    wouldStartIf: [{ change: { kind: "AddNode" }, message: "one more node" } as unknown as WouldStart],
  });
  const runs = { active: [running(0)] };
  await reported.at(0, runs, { position: 1 });
  await reported.at(1, runs, { position: 1 });
  await reported.at(2, runs, { position: 1 }, expectedAfter(100));
  await reported.at(3, runs, { position: 1 }, expectedAfter(100));
  expect(reported.written.at(-1)?.queue).toMatchObject({
    expectedStart: "2026-01-01T12:01:40Z",
    wouldStartIf: ["one more node"],
  });
  expect(await reported.at(10, runs, { position: 1 }, expectedAfter(110))).toBe(63);
  expect(reported.written).toHaveLength(2);
  await reported.at(63, runs, { position: 1 }, expectedAfter(120));
  expect(reported.written.at(-1)?.queue?.expectedStart).toBe("2026-01-01T12:02:00Z");
});

test("behind the first twenty, and of what is late, nothing is foretold", async () => {
  const reported = new Reported();
  await reported.at(0, {}, { position: 21 }, { expectedStart: noon + 5000, wouldStartIf: [] });
  await reported.at(1, {}, { position: 21 }, { expectedStart: noon + 5000, wouldStartIf: [] });
  expect(reported.written.at(-1)?.queue).not.toHaveProperty("expectedStart");
  await reported.at(40, {}, { position: 1 }, { expectedStart: noon + 5000, wouldStartIf: [] });
  await reported.at(41, {}, { position: 1 }, { expectedStart: noon + 5000, wouldStartIf: [] });
  expect(reported.written.at(-1)?.queue).toMatchObject({ position: 1 });
  expect(reported.written.at(-1)?.queue).not.toHaveProperty("expectedStart");
});

test("of many that wait only so many are told at a time as half a second allows; as long as shards start four a second, after those that work", async () => {
  const written: string[] = [];
  let elapsed = 0;
  const applier = {
    reportTask: async ({ metadata }: PooledTask) => {
      written.push(metadata.uid);
      elapsed += 10;
    },
  } as unknown as Applier;
  const reporter = new Reporter(applier, { monotonic: () => elapsed });
  const waiting = Array.from({ length: 100 }, (_, index) => `waiting-${index}`);
  const report = async (now: number, starts = true): Promise<number | undefined> => {
    const tasks = [...waiting, "working"].map((uid) => {
      const active = starts && uid === "working" ? [running(0)] : [];
      return anObservedTask({ uid, key: `default/${uid}`, active });
    });
    const observed = anObserved({ tasks });
    const words = waiting.map((uid) => ({ task: `default/${uid}`, reason: "PoolFull" as const, message: "0 free" }));
    const start = { kind: "start", task: "default/another", shard: 0, node: "node-1" } as const;
    const decisions = starts ? [start] : [];
    const { wakeAt } = await reporter.reportTasks(observed, { decisions, usage: [], waiting: words }, new Map(), now);
    return wakeAt;
  };
  await report(noon, false);
  expect(written).toEqual([]);
  expect(await report(noon + 1000, false)).toBe(noon + 1000);
  expect(written.length).toBeGreaterThan(40);
  expect(written.length).toBeLessThan(80);

  written.length = 0;
  expect(await report(noon + 1600)).toBe(noon + 2600);
  expect(written).toHaveLength(3);
  expect(written[0]).toBe("working");
  await report(noon + 2100);
  expect(written).toHaveLength(5);
  await report(noon + 60_000);
  expect(written.filter((uid) => uid !== "working")).toHaveLength(8);
  await report(noon + 61_500, false);
  expect(written.filter((uid) => uid !== "working")).toHaveLength(12);
  await report(noon + 62_000, false);
  expect(written.length).toBeGreaterThan(60);
});

test("what would help a pool is news; by how much is not, and is written with something else", async () => {
  const written: ResourcePoolStatus[] = [];
  const applier = {
    queue: () => ({ openStarts: [] }),
    reportPool: async (_: Observed, __: ObservedRoot, status: ResourcePoolStatus) => void written.push(status),
  };
  const reporter = new Reporter(applier as unknown as Applier, manualClock());
  const report = async (seconds: number, type: Recommendation["type"], gain: string): Promise<void> => {
    const status = written.at(-1);
    const object = { ...aPool("lab"), ...(status && { status }) };
    const observed = anObserved({ pool: anObservedRoot({ object }) });
    const advice = [{ type, pool: "lab", reason: "", gain, cost: "" }];
    const plan = { decisions: [], usage: [], waiting: [] };
    await reporter.reportPools(observed, plan, new Map(), advice, noon + seconds * 1000);
  };
  await report(0, "AddNodes", "9 min -> 3 min");
  await report(100, "AddNodes", "8 min -> 3 min");
  expect(written).toHaveLength(1);
  await report(200, "RaiseLimit", "8 min -> 3 min");
  expect(written.map(({ recommendations }) => recommendations?.[0]?.type)).toEqual(["AddNodes", "RaiseLimit"]);
});
