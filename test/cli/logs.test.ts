import { expect, test } from "vitest";
import { labels } from "../../src/api/labels.ts";
import { pods } from "../../src/cli/kinds.ts";
import { failure, type Stage, stage } from "./stage.ts";

async function aTask(total: number, chunk = 1): Promise<Stage> {
  const it = stage();
  await it.createTask("squares", { items: { range: { end: total } }, chunk: { size: chunk } });
  await it.report("squares", { items: { total, succeeded: 0, failed: 0 } });
  return it;
}

async function addPod({ api, task }: Stage, shard: number, attempt: number, log: string): Promise<void> {
  const name = `squares-${shard}-${attempt}`;
  const { uid } = (await task("squares")).metadata;
  await api.create(pods, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "default",
      labels: { [labels.taskUid]: uid, [labels.shard]: String(shard), [labels.attempt]: String(attempt) },
    },
    spec: { containers: [{ name: "square", image: "busybox:1.35" }] },
  });
  api.appendLog({ namespace: "default", name }, log, "square");
}

test("the log of an item is that of its shard's latest attempt", async () => {
  const it = await aTask(40, 4);
  await addPod(it, 4, 9, "ninth\n");
  await addPod(it, 4, 10, "tenth\n");
  await addPod(it, 3, 1, "another shard\n");
  expect(await it.run(["logs", "squares", "--item", "17"])).toEqual({ status: 0, stdout: "tenth\n", stderr: "" });
  expect((await it.run(["logs", "squares", "--shard", "3"])).stdout).toBe("another shard\n");
});

test("of a task with a single shard it need not be said which", async () => {
  const it = await aTask(4, 4);
  await addPod(it, 0, 1, "all of it\n");
  expect((await it.run(["logs", "squares"])).stdout).toBe("all of it\n");
});

test("-f goes on as the program prints, until interrupted", async () => {
  const it = await aTask(4);
  await addPod(it, 2, 1, "one\n");
  const call = it.start(["logs", "squares", "--item", "2", "-f"]);
  await it.clock.advance(0);
  it.api.appendLog({ namespace: "default", name: "squares-2-1" }, "two\n", "square");
  await it.clock.advance(0);
  expect(call.stdout).toBe("one\ntwo\n");
  call.interrupt();
  expect(await call.status).toBe(130);
});

test("when the Pod is gone, what the records know of it is told instead", async () => {
  const it = await aTask(4);
  await it.record("squares", [
    failure(2, "out of luck\n", { shard: 2 }),
    { kind: "attempt", shard: 2, attempt: 1, outcome: "Failed", node: "n1", decided: 0, start: 1000, end: 2200 },
  ]);
  expect(await it.run(["logs", "squares", "--item", "2"])).toEqual({
    status: 1,
    stdout: "",
    stderr:
      "error: the Pod of shard 2 is gone, and its log with it: only the newest finished Pods of a task are kept.\n" +
      "Recorded of attempt 1: Failed after 1.2s on node n1\nIts last words: out of luck\n",
  });
});

test("a shard that has not been started has no log", async () => {
  const { run } = await aTask(4);
  expect((await run(["logs", "squares", "--item", "2"])).stderr).toBe(
    "error: shard 2 of squares has not been started yet, so it has no log\n",
  );
});

test.each([
  [[], "squares has 4 shards; say which one with --item N or --shard N"],
  [["--item", "4"], "--item must be below 4, the number of items of squares, but is 4"],
  [["--item", "1", "--shard", "1"], "--item and --shard are both given; one is enough"],
  [["--item", "x"], '--item must be a whole number of at least 0, but is "x"'],
])("wrong use: %j", async (words, message) => {
  const { run } = await aTask(4);
  const { status, stderr } = await run(["logs", "squares", ...words]);
  expect({ status, stderr }).toEqual({ status: 2, stderr: `error: ${message}\nSee \`kubectl pool logs --help\`.\n` });
});
