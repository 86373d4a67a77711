import { ApiError, type KubeApi } from "@dsl/kube-operator";
import { expect, test } from "vitest";
import { type PooledTask, parsePooledTask } from "../../src/api/pooled-task.ts";
import { TaskMemories } from "../../src/controller/task-memory.ts";
import { aWrittenTask } from "../support/tasks.ts";

/** An API server that has no ConfigMap, and remembers which were asked for. */
function anEmptyServer() {
  const asked: string[] = [];
  const get = async (_: unknown, { name }: { readonly name: string }): Promise<never> => {
    asked.push(name);
    throw new ApiError({ code: 404, reason: "NotFound", message: `configmaps "${name}" not found` });
  };
  return { asked, memories: new TaskMemories({ get } as unknown as KubeApi) };
}

function stored(spec: Record<string, unknown> = {}) {
  const metadata = { uid: "1a2b3c4d", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" };
  const written = aWrittenTask("squares", spec);
  const parsed = parsePooledTask(written);
  if (!parsed.ok) throw new Error("refused");
  const object = { ...written, metadata: { ...written.metadata, ...metadata }, spec: parsed.spec };
  return { task: object as unknown as PooledTask, spec: parsed.spec };
}

const records = "squares-1a2b3c-results-0";

test("of a task that nobody has held yet no records are asked for: there are none", async () => {
  const { asked, memories } = anEmptyServer();
  const { task, spec } = stored();
  const memory = await memories.remember(task, spec, 0, { isNew: true });
  expect(asked).toEqual([]);
  expect(memory.work?.account.shape.items).toBe(3);
});

test.each<[string, { readonly isNew?: boolean }, Record<string, unknown>]>([
  ["that was there before us", {}, {}],
  [
    "whose chunks are cut as needed, since that is recorded before it is held",
    { isNew: true },
    { chunk: { size: "Auto" } },
  ],
])("the records of a task %s are read", async (_, isNew, spec) => {
  const { asked, memories } = anEmptyServer();
  const read = stored(spec);
  await memories.remember(read.task, read.spec, 0, isNew);
  expect(asked).toEqual([records]);
});

test("where somebody else wrote, the records of a new task are read as well", async () => {
  const { asked, memories } = anEmptyServer();
  const { task, spec } = stored();
  await memories.remember(task, spec, 0, { isNew: true });
  memories.doubt(task.metadata.uid);
  await memories.remember(task, spec, 0, { isNew: true });
  expect(asked).toEqual([records]);
});

test("the records are read where somebody else has held a task that looked new, and not where we have", async () => {
  const { asked, memories } = anEmptyServer();
  const { task, spec } = stored();
  const memory = await memories.remember(task, spec, 0, { isNew: true });
  const held = { ...task, metadata: { ...task.metadata, finalizers: ["kube-pool.dev/cleanup"] } };
  memory.isUnasked = false;
  expect(await memories.remember(held, spec, 0)).toBe(memory);
  expect(asked).toEqual([]);
  memory.isUnasked = true;
  expect(await memories.remember(held, spec, 0)).not.toBe(memory);
  expect(asked).toEqual([records]);
});

test.each(["forget", "doubt"] as const)(
  "what a read finds that began before a %s is not remembered",
  async (meanwhile) => {
    const answer = Promise.withResolvers<never>();
    const memories = new TaskMemories({ get: () => answer.promise } as unknown as KubeApi);
    const { task, spec } = stored();
    const reading = memories.remember(task, spec, 0);
    memories[meanwhile](task.metadata.uid);
    answer.reject(new ApiError({ code: 404, reason: "NotFound", message: "not found" }));
    await reading;
    expect(memories.get(task)).toBeUndefined();
    // The next one is.
    const memory = await memories.remember(task, spec, 0);
    expect(memories.get(task)).toBe(memory);
  },
);
