import type { KubeApi } from "@dsl/kube-operator";
import { expect, test } from "vitest";
import type { Observed } from "../../src/controller/observe.ts";
import { Remover } from "../../src/controller/remover.ts";
import { keptAttempts } from "../../src/controller/retention.ts";
import type { WritableStores } from "../../src/controller/stores.ts";
import { TasksByPool } from "../../src/controller/tasks-by-pool.ts";
import { attemptKey } from "../../src/engine/views.ts";
import {
  aJob,
  anAccount,
  anObserved,
  anObservedTask,
  attempt,
  noon,
  type ObservedTraits,
  success,
} from "./builders.ts";

/** A task with so many attempts that are recorded and not needed any more. */
function aTaskOf(count: number, traits: ObservedTraits = {}): Observed {
  const account = anAccount(count);
  const jobs = Array.from({ length: count }, (_, shard) => aJob(shard));
  for (const { shard } of jobs) {
    account.apply(success(shard));
    account.apply(attempt(shard, "Succeeded"));
  }
  const objects = new Map(jobs.map((job) => [attemptKey(job), job]));
  const tasks = [anObservedTask({ account, objects, ...traits })];
  return anObserved({ tasks });
}

/** A server that takes 5 ms for each. */
function onASlowServer(): {
  readonly remover: Remover;
  readonly removed: () => number;
  readonly tasksByPool: TasksByPool;
} {
  let removed = 0;
  const tasksByPool = new TasksByPool();
  const remover = new Remover({
    api: {} as KubeApi,
    stores: { forgetJob() {}, tasksByPool } as unknown as WritableStores,
    clock: { monotonic: () => 5 * removed },
    sender: {
      async send() {
        removed += 1;
        return "Gone";
      },
    },
  });
  return { remover, removed: () => removed, tasksByPool };
}

test("where the server is slow, what is far too much goes a part of a second at a time, so that words are not held up", async () => {
  const { remover, removed } = onASlowServer();
  expect(await remover.remove(aTaskOf(2720), noon, true)).toEqual({ errors: [], wakeAt: noon });
  expect([removed() > 40, removed() < 100]).toEqual([true, true]);
});

test("what a deleted task leaves goes a half second at a time, so that others of its pool start meanwhile", async () => {
  const { remover, removed } = onASlowServer();
  const deleted = aTaskOf(1000, { stage: { kind: "Deleting" } });
  expect(await remover.remove(deleted, noon, false)).toEqual({ errors: [], wakeAt: noon });
  expect([removed() > 90, removed() < 200]).toEqual([true, true]);
});

test("a finished task is left alone once nothing of it is left to be recorded, let go or removed", async () => {
  const { remover, tasksByPool } = onASlowServer();
  const stage = { kind: "Finished" } as const;
  const isLeftAlone = async (observed: Observed): Promise<boolean> => {
    await remover.remove(observed, noon, true);
    return observed.tasks.every((task) => tasksByPool.isDone(task));
  };
  const kept = (count: number): Observed => ({ ...aTaskOf(count, { stage }), going: [], byKey: new Map() });
  expect(await isLeftAlone(kept(keptAttempts))).toBe(true);
  expect(await isLeftAlone(kept(0))).toBe(true);
  expect(await isLeftAlone(kept(keptAttempts + 1))).toBe(false);
  // As long as an end of it is still to be recorded.
  expect(await isLeftAlone(aTaskOf(keptAttempts, { stage }))).toBe(false);
  expect(await isLeftAlone({ ...aTaskOf(1), going: [], byKey: new Map() })).toBe(false);
});
