import { expect, test, vi } from "vitest";
import { conditions, shards } from "../view/objects.ts";
import { stage } from "./stage.ts";

const ended = conditions({ Succeeded: "False ItemsFailed", Finished: "True" });
const succeeded = conditions({ Succeeded: "True", Finished: "True" });
const all = { items: { total: 100, succeeded: 100, failed: 0 }, conditions: succeeded };
const running = { items: { total: 100, succeeded: 40, failed: 0 }, shards: shards({ running: 3, starting: 1 }) };

async function aTask(status: Parameters<ReturnType<typeof stage>["report"]>[1] = running, spec = {}) {
  const it = stage();
  await it.createTask("squares", spec);
  await it.report("squares", status);
  return it;
}

test("suspend stops a task and says how much of it is stopped", async () => {
  const { run, task } = await aTask();
  expect(await run(["suspend", "squares"])).toEqual({
    status: 0,
    stdout: "pooledtask/squares suspended: 4 shards are being stopped\n",
    stderr: "",
  });
  expect((await task("squares")).spec.suspend).toBe(true);
});

test("resume lets it go on", async () => {
  const { run, task } = await aTask(running, { suspend: true });
  expect((await run(["resume", "squares"])).stdout).toBe("pooledtask/squares resumed with 60 of 100 items to do\n");
  expect((await task("squares")).spec.suspend).toBe(false);
});

test("cancel ends a task for good", async () => {
  const { run, task } = await aTask();
  expect((await run(["cancel", "squares"])).stdout).toBe("pooledtask/squares cancelled with 40 of 100 items done\n");
  expect((await task("squares")).spec.cancel).toBe(true);
});

test("retry raises spec.retryFailed by one", async () => {
  const { run, task } = await aTask({ items: { total: 100, succeeded: 97, failed: 3 }, conditions: ended });
  expect((await run(["retry", "squares"])).stdout).toBe("pooledtask/squares retried: 3 failed items are open again\n");
  expect((await task("squares")).spec.retryFailed).toBe(1);
});

test("two who retry at once ask for one round", async () => {
  const { run, task } = await aTask({ items: { total: 100, succeeded: 97, failed: 3 }, conditions: ended });
  const runs = await Promise.all([run(["retry", "squares"]), run(["retry", "squares"])]);
  expect(runs.map(({ status }) => status).sort()).toEqual([0, 1]);
  expect((await task("squares")).spec.retryFailed).toBe(1);
});

test("a second retry is refused until the operator has seen the first", async () => {
  const { run, task } = await aTask({ items: { total: 100, succeeded: 97, failed: 3 }, conditions: ended });
  await run(["retry", "squares"]);
  expect((await run(["retry", "squares"])).stderr).toContain("has not seen the last change of squares yet");
  expect((await task("squares")).spec.retryFailed).toBe(1);
});

test.each([
  [
    "resume",
    { items: running.items, conditions: ended },
    {},
    "squares has ended; failed items are run again by `kubectl pool retry squares`",
  ],
  [
    "suspend",
    { items: running.items, conditions: ended },
    {},
    "squares has ended already; there is nothing to suspend",
  ],
  ["cancel", { items: running.items, conditions: ended }, {}, "squares has ended already; there is nothing to cancel"],
  ["cancel", all, {}, "squares has succeeded; there is nothing to cancel"],
  ["cancel", all, { cancel: true }, "squares has succeeded; there is nothing to cancel"],
  ["cancel", { ...all, observedGeneration: 0 }, { cancel: true }, "squares has succeeded; there is nothing to cancel"],
  [
    "cancel",
    { items: running.items, conditions: ended },
    { cancel: true },
    "squares has ended already; there is nothing to cancel",
  ],
  ["retry", all, {}, "squares has succeeded; there is nothing to run again"],
  ["retry", all, { cancel: true }, "squares has succeeded; there is nothing to run again"],
  ["suspend", all, {}, "squares has succeeded; there is nothing to suspend"],
  ["resume", all, { suspend: true }, "squares has succeeded; there is nothing to resume"],
  ["retry", running, {}, "no item of squares has failed, and it is not done yet; there is nothing to run again"],
  ["retry", running, { cancel: true }, "squares was cancelled, which is for good; make it anew to run its items"],
  [
    "resume",
    running,
    { cancel: true, suspend: true },
    "squares was cancelled, which is for good; make it anew to run its items",
  ],
  ["suspend", running, { cancel: true }, "squares was cancelled, and is being stopped for good"],
])("%s refuses nonsense in a sentence, and changes nothing", async (verb, status, spec, sentence) => {
  const { run, task } = await aTask(status, spec);
  const before = await task("squares");
  expect(await run([verb, "squares"])).toEqual({ status: 1, stdout: "", stderr: `error: ${sentence}\n` });
  expect(await task("squares")).toEqual(before);
});

test.each([
  ["suspend", { suspend: true }, "is suspended already"],
  ["resume", {}, "is not suspended"],
  ["cancel", { cancel: true }, "is cancelled already"],
])("%s of a task that is so already is no error", async (verb, spec, said) => {
  const { run } = await aTask(running, spec);
  expect(await run([verb, "squares"])).toEqual({ status: 0, stdout: `pooledtask/squares ${said}\n`, stderr: "" });
});

test("a task whose end is that it was cancelled is cancelled already", async () => {
  const conditionsOfIt = conditions({ Succeeded: "False Cancelled", Finished: "True" });
  const { run } = await aTask({ items: running.items, conditions: conditionsOfIt }, { cancel: true });
  expect((await run(["cancel", "squares"])).stdout).toBe("pooledtask/squares is cancelled already\n");
});

test("what has ended between the look at it and the change was not cancelled", async () => {
  const { run, api, report } = await aTask();
  const patch = api.patch.bind(api);
  vi.spyOn(api, "patch").mockImplementationOnce(async (...change) => {
    await report("squares", all);
    return patch(...change);
  });
  expect((await run(["cancel", "squares"])).stdout).toBe(
    "pooledtask/squares has succeeded, just before it was cancelled\n",
  );
});

test("of several tasks one that cannot be changed does not keep the others from it", async () => {
  const { run, createTask, task } = await aTask();
  await createTask("cubes");
  const { status, stdout, stderr } = await run(["suspend", "squares", "roots", "cubes"]);
  expect(status).toBe(1);
  expect(stdout).toBe("pooledtask/squares suspended: 4 shards are being stopped\npooledtask/cubes suspended\n");
  expect(stderr).toContain("there is no PooledTask roots in namespace default");
  expect((await task("cubes")).spec.suspend).toBe(true);
});

test("the namespace is the one that is asked for", async () => {
  const { run, createTask, task } = stage();
  await createTask("squares", {}, "team-a");
  await run(["suspend", "squares", "-n", "team-a"]);
  expect((await task("squares", "team-a")).spec.suspend).toBe(true);
});

test("-o prints the changed task, as kubectl would", async () => {
  const { run } = await aTask();
  expect((await run(["suspend", "squares", "-o", "name"])).stdout).toBe("pooledtask.kube-pool.dev/squares\n");
  expect(JSON.parse((await run(["resume", "squares", "-o", "json"])).stdout).spec.suspend).toBe(false);
  expect((await run(["resume", "squares", "-o", "yaml"])).stdout).toContain("\n  suspend: false\n");
});

test("a task has to be named", async () => {
  const { run } = stage();
  expect(await run(["cancel"])).toEqual({
    status: 2,
    stdout: "",
    stderr: "error: the name of a TASK is missing; `kubectl get ptask` lists them\nSee `kubectl pool cancel --help`.\n",
  });
});
