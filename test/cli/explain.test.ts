import { ApiError } from "@dsl/kube-operator";
import { expect, test } from "vitest";
import { conditions, shards } from "../view/objects.ts";
import { type Stage, stage } from "./stage.ts";

const nodes = { group: "", version: "v1", kind: "Node", plural: "nodes", namespaced: false };

/** A user who may see tasks and pools, and no nodes. */
function stageWithoutNodes(): Stage {
  const staged = stage();
  staged.api.fail(({ resource }) =>
    resource.plural === "nodes"
      ? new ApiError({ code: 403, reason: "Forbidden", message: "you may not list nodes" })
      : undefined,
  );
  return staged;
}

/** A pool with room for two shards. */
async function stageWithNode(): Promise<Stage> {
  const staged = stage();
  const { api, createPool } = staged;
  await createPool("lab", {});
  await api.create(nodes, { apiVersion: "v1", kind: "Node", metadata: { name: "a" } });
  const status = { allocatable: { cpu: "2", pods: "110" }, conditions: [{ type: "Ready", status: "True" }] };
  await api.patch(nodes, { name: "a" }, { type: "merge", body: { status } }, { subresource: "status" });
  return staged;
}

test("the planner itself is asked, whatever the operator wrote last", async () => {
  const { run, createTask, report } = await stageWithNode();
  await createTask("squares");
  await report("squares", { queue: { reason: "PoolNotReady", message: "lab has no nodes yet" } });
  expect((await run(["explain", "squares"])).stdout).toMatchInlineSnapshot(`
    "Task:        default/squares in pool lab
    State:       starting, 0 of 100 items done, 2 starting, 98 waiting
    Reason:      PoolFull
    Message:     each shard asks for 1 cpu; lab has 0 free
    Queue:       position 1
    Pool:        cpu 0 free of 2, pods 108 free of 110
    Starts in:   60s
    Helps:       Wait until running shards end. More nodes in the pool, or a new task that asks for less in each shard, start sooner.
    "
  `);
});

test.each(["QuotaRefused", "AdmissionRefused", "TemplateRefused", "NameTaken"] as const)(
  "what the API server refused is not planned anew: %s stands until the operator writes otherwise",
  async (reason) => {
    const { run, createTask, report } = await stageWithNode();
    await createTask("squares");
    await report("squares", {
      // A change that the operator has not seen is no reason to hope.
      observedGeneration: 0,
      queue: { reason, message: "the server's words" },
    });
    const told = (await run(["explain", "squares"])).stdout;
    expect(told).toMatch(
      /^State: +(waiting|stopped until a person does something), 0 of 100 items done, 100 waiting$/m,
    );
    expect(told).toMatch(new RegExp(`^Reason: +${reason}\nMessage: +the server's words$`, "m"));
    expect(told).not.toContain("Starts");
    await createTask("cubes");
    expect((await run(["explain", "cubes"])).stdout).toMatch(/^State: +starting, .* 2 starting, 98 waiting$/m);
  },
);

test.each([
  ["cancel", "being cancelled", "Cancelled", "spec.cancel is true: what runs is stopped, and nothing more starts"],
  ["suspend", "(being )?suspended", "Suspended", "spec.suspend is true; set it to false to go on"],
])("%s is told from the moment on that it is asked for", async (verb, state, reason, message) => {
  for (const staged of [await stageWithNode(), stageWithoutNodes()]) {
    const { run, createTask, report } = staged;
    await createTask("squares");
    await report("squares", {
      items: { total: 100, succeeded: 40, failed: 0 },
      shards: shards({ running: 2, waiting: 58, succeeded: 40 }),
      queue: { position: 1, reason: "PoolFull", message: "lab has 0 free", wouldStartIf: ["a shard ends"] },
      conditions: conditions({ Finished: "False", Reconciling: "True" }),
    });
    await run([verb, "squares"]);
    const told = (await run(["explain", "squares"])).stdout;
    expect(told).toMatch(new RegExp(`^State: +${state}, `, "m"));
    expect(told).toMatch(new RegExp(`^Reason: +${reason}\nMessage: +${message}$`, "m"));
    expect(told).toMatch(/^Note: +the operator has not looked at the latest change of the task yet$/m);
    expect(told).not.toMatch(/^(Queue|Starts)/m);
  }
});

test("a task that waits is explained: where it stands, why, what is free, what helps", async () => {
  const { run, createPool, createTask, report } = stageWithoutNodes();
  await createPool("lab", {
    resources: [
      { name: "cpu", capacity: "96", foreign: "2500m", allocated: "61", free: "32500m", utilizationPercent: 65 },
      { name: "nvidia.com/gpu", capacity: "16", foreign: "0", allocated: "7", free: "9", utilizationPercent: 44 },
    ],
  });
  await createTask("squares");
  await report("squares", {
    items: { total: 100, succeeded: 0, failed: 0 },
    shards: shards({ waiting: 100 }),
    queue: {
      position: 3,
      reason: "NoNodeFits",
      message: "each shard asks for 4 GPUs; lab has 9 free, at most 3 on one node",
    },
    conditions: conditions({ Finished: "False", Reconciling: "True" }),
  });
  expect((await run(["explain", "squares"])).stdout).toMatchInlineSnapshot(`
    "Task:      default/squares in pool lab
    State:     waiting, 0 of 100 items done, 100 waiting
    Reason:    NoNodeFits
    Message:   each shard asks for 4 GPUs; lab has 9 free, at most 3 on one node
    Queue:     position 3
    Pool:      cpu 32500m free of 96, nvidia.com/gpu 9 free of 16
    Helps:     Wait until one node has the room, or make it: open closed nodes, end Pods of others there, or ask for less in a new task.
    "
  `);
});

test("what was told of its start is told to who may see no nodes, as long as it is to come", async () => {
  const { run, createTask, report, clock } = stageWithoutNodes();
  await createTask("squares");
  await report("squares", {
    items: { total: 1, succeeded: 0, failed: 0 },
    shards: shards({ waiting: 1 }),
    queue: {
      position: 1,
      reason: "PoolFull",
      message: "each shard asks for 1 cpu; lab has 0 free",
      expectedStart: new Date(clock.now() + 90_000).toISOString(),
      wouldStartIf: ["a shard of primes ends"],
    },
    conditions: conditions({ Finished: "False", Reconciling: "True" }),
  });
  const told = (await run(["explain", "squares"])).stdout;
  expect(told).toContain("Starts if:   a shard of primes ends\nStarts in:   90s\n");
  await clock.advance(90_000);
  expect((await run(["explain", "squares"])).stdout).not.toContain("Starts in");
});

test("a pool that is not there, and a spec that the operator has not seen, do not keep the rest from being told", async () => {
  const { run, createTask, report } = stageWithoutNodes();
  await createTask("squares");
  await report("squares", {
    items: { total: 100, succeeded: 97, failed: 3 },
    conditions: conditions({ Succeeded: "False ItemsFailed 3 of 100 items failed", Finished: "True" }),
  });
  expect((await run(["explain", "squares"])).stdout).toMatchInlineSnapshot(`
    "Task:      default/squares in pool lab
    State:     ended without full success, 97 of 100 items done, 3 failed
    Reason:    ItemsFailed
    Message:   3 of 100 items failed
    "
  `);
  await run(["retry", "squares"]);
  expect((await run(["explain", "squares"])).stdout).toMatchInlineSnapshot(`
    "Task:    default/squares in pool lab
    State:   waiting, 97 of 100 items done, 3 failed
    Note:    the operator has not looked at the latest change of the task yet
    "
  `);
});

test("-o json is for programs", async () => {
  const { run, createTask } = stageWithoutNodes();
  await createTask("squares");
  expect(JSON.parse((await run(["explain", "squares", "-o", "json"])).stdout)).toMatchObject({
    task: { name: "squares", pool: "lab", stage: "Waiting" },
    isCurrent: false,
  });
});

test("a pool is explained by the planner: where it stands, what would help, what that brings and takes", async () => {
  const { run, createPool, createTask, api } = stage();
  const words = { reason: "5% was used", gain: "3 nodes less", cost: "a peak waits" };
  await createPool("lab", {
    recommendations: [
      { type: "RemoveNodes", ...words },
      { type: "MoveShards", ...words },
    ],
  });
  await createPool("students", undefined, { parentRef: { name: "lab" } });
  for (const name of ["a", "b"]) {
    await api.create(nodes, { apiVersion: "v1", kind: "Node", metadata: { name } });
    const status = { allocatable: { cpu: "2", pods: "110" }, conditions: [{ type: "Ready", status: "True" }] };
    await api.patch(nodes, { name }, { type: "merge", body: { status } }, { subresource: "status" });
  }
  expect((await run(["explain", "rpool/lab"])).stdout).toMatch(
    /\nRemoveNodes: +5% was used\n +Gain: .*\n +Cost: +a peak waits\n$/,
  );
  const pool = { poolRef: { name: "students" }, expectedItemSeconds: 600 };
  await createTask("squares", { ...pool, parallelism: 6 });
  expect((await run(["explain", "rpool/students"])).stdout).toMatchInlineSnapshot(`
    "Pool:                         students, below lab
    State:                        ready
    Room:                         cpu 0 free of 4, pods 216 free of 220
    Tasks:                        1 running, 0 queued, 0 suspended
    Shards:                       0 running, 4 starting, 96 waiting
    AddNodes (lab):               1 task waits; of the first, each shard asks for 1 cpu; lab has 0 free
      Gain:                       mean wait of the next 96 shards 125 min -> 82 min
      Cost:                       1 more node like a (2 cpu)
    PoolSmallerThanParallelism:   default/squares asks for 6 shards at once, and students could hold 4 of them if nothing else ran
      Gain:                       4 -> 6 shards at once
      Cost:                       1 more node like a (2 cpu); or parallelism 4, which is all that it can have now
    "
  `);
  const told = JSON.parse((await run(["explain", "rpool/lab", "-o", "json"])).stdout);
  expect(told).toMatchObject({ pool: { name: "lab" }, recommendations: [{ type: "AddNodes" }, { pool: "students" }] });
});

test("who may see no nodes is told what stands in the pool's status", async () => {
  const { run, createPool } = stageWithoutNodes();
  const words = {
    reason: "1 task waits",
    gain: "mean wait of the next 4 shards 25 min -> 10 min",
    cost: "1 more node",
  };
  await createPool("lab", {
    conditions: conditions({ Ready: "True" }),
    recommendations: [{ type: "AddNodes", ...words }],
  });
  await createPool("idle", { conditions: conditions({ Ready: "True" }) });
  expect((await run(["explain", "rpool/lab"])).stdout).toMatchInlineSnapshot(`
    "Pool:       lab
    State:      ready
    Room:       no capacity known yet
    AddNodes:   1 task waits
      Gain:     mean wait of the next 4 shards 25 min -> 10 min
      Cost:     1 more node
    "
  `);
  expect((await run(["explain", "resourcepool/idle"])).stdout).toContain("Advice:   none\n");
});

test("a pool that is not there, and more than one, are told", async () => {
  const { run } = stage();
  expect(await run(["explain", "rpool/gone"])).toMatchObject({ status: 1, stderr: expect.stringContaining("gone") });
  expect(await run(["explain", "rpool/a", "rpool/b"])).toMatchObject({ status: 2 });
});
