import { expect, test } from "vitest";
import { conditions } from "../view/objects.ts";
import { failure, stage, success } from "./stage.ts";

const ended = conditions({ Succeeded: "False ItemsFailed 1 of 4 items failed", Finished: "True" });

async function aTaskThatEnded() {
  const it = stage();
  await it.createTask("squares", { items: { range: { end: 4 } } });
  await it.record("squares", [{ kind: "attempt", shard: 3, attempt: 1, outcome: "Succeeded", decided: 0, end: 1 }]);
  await it.record("squares", [success(3, "9", { ms: 1 }), success(0, "0", { ms: 9000 })], { seal: true });
  await it.record("squares", [failure(2, "no"), success(1, "two\nlines"), success(1, "a copy that came later")]);
  await it.report("squares", { items: { total: 4, succeeded: 3, failed: 1 }, conditions: ended });
  return it;
}

test("results come in the order of the items, whatever order they were recorded in, over all segments", async () => {
  const { run } = await aTaskThatEnded();
  expect(await run(["results", "squares"])).toEqual({
    status: 0,
    stdout: "0\ntwo\nlines\n9\n",
    stderr: "1 of 4 items failed: kubectl pool failures squares -n default\n",
  });
});

test("in the order of completion, as JSON lines, with the failures at the end", async () => {
  const { run } = await aTaskThatEnded();
  const { stdout } = await run(["results", "ptask/squares", "--order", "completion", "-o", "jsonl"]);
  expect(stdout).toMatchInlineSnapshot(`
    "{"item":1,"shard":1,"attempts":1,"node":"n1","start":1767225601000,"ms":12,"exit":0,"result":"two\\nlines"}
    {"item":3,"shard":3,"attempts":1,"node":"n1","start":1767225603000,"ms":1,"exit":0,"result":"9"}
    {"item":0,"shard":0,"attempts":1,"node":"n1","start":1767225600000,"ms":9000,"exit":0,"result":"0"}
    {"item":2,"shard":2,"attempts":1,"node":"n1","start":1767225602000,"ms":12,"exit":1,"reason":"Error","message":"no"}
    "
  `);
});

test("-o json is one array, in the order of the items, failures among them", async () => {
  const { run } = await aTaskThatEnded();
  const { stdout } = await run(["results", "squares", "-o", "json"]);
  expect(JSON.parse(stdout).map(({ item }: { item: number }) => item)).toEqual([0, 1, 2, 3]);
});

test("what was cut, not kept, not written or not run is told on standard error", async () => {
  const { run, createTask, record, report } = stage();
  await createTask("squares", { items: { range: { end: 20 } } });
  await record("squares", [
    success(0, "x".repeat(10), { truncated: true }),
    success(1, undefined),
    { kind: "unkept", items: "2-4", ms: 12 },
  ]);
  await report("squares", {
    items: { total: 20, succeeded: 5, failed: 0 },
    results: { segments: 1, bytes: 10, truncated: 4 },
  });
  const { stdout, stderr } = await run(["results", "squares"]);
  expect(stdout).toBe("xxxxxxxxxx\n\n");
  expect(stderr).toMatchInlineSnapshot(`
    "Warning: 1 result was cut to 4096 bytes.
    Warning: 3 results were not kept: results.maxBytes was used up.
    Warning: 1 item succeeded without writing a result.
    Warning: no result yet, or none at all, for the items 5-19.
    squares has not ended yet (Waiting): kubectl pool results squares -n default --follow
    "
  `);
});

test.each([
  ["what all results make together is told beside them", "4", { reduced: "4" }, "Sum of all results: 4\n"],
  [
    "where a result is no number it is told why there is no sum",
    "x",
    { notReduced: 'item 0 has no number as its result, but "x"' },
    'No Sum of all results: item 0 has no number as its result, but "x".\n',
  ],
])("%s", async (_, result, what, stderr) => {
  const { run, start, createTask, record, report, clock } = stage();
  await createTask("squares", { items: { range: { end: 1 } }, results: { reduce: "Sum" } });
  const follower = start(["results", "squares", "--follow"]);
  await clock.advance(0);
  await record("squares", [success(0, result)]);
  const done = conditions({ Succeeded: "True", Finished: "True" });
  await report("squares", {
    items: { total: 1, succeeded: 1, failed: 0 },
    results: { segments: 1, bytes: 1, truncated: 0, ...what },
    conditions: done,
  });
  expect(await run(["results", "squares"])).toEqual({ status: 0, stdout: `${result}\n`, stderr });
  expect(await follower.status).toBe(0);
  expect(follower.stderr).toBe(`squares: 1/1 items\n${stderr}squares: 1 of 1 items succeeded.\n`);
});

test("--follow prints results as they come, from the first status on, and ends with the task", async () => {
  const { start, createTask, record, report, clock } = stage();
  await createTask("squares", { items: { range: { end: 2 } } });
  const call = start(["results", "squares", "-f"]);
  await clock.advance(0);
  await record("squares", [success(0, "0")]);
  await report("squares", { items: { total: 2, succeeded: 1, failed: 0 } });
  expect(call.stdout).toBe("0\n");
  await record("squares", [success(1, "1")]);
  const done = conditions({ Succeeded: "True", Finished: "True" });
  await report("squares", { items: { total: 2, succeeded: 2, failed: 0 }, conditions: done });
  expect(await call.status).toBe(0);
  expect(call.stdout).toBe("0\n1\n");
});

test("--follow waits for a ConfigMap of items to be mended", async () => {
  const { start, createTask, report, clock } = stage();
  await createTask("squares", { items: { configMapRefs: [{ name: "inputs", key: "names" }] } });
  const call = start(["results", "squares", "-f"]);
  await clock.advance(0);
  await report("squares", {
    conditions: conditions({ Finished: "False", Stalled: "True ItemsInvalid" }),
    queue: { reason: "ItemsInvalid", message: "item 1 is 40000 bytes long." },
  });
  expect(call.stderr).toMatch(/^squares needs a person: ItemsInvalid: .* Mend the ConfigMap/);
  const done = conditions({ Succeeded: "True", Finished: "True" });
  await report("squares", { items: { total: 0, succeeded: 0, failed: 0 }, conditions: done });
  expect(await call.status).toBe(0);
});

test("a ConfigMap of somebody else under the records' name is not read", async () => {
  const { run, createTask, report, api } = stage();
  const task = await createTask("squares", { items: { range: { end: 1 } } });
  await api.create(
    { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: `squares-${task.metadata.uid.slice(0, 6)}-results-0`, namespace: "default" },
      data: { records: '{"item":0,"shard":0,"attempts":1,"result":"forged"}\n' },
    },
  );
  await report("squares", { items: { total: 1, succeeded: 0, failed: 0 } });
  expect((await run(["results", "squares"])).stdout).toBe("");
});

test("a task that is not there, or has nothing yet, is said so in one sentence", async () => {
  const { run, createTask } = stage();
  expect(await run(["results", "cubes"])).toEqual({
    status: 1,
    stdout: "",
    stderr: "error: there is no PooledTask cubes in namespace default; `kubectl get ptask -A` lists all\n",
  });
  await createTask("squares");
  expect((await run(["results", "squares"])).stderr).toBe(
    "error: squares has no results yet: no item of it has been run\n",
  );
});

test("failures are a table, as JSON the same rows", async () => {
  const { run } = await aTaskThatEnded();
  expect((await run(["failures", "squares"])).stdout).toMatchInlineSnapshot(`
    "ITEM   SHARD   ATTEMPTS   EXIT   REASON   NODE   MESSAGE
    2      2       1          1      Error    n1     no
    "
  `);
  expect(JSON.parse((await run(["failures", "squares", "-o", "json"])).stdout)).toEqual([
    { item: 2, shard: 2, attempts: 1, exit: 1, reason: "Error", node: "n1", message: "no" },
  ]);
});

test("no failures are said so", async () => {
  const { run, createTask } = stage();
  await createTask("squares");
  expect(await run(["failures", "squares"])).toEqual({
    status: 0,
    stdout: "",
    stderr: "No item of squares has failed.\n",
  });
});
