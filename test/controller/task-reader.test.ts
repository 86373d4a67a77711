import type { ObjectKey } from "@dsl/kube-operator";
import { manualClock } from "@dsl/kube-operator/testing";
import { expect, test } from "vitest";
import type { PooledTask } from "../../src/api/pooled-task.ts";
import type { Stores } from "../../src/controller/stores.ts";
import type { TaskMemories, TaskMemory } from "../../src/controller/task-memory.ts";
import { TaskReader } from "../../src/controller/task-reader.ts";
import { TasksByPool } from "../../src/controller/tasks-by-pool.ts";
import { aTask } from "../view/objects.ts";
import { aPool } from "./builders.ts";

/** An API server that answers when it is told to. */
function aSlowServer(...tasks: readonly PooledTask[]) {
  const clock = manualClock();
  const answers = new Map<string, (error?: Error) => void>();
  const read = new Set<string>();
  const woken: string[] = [];
  const memories = {
    known: ({ metadata }: PooledTask) => (read.has(metadata.uid) ? ({} as TaskMemory) : undefined),
    remember: ({ metadata }: PooledTask) =>
      new Promise<TaskMemory>((resolve, reject) => {
        answers.set(metadata.uid, (error) => {
          if (error !== undefined) return reject(error);
          read.add(metadata.uid);
          resolve({} as TaskMemory);
        });
      }),
  } as unknown as TaskMemories;
  const tasksByPool = new TasksByPool();
  for (const object of tasks) tasksByPool.follow({ type: "add", object });
  const gone = new Set<string>();
  const stores = {
    pools: { list: () => [aPool("lab")] },
    tasks: { countBy: (_: string, uid: string) => (gone.has(uid) ? 0 : 1) },
    tasksByPool,
  } as unknown as Stores;
  const wake = ({ name }: ObjectKey): void => void woken.push(name);
  const reader = new TaskReader({ stores, memories, clock, wake });
  return { clock, answers, gone, woken, read: () => reader.read({ name: "lab" }, clock.now()) };
}

function created(uid: string, seconds: number, status?: PooledTask["status"]): PooledTask {
  const task = aTask(status, { poolRef: { name: "lab" } }, { uid });
  const creationTimestamp = new Date(manualClock().now() + seconds * 1000).toISOString();
  return { ...task, metadata: { ...task.metadata, creationTimestamp } };
}

test("a plan is made without a task that has just come and is slow to read, and the next one with it", async () => {
  const { clock, answers, read } = aSlowServer(created("new", 60));
  const first = read();
  await clock.advance(10);
  expect(await first).toEqual({ errors: [] });
  // It is not asked for twice.
  answers.clear();
  expect(await read()).toEqual({ errors: [] });
  expect(answers.size).toBe(0);
});

test("what such a read ran into is told by the next turn, which it wakes, and then it is tried again", async () => {
  const { clock, answers, woken, read } = aSlowServer(created("new", 60));
  const first = read();
  await clock.advance(10);
  await first;
  const error = new Error("503");
  answers.get("new")?.(error);
  await clock.advance(0);
  expect(woken).toEqual(["lab"]);
  answers.clear();
  const second = read();
  await clock.advance(0);
  answers.get("new")?.();
  expect(await second).toEqual({ errors: [error] });
  expect(await read()).toEqual({ errors: [] });
});

test("tasks that were there before us are waited for, since others would be started before their turn", async () => {
  const { clock, answers, read } = aSlowServer(created("old", -60));
  let isRead = false;
  const first = read().then(() => {
    isRead = true;
  });
  await clock.advance(1000);
  expect(isRead).toBe(false);
  answers.get("old")?.();
  await first;
  expect(isRead).toBe(true);
});

test("a task that goes before its turn to be read is not read any more", async () => {
  const uids = Array.from({ length: 17 }, (_, n) => `task-${n}`);
  const { clock, answers, gone, read } = aSlowServer(...uids.map((uid) => created(uid, -60)));
  const reading = read();
  await clock.advance(0);
  expect([...answers.keys()]).toEqual(uids.slice(0, 16));
  gone.add("task-16");
  for (const answer of answers.values()) answer();
  expect(await reading).toEqual({ errors: [] });
  expect(answers.size).toBe(16);
});
