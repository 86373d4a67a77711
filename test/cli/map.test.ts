import { ApiError } from "@dsl/kube-operator";
import { describe, expect, test } from "vitest";
import { configMaps, pooledTasks } from "../../src/cli/kinds.ts";
import { conditions, shards } from "../view/objects.ts";
import { failure, stage, success } from "./stage.ts";

const command = ["--", "sh", "-c", "echo $((POOL_ITEM * POOL_ITEM))"];
const toLab = ["map", "--pool", "lab", "--image", "busybox:1.35", "--name", "squares"];
const done = conditions({ Succeeded: "True", Finished: "True" });
const partly = conditions({ Succeeded: "False ItemsFailed 1 of 3 items failed", Finished: "True", Stalled: "True" });

test("a command is mapped over lines, and the results come in the order of the items", async () => {
  const { start, report, record, task, clock } = stage();
  const call = start([...toLab, ...command], { stdin: "1\n2\n3\n" });
  await clock.advance(0);
  expect((await task("squares")).spec.items).toEqual({ list: ["1", "2", "3"] });

  await record("squares", [success(1, "4"), success(2, "9")]);
  await report("squares", { items: { total: 3, succeeded: 2, failed: 0 } });
  expect(call.stdout).toBe("");

  await record("squares", [success(0, "1")]);
  await report("squares", { items: { total: 3, succeeded: 3, failed: 0 }, conditions: done });
  expect(await call.status).toBe(0);
  expect(call.stdout).toBe("1\n4\n9\n");
  expect(call.stderr).toMatchInlineSnapshot(`
    "squares: 2/3 items
    squares: 3/3 items
    squares: 3 of 3 items succeeded.
    "
  `);
});

test("results are printed while the task still runs, as soon as all before them are there", async () => {
  const { start, report, record, clock } = stage();
  const call = start([...toLab, ...command], { stdin: "1\n2\n3\n" });
  await clock.advance(0);
  await record("squares", [success(0, "1"), success(2, "9")]);
  await report("squares", { items: { total: 3, succeeded: 2, failed: 0 } });
  expect(call.stdout).toBe("1\n");
});

test("a failing item makes the exit status 1, with the others' results and one line on how to retry", async () => {
  const { start, report, record, clock } = stage();
  const call = start([...toLab, ...command], { stdin: "1\nx\n3\n" });
  await clock.advance(0);
  await record("squares", [success(0, "1"), failure(1, "sh: x: bad\nnumber"), success(2, "9")]);
  await report("squares", {
    items: { total: 3, succeeded: 2, failed: 1 },
    startTime: "2026-01-01T00:00:00Z",
    completionTime: "2026-01-01T00:00:41Z",
    conditions: partly,
  });
  expect(await call.status).toBe(1);
  expect(call.stdout).toBe("1\n9\n");
  expect(call.stderr).toMatchInlineSnapshot(`
    "squares: 2/3 items, 1 failed
    squares: 2 of 3 items succeeded, 1 failed, in 41s.
    ITEM   SHARD   ATTEMPTS   EXIT   REASON   NODE   MESSAGE
    1      1       1          1      Error    n1     sh: x: bad ⏎ number
    Run the failed items again: kubectl pool retry squares -n default
    "
  `);
});

test("a failed item with retries left holds back the results after it, since it may still succeed", async () => {
  const { start, report, record, clock } = stage();
  const call = start([...toLab, "--retries", "1", ...command], { stdin: "1\n2\n3\n" });
  await clock.advance(0);
  await record("squares", [failure(0, "no luck"), success(1, "4")]);
  await report("squares", { items: { total: 3, succeeded: 1, failed: 0 } });
  await record("squares", [success(2, "9")]);
  await report("squares", { items: { total: 3, succeeded: 2, failed: 0 } });
  expect(call.stdout).toBe("");
  await record("squares", [success(0, "1", { attempts: 2 })]);
  await report("squares", { items: { total: 3, succeeded: 3, failed: 0 }, conditions: done });
  await call.status;
  expect(call.stdout).toBe("1\n4\n9\n");
});

test("items after ::: need no standard input", async () => {
  const { start, task, clock } = stage();
  start([...toLab, ...command, ":::", "4", "five 5"]);
  await clock.advance(0);
  const { spec } = await task("squares");
  expect(spec.items).toEqual({ list: ["4", "five 5"] });
  expect(spec.template.spec.containers[0]?.command?.slice(3)).toEqual([
    "sh",
    "sh",
    "-c",
    "echo $$((POOL_ITEM * POOL_ITEM))",
  ]);
});

test("each option says its part of the task", async () => {
  const { start, task, clock } = stage();
  const options =
    "--chunk 2 --mode Whole --parallelism 8 --retries 2 --reduce Sum --request cpu=100m,memory=64Mi --item-timeout 1m30s";
  start([...toLab, ...options.split(" "), ...command], { stdin: "1\n" });
  await clock.advance(0);
  const { spec } = await task("squares");
  expect(spec).toMatchObject({
    poolRef: { name: "lab" },
    chunk: { size: 2, mode: "Whole" },
    parallelism: 8,
    retries: 2,
    results: { reduce: "Sum" },
    itemTimeoutSeconds: 90,
  });
  expect(spec.template.spec.containers[0]?.resources).toEqual({ requests: { cpu: "100m", memory: "64Mi" } });
});

test.each([
  [[], { size: "Auto", mode: "Each" }],
  [["--chunk", "Auto", "--mode", "Whole"], { size: "Auto", mode: "Whole" }],
  [["--chunk", "50"], { size: 50, mode: "Each" }],
  [["--chunk", "1"], { size: 1, mode: "Each" }],
])("with %j items go into chunks of %j", async (words, chunk) => {
  const { start, task, clock } = stage();
  start([...toLab, ...words, ...command], { stdin: "1\n" });
  await clock.advance(0);
  expect((await task("squares")).spec.chunk).toEqual(chunk);
});

test("a command that Kubernetes is to write the item into runs in a Pod for each item", async () => {
  const { start, task, clock } = stage();
  start([...toLab, "--", "f", "$(POOL_ITEM)"], { stdin: "1\n" });
  await clock.advance(0);
  expect((await task("squares")).spec.chunk.size).toBe(1);
});

const reducedTo = (what: { readonly reduced: string } | { readonly notReduced: string }) => ({
  items: { total: 2, succeeded: 2, failed: 0 },
  results: { segments: 1, bytes: 3, truncated: 0, ...what },
  conditions: done,
});

test("with --reduce only what all results make together is printed", async () => {
  const { start, report, record, clock } = stage();
  const call = start([...toLab, "--reduce", "Sum", ...command], { stdin: "1\n2\n" });
  await clock.advance(0);
  await record("squares", [success(0, "1"), success(1, "4")]);
  await report("squares", reducedTo({ reduced: "5" }));
  await call.status;
  expect(call.stdout).toBe("5\n");
});

test("where a result is no number the missing sum is told, and the task is kept in spite of --rm", async () => {
  const { api, start, report, record, clock } = stage();
  const call = start([...toLab, "--reduce", "Sum", "--rm", ...command], { stdin: "1\n2\n" });
  await clock.advance(0);
  await record("squares", [success(0, "x1"), success(1, "4")]);
  await report("squares", reducedTo({ notReduced: 'item 0 has no number as its result, but "x1"' }));
  expect(await call.status).toBe(1);
  expect(call.stdout).toBe("");
  expect(call.stderr).toContain('No Sum of all results: item 0 has no number as its result, but "x1".\n');
  expect(call.stderr).toContain("The task is kept in spite of --rm");
  expect(await api.get(pooledTasks, { namespace: "default", name: "squares" })).toBeDefined();
});

test("why a task waits is told when it changes, not each time that amounts do", async () => {
  const { start, report, clock } = stage();
  const call = start([...toLab, ...command], { stdin: "1\n" });
  await clock.advance(0);
  const waiting = conditions({ Finished: "False", Reconciling: "True" });
  await report("squares", {
    conditions: waiting,
    queue: { position: 2, reason: "PoolFull", message: "9 CPUs are free" },
  });
  await report("squares", {
    conditions: waiting,
    queue: { position: 2, reason: "PoolFull", message: "8 CPUs are free" },
  });
  await report("squares", {
    conditions: waiting,
    shards: shards({ starting: 20, waiting: 80 }),
    queue: { position: 1, reason: "PoolFull", message: "0 CPUs are free" },
  });
  await report("squares", {
    conditions: waiting,
    shards: shards({}),
    queue: { reason: "NotAllowed", message: "lab does not admit default" },
  });
  expect(call.stderr).toMatchInlineSnapshot(`
    "squares waits at position 2: PoolFull: 9 CPUs are free
    squares: 20 starting, 80 waiting at position 1: PoolFull: 0 CPUs are free
    squares waits: NotAllowed: lab does not admit default
    "
  `);
});

test("a task that needs a person says what helps, and is waited for", async () => {
  const { start, report, clock } = stage();
  const call = start([...toLab, ...command], { stdin: "1\n" });
  await clock.advance(0);
  const conditionsNow = conditions({ Finished: "False", Stalled: "True NeverFits" });
  await report("squares", {
    conditions: conditionsNow,
    queue: { reason: "NeverFits", message: "no node has 64 CPUs." },
  });
  expect(call.stderr).toMatchInlineSnapshot(`
    "squares needs a person: NeverFits: no node has 64 CPUs. Change the limit or the nodes (a larger one, one that matches, a taint taken off) as the message says, or make a task that fits.
    "
  `);
  call.interrupt();
  expect(await call.status).toBe(130);
});

test("a task that nothing but a new one can mend is not waited for", async () => {
  const { start, report, clock } = stage();
  const call = start([...toLab, ...command], { stdin: "1\n" });
  await clock.advance(0);
  const conditionsNow = conditions({ Finished: "False", Stalled: "True TemplateRefused" });
  await report("squares", {
    conditions: conditionsNow,
    queue: { reason: "TemplateRefused", message: "hostPath: not allowed." },
  });
  expect(await call.status).toBe(1);
  expect(call.stderr).toContain("kubectl delete ptask squares -n default");
});

test("interrupting leaves the task running and says how to go on", async () => {
  const { start, report, task, clock } = stage();
  const call = start([...toLab, ...command], { stdin: "1\n" });
  await clock.advance(0);
  await report("squares", { items: { total: 1, succeeded: 0, failed: 0 }, shards: shards({ running: 1 }) });
  call.interrupt();
  expect(await call.status).toBe(130);
  expect(call.stderr).toMatchInlineSnapshot(`
    "squares: 0/1 items, 1 running
    squares goes on without you. Follow it again: kubectl pool results squares -n default --follow
    Stop it for good: kubectl pool cancel squares -n default
    "
  `);
  expect((await task("squares")).spec.cancel).toBe(false);
});

test("a watch that breaks is made good by asking", async () => {
  const { start, report, record, clock, api } = stage();
  const call = start([...toLab, ...command], { stdin: "1\n" });
  await clock.advance(0);
  const restore = api.fail(({ verb }) => (verb === "watch" ? "reset" : undefined));
  api.breakWatches("reset");
  await record("squares", [success(0, "1")]);
  await report("squares", { items: { total: 1, succeeded: 1, failed: 0 }, conditions: done });
  await clock.advance(1000);
  expect(await call.status).toBe(0);
  expect(call.stdout).toBe("1\n");
  restore();
});

test("a server that does not answer while results are read is asked again", async () => {
  const { start, report, record, clock, api } = stage();
  const call = start([...toLab, ...command], { stdin: "1\n" });
  await clock.advance(0);
  await record("squares", [success(0, "1")]);
  const restore = api.fail(({ resource }) => (resource.kind === "ConfigMap" ? "reset" : undefined));
  await report("squares", { items: { total: 1, succeeded: 1, failed: 0 }, conditions: done });
  await clock.advance(3000);
  expect(call.stdout).toBe("");
  restore();
  await clock.advance(1000);
  expect(await call.status).toBe(0);
  expect(call.stdout).toBe("1\n");
});

test("results that this user may not read are an error, told in the server's words", async () => {
  const { start, report, clock, api } = stage();
  const call = start([...toLab, ...command], { stdin: "1\n" });
  await clock.advance(0);
  api.fail(({ resource }) =>
    resource.kind === "ConfigMap"
      ? new ApiError({ code: 403, reason: "Forbidden", message: 'user "ada" cannot get configmaps' })
      : undefined,
  );
  await report("squares", { items: { total: 1, succeeded: 1, failed: 0 }, conditions: done });
  expect(await call.status).toBe(1);
  expect(call.stderr).toContain('Error from server (Forbidden): user "ada" cannot get configmaps\n');
});

test("a server that is gone for two minutes is given up", async () => {
  const { start, clock, api } = stage();
  const call = start([...toLab, ...command], { stdin: "1\n" });
  await clock.advance(0);
  api.fail(() => "reset");
  api.breakWatches("reset");
  await clock.advance(60_000);
  expect(call.stderr.match(/The API server does not answer/g)?.length).toBe(1);
  await clock.advance(70_000);
  expect(await call.status).toBe(1);
});

test("a task that is deleted meanwhile ends the wait", async () => {
  const { start, clock, api } = stage();
  const call = start([...toLab, ...command], { stdin: "1\n" });
  await clock.advance(0);
  await api.delete(pooledTasks, { namespace: "default", name: "squares" });
  await clock.advance(0);
  expect(await call.status).toBe(1);
  expect(call.stderr).toBe("squares was deleted, and its results with it.\n");
});

test("with --detach the task is created and named, and not waited for", async () => {
  const { run } = stage();
  const { status, stdout } = await run(["map", "--pool", "lab", "--image", "i", "--detach", ...command], {
    stdin: "1\n",
  });
  expect(status).toBe(0);
  expect(stdout).toMatch(/^pooledtask\.kube-pool\.dev\/map-[bcdfghjklmnpqrstvwxz2456789]{5}\n$/);
});

test("with --rm the task goes once its results are printed, but stays when an item failed", async () => {
  for (const [end, isThere] of [
    [{ items: { total: 1, succeeded: 1, failed: 0 }, conditions: done }, false],
    [{ items: { total: 1, succeeded: 0, failed: 1 }, conditions: partly }, true],
  ] as const) {
    const { start, report, task, clock } = stage();
    const call = start([...toLab, "--rm", ...command], { stdin: "1\n" });
    await clock.advance(0);
    await report("squares", end);
    await call.status;
    const found = await task("squares").then(
      () => true,
      () => false,
    );
    expect(found).toBe(isThere);
  }
});

describe("many items", () => {
  const many = Array.from({ length: 10_001 }, (_, n) => String(n));

  test("travel in ConfigMaps that go with the task", async () => {
    const { start, task, clock, api } = stage();
    start([...toLab, ...command], { stdin: many.join("\n") });
    await clock.advance(0);
    const { spec, metadata } = await task("squares");
    expect(spec.items).toEqual({ configMapRefs: [{ name: "squares-items-0", key: "items" }] });
    const texts = await api.get(configMaps, { namespace: "default", name: "squares-items-0" });
    expect(texts.data?.items?.split("\n").slice(0, -1)).toEqual(many);
    expect(texts.metadata.ownerReferences).toEqual([
      { apiVersion: "kube-pool.dev/v1alpha1", kind: "PooledTask", name: "squares", uid: metadata.uid },
    ]);
  });

  test("leave no ConfigMap behind when the task is refused", async () => {
    const { start, clock, api, createTask } = stage();
    await createTask("squares");
    const call = start([...toLab, ...command], { stdin: many.join("\n") });
    await clock.advance(0);
    expect(await call.status).toBe(1);
    expect((await api.list(configMaps, { namespace: "default", labelSelector: "kube-pool.dev/task" })).items).toEqual(
      [],
    );
  });
});

test("no items are nothing to run", async () => {
  const { run } = stage();
  expect(await run([...toLab, ...command], { stdin: "" })).toEqual({
    status: 0,
    stdout: "",
    stderr: "No items, so there is nothing to run.\n",
  });
});

describe("wrong use is told by the argument's name, with exit status 2", () => {
  test.each([
    [["map", "--image", "i", ...command], "--pool is missing, such as --pool lab"],
    [["map", "--pool", "lab", ...command], "--image is missing, such as --image busybox:1.35"],
    [
      ["map", "--pool", "lab", "--image", "BusyBox", ...command],
      '--image: "BusyBox" cannot name an image: its path has capital letters; write [REGISTRY/]PATH[:TAG] with the path in lower case, such as ghcr.io/team/tool:1.2',
    ],
    [["map", "--pool", "lab", "--image", "i"], "the command is missing; write it after --: -- COMMAND [ARGS…]"],
    [["map", "--pool", "lab", "--image", "i", "--"], "the COMMAND after -- is missing"],
    [["map", "--pool", "lab", "echo", "--image", "i"], '"echo" stands before --; write the command after it: -- echo'],
    [[...toLab, "--chunk", "0", ...command], '--chunk must be a whole number of at least 1, or Auto, but is "0"'],
    [[...toLab, "--mode", "each", ...command], '--mode must be one of Each, Whole, but is "each"; did you mean Each?'],
    [
      [...toLab, "--request", "cpu:1", ...command],
      '--request must be a list such as cpu=100m,memory=64Mi, but has "cpu:1" in it',
    ],
    [
      [...toLab, "--name", "Squares", ...command],
      '--name must be at most 40 lower-case letters, digits and dashes, but is "Squares"',
    ],
    [[...toLab, "--paralelism", "2", ...command], "unknown option --paralelism; did you mean --parallelism?"],
    [
      [...toLab, "--chunk", "2", "--", "f", "$(POOL_ITEM)"],
      "$(POOL_ITEM) needs one item a shard, but --chunk is more; use the variable $POOL_ITEM in sh -c instead",
    ],
    [[...toLab, ...command, ":::", "a\nb"], "item 0 has a line break in it; an item is one line"],
    [
      [...toLab, ...command, ":::", "a", ":::", "b"],
      "::: may stand once; for every combination of lists write spec.items.matrix in a manifest",
    ],
  ])("%j", async (words, message) => {
    const { run } = stage();
    expect(await run(words, { stdin: "1\n" })).toEqual({
      status: 2,
      stdout: "",
      stderr: `error: ${message}\nSee \`kubectl pool map --help\`.\n`,
    });
  });

  test("no items where a person would have to type them", async () => {
    const { run } = stage();
    const { status, stderr } = await run([...toLab, ...command]);
    expect(status).toBe(2);
    expect(stderr).toContain("pipe them in, one a line, or write them after :::");
  });
});
