// A task that has never begun is looked at once, and again when anything has changed that it was seen by.
import { createManager, type Manifest } from "@dsl/kube-operator";
import { manualClock, memoryKubeApi } from "@dsl/kube-operator/testing";
import { expect, test } from "vitest";
import { pooledTaskCrd, resourcePoolCrd } from "../../src/api/crds.ts";
import { childName } from "../../src/api/labels.ts";
import { pooledTasks } from "../../src/api/pooled-task.ts";
import { resourcePools } from "../../src/api/resource-pool.ts";
import { readStores } from "../../src/cli/read-stores.ts";
import { automatic } from "../../src/controller/engine-choice.ts";
import { type Observed, observe } from "../../src/controller/observe.ts";
import { taskSpec } from "../../src/controller/observed/specs.ts";
import type { ObservedTask } from "../../src/controller/observed/task.ts";
import { watchedStores } from "../../src/controller/stores.ts";
import { TaskMemories, type TaskMemory } from "../../src/controller/task-memory.ts";
import { jobs, roundJob } from "../../src/engine/job.ts";
import { attemptPod, pods } from "../../src/engine/managed.ts";
import { namespaces, nodes } from "../support/simulated-cluster-world.ts";
import { aWrittenTask } from "../support/tasks.ts";

const crds = [resourcePoolCrd(), pooledTaskCrd()] as unknown as Manifest[];
const pool = (name: string, spec: object): Manifest => ({
  apiVersion: "kube-pool.dev/v1alpha1",
  kind: "ResourcePool",
  metadata: { name },
  spec,
});
const node = (name: string, taints: readonly object[] = []): Manifest => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name },
  spec: { taints },
  status: { allocatable: { cpu: "4", pods: "110" }, conditions: [{ type: "Ready", status: "True" }] },
});

async function aQueue() {
  const clock = manualClock();
  const api = memoryKubeApi({ clock, crds });
  const manager = createManager({ api, clock });
  const stores = watchedStores(manager);
  void manager.run(new AbortController().signal);
  const memories = new TaskMemories(api);
  /** Objects that nobody has seen before. */
  const copies = new Proxy(api, {
    get(target, name) {
      const list = async (...given: Parameters<typeof api.list>) => structuredClone(await target.list(...given));
      return name === "list" ? list : Reflect.get(target, name).bind(target);
    },
  });
  await api.create(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: "lab" } });
  await api.create(resourcePools, pool("lab", { namespaceSelector: {} }));
  await api.create(resourcePools, pool("students", { parentRef: { name: "lab" }, namespaceSelector: {} }));
  const tasks = {
    early: {},
    auto: { chunk: { size: "Auto" }, minParallelism: 2 },
    child: { poolRef: { name: "students" } },
  };
  for (const [name, spec] of Object.entries(tasks)) {
    const written = aWrittenTask(name, spec);
    await api.create(pooledTasks, { ...written, metadata: { ...written.metadata, namespace: "lab" } });
  }
  /** In an order of its own: a list does not come as a watch does. */
  const said = ({ snapshot, tasks }: Observed): unknown => ({
    ...snapshot,
    tasks: [...tasks]
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .map(({ key, stage, engine, retryRound, request, model }) => ({
        key,
        stage,
        engine,
        retryRound,
        request,
        model,
      })),
  });
  /** What is seen after a change; the same as by who sees it for the first time. */
  const look = async (): Promise<Readonly<Record<string, ObservedTask>>> => {
    await clock.advance(1000);
    for (const task of stores.tasks.list()) {
      const parsed = taskSpec(task);
      if (parsed.ok) await memories.remember(task, parsed.spec, clock.now());
    }
    const seen = observe({ stores, memories, choice: automatic }, "lab", clock.now());
    const anew = observe({ stores: await readStores(copies), memories, choice: automatic }, "lab", clock.now());
    expect(said(seen)).toEqual(said(anew));
    return Object.fromEntries(seen.tasks.map((task) => [task.object.metadata.name, task]));
  };
  const memoryOf = (name: string): TaskMemory => {
    const [task] = stores.tasks.list().filter(({ metadata }) => metadata.name === name);
    const memory = task && memories.get(task);
    if (memory === undefined) throw new Error(`nothing is known of ${name}`);
    return memory;
  };
  return { api, clock, stores, memories, look, memoryOf };
}

test("a task at rest is the same object for the planner as long as nothing has changed", async () => {
  const { look } = await aQueue();
  const first = await look();
  const second = await look();
  expect(Object.keys(first).sort()).toEqual(["auto", "child", "early"]);
  for (const [name, { model }] of Object.entries(first)) {
    expect(model).toBeDefined();
    expect(second[name]?.model).toBe(model);
  }
});

test("what was learned of others changes what is expected of it, and nothing else", async () => {
  const { stores, memories, look, memoryOf } = await aQueue();
  const before = (await look()).early;
  const [lab] = stores.pools.list().filter(({ metadata }) => metadata.name === "lab");
  const keys = memoryOf("early").keys?.keys;
  if (lab === undefined || keys === undefined) throw new Error("the pool and what is learned are known");
  memories.times.learn(lab, [{ keys, itemMs: 5000 }]);
  const after = (await look()).early;
  expect(after?.model).toEqual({ ...before?.model, expected: { likelyMs: 5000 } });
  expect(after?.outlook?.expected(1)).toEqual({ likelyMs: 5000 });
  // From then on it is at rest again.
  expect((await look()).early).toBe(after);
});

test("whatever it is seen by, a change of it is seen", async () => {
  const { api, clock, stores, memories, look, memoryOf } = await aQueue();
  const patch = (name: string, spec: object) =>
    api.patch(resourcePools, { name }, { type: "merge", body: { spec } } as const);
  const told = async (): Promise<string> => {
    const tasks = await look();
    return ["early", "auto", "child"].map((name) => tasks[name]?.model?.blocked?.reason ?? "-").join(" ");
  };

  expect(await told()).toBe("PoolNotReady PoolNotReady PoolNotReady");
  await api.create(nodes, node("node-1"));
  expect(await told()).toBe("- - -");
  await patch("students", { stopPolicy: "Stop" });
  expect(await told()).toBe("- - PoolStopped");
  await patch("students", { stopPolicy: "None", limit: { cpu: "2" } });
  await patch("lab", { namespaceSelector: { matchLabels: { team: "lab" } }, defaultRequests: { cpu: "2" } });
  expect(await told()).toBe("NotAllowed NotAllowed NotAllowed");
  await api.patch(namespaces, { name: "lab" }, {
    type: "merge",
    body: { metadata: { labels: { team: "lab" } } },
  } as const);
  expect(await told()).toBe("- - -");

  await patch("lab", { sharing: "Exclusive" });
  expect((await look()).early?.engine.binding).toBe("Scheduler");
  const taint = { key: "kube-pool.dev/pool", value: "lab", effect: "NoSchedule" };
  await api.patch(nodes, { name: "node-1" }, { type: "merge", body: { spec: { taints: [taint] } } } as const);
  expect((await look()).early?.engine.binding).toBe("Direct");

  memoryOf("early").refusal = {
    reason: "QuotaRefused",
    message: "no",
    until: clock.now() + 5000,
    ceiling: 0,
    count: 1,
  };
  expect(await told()).toBe("QuotaRefused - -");
  await clock.advance(5000);
  expect(await told()).toBe("- - -");
  memoryOf("child").excludedNodes.set("node-1", clock.now() + 60_000);
  expect((await look()).child?.model?.excludedNodes).toHaveLength(1);

  await api.patch(pooledTasks, { namespace: "lab", name: "auto" }, {
    type: "merge",
    body: { spec: { suspend: true } },
  } as const);
  expect(await told()).toBe("- Suspended -");

  const [lab] = stores.pools.list().filter(({ metadata }) => metadata.name === "lab");
  const keys = memoryOf("early").keys?.keys;
  if (lab === undefined || keys === undefined) throw new Error("the pool and what is learned are known");
  memories.times.learn(lab, [{ keys, itemMs: 5000 }]);
  expect((await look()).early?.model?.expected).toEqual({ likelyMs: 5000 });
});

test("a task that has finished is looked at once, and again when anything that is left of it has changed", async () => {
  const { api, clock, stores, memories, look } = await aQueue();
  const key = { namespace: "lab", name: "early" };
  const task = await api.get(pooledTasks, key);
  const context = { task, child: childName(task), pool: "lab", defaultRequests: {} };
  const round = { number: 0, shards: 3, binding: "Scheduler", reason: "" } as const;
  const { metadata } = await api.create(jobs, roundJob(context, round));
  const placement = { shard: 0, attempt: 1, node: "node-1", items: [{ index: 0, text: "0" }] };
  const pod = await api.create(pods, attemptPod(context, placement, { metadata, templateLabels: {} } as never));
  const end = {
    type: "Finished",
    status: "True",
    reason: "Succeeded",
    message: "",
    lastTransitionTime: "2026-01-01T00:00:00Z",
  };
  const { generation: observedGeneration } = task.metadata;
  const status = { type: "merge", body: { status: { observedGeneration, conditions: [end] } } } as const;
  await api.patch(pooledTasks, key, status, { subresource: "status" });

  const going = (): readonly string[] =>
    observe({ stores, memories, choice: automatic }, "lab", clock.now())
      .going.map(({ object }) => object.metadata.name)
      .sort();
  // What its Pod means is still open.
  const first = (await look()).early;
  expect(going()).toEqual(["auto", "child", "early"]);
  expect(first?.stage.kind).toBe("Finished");
  expect((await look()).early).not.toBe(first);
  const phase = { type: "merge", body: { status: { phase: "Succeeded" } } } as const;
  await api.patch(pods, pod.metadata, phase, { subresource: "status" });
  const ended = (await look()).early;
  expect(ended?.objects.get("0/1")?.finished).toBe("Complete");
  expect((await look()).early).toBe(ended);
  // What its Pod did is still to be recorded.
  expect(going()).toEqual(["auto", "child", "early"]);

  // Nothing is left of it once its outcome is recorded: it sleeps as soon as it is seen the same again.
  if (ended !== undefined) stores.tasksByPool.done(ended);
  const asleep = (): readonly string[] =>
    observe({ stores, memories, choice: automatic }, "lab", clock.now()).asleep.flatMap((pool) => [...pool.keys()]);
  expect(asleep()).toEqual([task.metadata.uid]);

  await api.delete(pods, pod.metadata);
  await clock.advance(0);
  expect(asleep()).toEqual([]);
  const gone = (await look()).early;
  expect(gone).not.toBe(ended);
  for (const left of stores.departed.of(metadata.uid)) stores.departed.drop(left);
  expect((await look()).early?.objects.size).toBe(0);
  expect(going()).toEqual(["auto", "child"]);

  await api.patch(pooledTasks, key, { type: "merge", body: { spec: { retryFailed: 1 } } } as const);
  expect((await look()).early?.stage.kind).toBe("Open");
});

test("a task of which nothing is left is not looked at until anything of it changes, or its time is up", async () => {
  const { api, clock, stores, memories, look } = await aQueue();
  const key = { namespace: "lab", name: "early" };
  await api.patch(pooledTasks, key, { type: "merge", body: { spec: { ttlSecondsAfterFinished: 600 } } } as const);
  const task = await api.get(pooledTasks, key);
  const context = { task, child: childName(task), pool: "lab", defaultRequests: {} };
  const round = await api.create(
    jobs,
    roundJob(context, { number: 0, shards: 1, binding: "Scheduler", reason: "" } as const),
  );
  const finished = {
    type: "Finished",
    status: "True",
    reason: "Succeeded",
    message: "",
    lastTransitionTime: "2026-01-01T00:00:00Z",
  };
  const completionTime = new Date(clock.now()).toISOString();
  const body = { status: { completionTime, conditions: [finished] } };
  await api.patch(pooledTasks, key, { type: "merge", body }, { subresource: "status" });

  const names = (now = clock.now()): readonly string[] =>
    observe({ stores, memories, choice: automatic }, "lab", now).tasks.map(({ object }) => object.metadata.name);
  const sleep = async (): Promise<void> => {
    const { early } = await look();
    if (early === undefined) throw new Error("it is awake");
    stores.tasksByPool.done(early);
    // Seen the same again it goes to sleep.
    expect(names()).toContain("early");
    expect(names()).not.toContain("early");
  };
  const labelled = { type: "merge", body: { metadata: { labels: { by: "hand" } } } } as const;
  await sleep();
  await api.patch(jobs, round.metadata, labelled);
  await clock.advance(0);
  expect(names()).toContain("early");
  await sleep();
  await api.patch(pooledTasks, key, labelled);
  await clock.advance(0);
  expect(names()).toContain("early");
  await sleep();
  await api.delete(jobs, round.metadata, { propagation: "Background" });
  await clock.advance(0);
  expect(names()).toContain("early");
  await sleep();

  const { wakeAt, asleep } = observe({ stores, memories, choice: automatic }, "lab", clock.now());
  expect(asleep.flatMap((pool) => [...pool.keys()])).toEqual([task.metadata.uid]);
  expect(wakeAt).toBe(Date.parse(completionTime) + 600_000);
  expect(names(Date.parse(completionTime) + 599_999)).not.toContain("early");
  expect(names(Date.parse(completionTime) + 600_000)).toContain("early");
});
