// What others ask of a task, or do to what belongs to it, at the worst moment: nothing runs on, hangs or is told wrongly.
import { ApiError, type KubeObject } from "@dsl/kube-operator";
import { expect, test } from "vitest";
import { aCluster, anEmptyCluster, type SimulatedCluster } from "../support/simulated-cluster.ts";
import { configMaps, jobs, resourcePools } from "../support/simulated-cluster-world.ts";
import { everyEngine } from "./engines.ts";

const refused = () => new ApiError({ code: 403, reason: "Forbidden", message: "denied the request: no" });
const reset = () => Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });

test.each(everyEngine)(
  "$name: a cancel that comes before the status tells of a retry stops what was started",
  async (engine) => {
    const cluster = await aCluster().withEngine(engine).withNodes(1, { cpu: 3 }).withOperators().start();
    let isRetried = false;
    cluster.startOperator({
      name: "operator-1",
      async intercept({ plural, subresource, key }, send) {
        if (isRetried && plural === "pooledtasks" && subresource === "status" && key.name === "work") {
          isRetried = false;
          // The status that was about to be written is one of an older spec now, and is refused.
          await cluster.change("work", { cancel: true });
        }
        return await send();
      },
    });
    cluster.program = () => ({ exit: 1, ms: 1000 });
    await cluster.task("work", { items: { range: { end: 8 } } });
    await cluster.finish("work");
    await cluster.settle();
    // In a quiet pool what is left over would be removed for that alone.
    cluster.program = () => ({ result: "x", ms: 3_600_000 });
    await cluster.task("busy", { items: { range: { end: 1 } } });
    await cluster.until(() => cluster.running("busy").length === 1);
    await cluster.run(10);
    cluster.program = () => ({ result: "x", ms: 60_000 });
    isRetried = true;
    await cluster.change("work", { retryFailed: 1 });
    await cluster.run(20);
    expect(cluster.running("work")).toEqual([]);
    await cluster.run(600);
    expect(cluster.history.violations()).toEqual([]);
    expect(cluster.status("work").conditions?.find(({ type }) => type === "Finished")).toMatchObject({
      status: "True",
    });
    expect(cluster.status("work").handledRetry).toBe(1);
  },
);

test("a retry of a cancelled task is heard, and runs nothing", async () => {
  const cluster = await aCluster().withNodes(1, { cpu: 3 }).start();
  cluster.program = () => ({ ms: 60_000 });
  await cluster.task("work", { items: { range: { end: 8 } } });
  await cluster.until(() => cluster.running("work").length === 3);
  await cluster.change("work", { cancel: true });
  await cluster.finish("work");
  const before = cluster.attempts("work").length;
  await cluster.change("work", { retryFailed: 1 });
  await cluster.run(20);
  expect(cluster.condition("work", "Finished")).toBe("True Cancelled");
  expect(cluster.status("work")).toMatchObject({ handledRetry: 1, observedGeneration: 3 });
  expect(cluster.attempts("work")).toHaveLength(before);
});

test.each(everyEngine)("$name: a copy of a task's Job is its maker's, and keeps no task from going", async (engine) => {
  const cluster = await aCluster().withEngine(engine).withNodes(1, { cpu: 3 }).start();
  await cluster.task("work", { items: { range: { end: 2 } } });
  await cluster.finish("work");
  const [job] = cluster.jobs("work");
  const { labels = {}, annotations = {} } = job?.metadata ?? {};
  await cluster.api.create(jobs, {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "debug", namespace: "lab", labels, annotations },
    spec: { ...(job?.spec as object), suspend: true },
  });
  await cluster.delete("work");
  await cluster.run(60);
  expect(cluster.see("work")).toBeUndefined();
  expect(cluster.jobs("work").map(({ metadata }) => metadata.name)).toEqual(["debug"]);
});

test.each(everyEngine)("$name: a Job whose labels somebody took off goes with its task", async (engine) => {
  const cluster = await aCluster()
    .withEngine(engine)
    .withNodes(1, { cpu: 2 })
    .withProgram(() => ({ ms: 20_000 }))
    .start();
  await cluster.task("work", { items: { range: { end: 4 } } });
  await cluster.until(() => cluster.running("work").length === 2);
  const [job] = cluster.jobs("work");
  const body = { metadata: { labels: { "kube-pool.dev/round": null, "kube-pool.dev/shard": null } } };
  await cluster.api.patch(jobs, job?.metadata ?? { name: "" }, { type: "merge", body });
  await cluster.run(60);
  expect(cluster.status("work").queue).toMatchObject({
    reason: "NameTaken",
    message: expect.stringContaining(`Job ${job?.metadata.name} has a name that this task needs`),
  });
  await cluster.delete("work");
  await cluster.run(600);
  expect(cluster.see("work")).toBeUndefined();
  expect(cluster.jobs("work")).toEqual([]);
});

/** The operator begins anew when the items are gone, and the task is cancelled then. */
async function cancelWithoutItems(cluster: SimulatedCluster): Promise<void> {
  await cluster.api.delete(configMaps, { namespace: "lab", name: "inputs" });
  cluster.restart();
  await cluster.run(20);
  await cluster.change("read", { cancel: true });
  await cluster.run(120);
  expect(cluster.condition("read", "Finished")).toBe("True Cancelled");
}

test.each(everyEngine)(
  "$name: a task is cancelled though its items were gone when the operator began",
  async (engine) => {
    const cluster = await aCluster()
      .withEngine(engine)
      .withNodes(1, { cpu: 4 })
      .withProgram(() => ({ ms: 600_000 }))
      .start();
    await cluster.configMap("inputs", { lines: "3\n4\n" });
    await cluster.task("read", { items: { configMapRefs: [{ name: "inputs", key: "lines" }] } });
    await cluster.until(() => cluster.running("read").length === 2);
    for (const operator of cluster.operators) operator.kill();
    await cancelWithoutItems(cluster);
    expect(cluster.running("read")).toEqual([]);
  },
);

test("so is one of which a start was still open, whose place is free again", async () => {
  const cluster = await aCluster().withNodes(1, { cpu: 4 }).withOperators().start();
  await cluster.configMap("inputs", { lines: "3\n4\n" });
  cluster.startOperator({
    name: "operator-1",
    async intercept({ plural, verb }, send, operator) {
      if (verb === "create" && plural === "pods") operator.kill();
      return await send();
    },
  });
  await cluster.task("read", { items: { configMapRefs: [{ name: "inputs", key: "lines" }] } });
  await cluster.until(() => cluster.operators[0]?.isDead === true);
  await cancelWithoutItems(cluster);
  expect(cluster.poolStatus().queue?.openStarts ?? []).toEqual([]);
});

test("the Job that attempts share is known to be the task's own where the answer to its create was lost", async () => {
  const cluster = await aCluster().withNodes(1, { cpu: 2 }).withOperators().start();
  let isLost = false;
  cluster.startOperator({
    name: "operator-1",
    async intercept({ verb, plural }, send, operator): Promise<KubeObject> {
      if (verb !== "create" || plural !== "jobs" || isLost) return (await send()) as KubeObject;
      isLost = true;
      operator.lag();
      await send();
      throw reset();
    },
  });
  await cluster.task("work", { items: { range: { end: 2 } } });
  await cluster.run(2);
  expect(isLost).toBe(true);
  expect(cluster.status("work").queue?.reason).not.toBe("NameTaken");
  cluster.operator.catchUp();
  await cluster.finish("work");
  expect(cluster.attempts("work")).toHaveLength(2);
});

test.each(["nothing", "stopPolicy", "suspend", "no pool"])(
  "what ended while its record was refused is recorded once it is not, with %s in the way",
  async (how) => {
    let refuses = true;
    const cluster = await aCluster()
      .withNodes(1, { cpu: 3 })
      .withProgram(() => ({ result: "x", ms: 5000 }))
      .withOperators()
      .start();
    cluster.startOperator({
      name: "operator-1",
      async intercept({ plural }, send) {
        if (refuses && plural === "configmaps") throw refused();
        return await send();
      },
    });
    await cluster.task("work", { items: { range: { end: 1 } } });
    await cluster.until(() => cluster.running("work").length === 1);
    if (how === "stopPolicy") {
      await cluster.api.patch(
        resourcePools,
        { name: "lab" },
        { type: "merge", body: { spec: { stopPolicy: "Stop" } } },
      );
    }
    if (how === "no pool") await cluster.api.delete(resourcePools, { name: "lab" });
    await cluster.until(() => cluster.pods("work").some(({ status }) => status?.phase === "Succeeded"));
    if (how === "suspend") await cluster.change("work", { suspend: true });
    await cluster.run(60);
    refuses = false;
    await cluster.run(600);
    expect(cluster.condition("work", "Finished")).toBe("True Succeeded");
  },
);

test("a start that was refused once stays open, the next time, until it is recorded", async () => {
  let refuses = true;
  const cluster = await aCluster()
    .withNodes(1, { cpu: 3 })
    .withProgram(() => ({ result: "x", ms: 20_000 }))
    .withOperators()
    .start();
  const openWhileUnrecorded: number[] = [];
  cluster.startOperator({
    name: "operator-1",
    async intercept({ plural, verb, subresource }, send) {
      if (refuses && plural === "pods" && verb === "create") throw refused();
      const answer = await send();
      if (!refuses && plural === "resourcepools" && subresource === "status" && cluster.running("work").length > 0) {
        const isRecorded = cluster.records("work").some(({ kind }) => kind === "start");
        if (!isRecorded) openWhileUnrecorded.push(cluster.poolStatus().queue?.openStarts?.length ?? 0);
      }
      return answer;
    },
  });
  await cluster.run(30);
  await cluster.task("work", { items: { range: { end: 1 } } });
  await cluster.run(5);
  refuses = false;
  await cluster.run(20);
  expect(openWhileUnrecorded).not.toEqual([]);
  expect(openWhileUnrecorded).not.toContain(0);
});

test("a node that comes from another pool counts for how Pods are bound, also of tasks that wait", async () => {
  const cluster = await anEmptyCluster()
    .withPool("other", { nodeNames: ["node-2"] })
    .withNodes(1, { cpu: 1 }, { zone: "a" })
    .withNodes(1, { cpu: 1 }, { zone: "a" })
    .withProgram(({ item }) => ({ result: item, ms: 300_000 }))
    .start();
  await cluster.run(1);
  await cluster.pool("lab", { nodeSelector: { matchLabels: { zone: "a" } }, sharing: "Exclusive" });
  const taints = [{ key: "kube-pool.dev/pool", value: "lab", effect: "NoSchedule" }];
  const nodes = { group: "", version: "v1", kind: "Node", plural: "nodes", namespaced: false };
  await cluster.api.patch(nodes, { name: "node-1" }, { type: "merge", body: { spec: { taints } } });
  await cluster.task("first", { items: { range: { end: 1 } } });
  await cluster.until(() => cluster.running("first").length === 1);
  await cluster.task("second", { items: { range: { end: 1 } } });
  await cluster.run(30);
  await cluster.api.delete(resourcePools, { name: "other" });
  await cluster.run(30);
  expect(cluster.status("first").engine?.binding).toBe("Direct");
  expect(cluster.pods("second")).toHaveLength(1);
  expect(cluster.status("second").engine).toMatchObject({
    binding: "Scheduler",
    reason: expect.stringContaining("node-2 does not carry the taint"),
  });
});
