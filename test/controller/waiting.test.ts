// Why a task waits, in one word, and that it goes on when that is over. Whose room is whose.
import { expect, test } from "vitest";
import { aCluster, anEmptyCluster, type SimulatedCluster } from "../support/simulated-cluster.ts";
import { jobs } from "../support/simulated-cluster-world.ts";
import { native } from "./engines.ts";

const nodesOf = (cluster: SimulatedCluster, name: string): string[] =>
  [...new Set(cluster.pods(name).map(({ spec }) => spec.nodeName ?? ""))].sort();

test("a task whose pool does not exist says so, and runs when it is created", async () => {
  const cluster = await anEmptyCluster().withNodes(1, { cpu: 2 }).start();
  await cluster.task("early");
  await cluster.until(() => cluster.status("early").queue?.reason === "PoolNotFound", { withinSeconds: 5 });
  await cluster.pool("lab");
  await cluster.finish("early");
  expect(cluster.results("early")).toEqual(["0", "1", "4"]);
});

test("a pool without a node is not ready, and takes up work when one comes", async () => {
  const cluster = await aCluster().start();
  await cluster.task("early");
  await cluster.until(() => cluster.status("early").queue?.reason === "PoolNotReady", { withinSeconds: 5 });
  await cluster.addNode("node-1", { cpu: 2 });
  await cluster.finish("early");
  expect(cluster.condition("early", "Succeeded")).toBe("True Succeeded");
});

test("a namespace that the pool does not admit gets nothing, until its labels change", async () => {
  const cluster = await anEmptyCluster()
    .withPool("lab", { namespaceSelector: { matchLabels: { team: "lab" } } })
    .withNamespace("lab", { team: "other" })
    .withNodes(1, { cpu: 2 })
    .start();
  await cluster.task("stranger");
  await cluster.until(() => cluster.status("stranger").queue?.reason === "NotAllowed", { withinSeconds: 5 });
  await cluster.run(60);
  expect(cluster.jobs("stranger")).toEqual([]);
  const namespace = { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false };
  await cluster.api.patch(
    namespace,
    { name: "lab" },
    { type: "merge", body: { metadata: { labels: { team: "lab" } } } },
  );
  await cluster.finish("stranger");
});

test("a shard that no node could ever hold needs a person, and is taken back when a larger node comes", async () => {
  const cluster = await aCluster().withNodes(2, { cpu: 2 }).start();
  await cluster.task("large", { cpu: 8 });
  await cluster.until(() => cluster.condition("large", "Stalled") !== undefined, { withinSeconds: 5 });
  expect(cluster.condition("large", "Stalled")).toBe("True NeverFits");
  expect(cluster.jobs("large")).toEqual([]);
  await cluster.addNode("node-9", { cpu: 8 });
  await cluster.finish("large");
  expect(nodesOf(cluster, "large")).toEqual(["node-9"]);
});

test("two pools never share a node: the older keeps what both select, and the younger says so", async () => {
  const cluster = await anEmptyCluster()
    .withPool("old", { nodeNames: ["node-1", "node-2"] })
    .withNodes(3, { cpu: 1 })
    .start();
  await cluster.run(2);
  await cluster.pool("young", { nodeNames: ["node-2", "node-3"] });
  await cluster.task("first", { poolRef: { name: "old" }, items: { range: { end: 6 } } });
  await cluster.task("second", { poolRef: { name: "young" }, items: { range: { end: 6 } } });
  await cluster.finish("first");
  await cluster.finish("second", { withinSeconds: 1500 });
  expect(nodesOf(cluster, "first")).toEqual(["node-1", "node-2"]);
  expect(nodesOf(cluster, "second")).toEqual(["node-3"]);
  const overlap = cluster.poolStatus("young").conditions?.find(({ type }) => type === "Ready");
  expect(overlap).toMatchObject({
    status: "False",
    reason: "NodesOverlap",
    message: expect.stringContaining("node-2"),
  });
  expect(cluster.history.violations()).toEqual([]);
});

test("Pods of others take room, and give it back", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 4 })
    .withProgram(({ item }) => ({ result: item, ms: 5000 }))
    .start();
  await cluster.foreignPod("theirs", "node-1", "3");
  await cluster.task("modest", { items: { range: { end: 4 } } });
  await cluster.until(() => cluster.running("modest").length > 0);
  expect(cluster.running("modest")).toHaveLength(1);
  expect(cluster.poolStatus().resources?.find(({ name }) => name === "cpu")).toMatchObject({
    capacity: "4",
    foreign: "3",
    allocated: "1",
    free: "0",
  });
  const pods = { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true };
  await cluster.api.delete(pods, { namespace: "kube-system", name: "theirs" }, { gracePeriodSeconds: 0 });
  await cluster.until(() => cluster.running("modest").length === 3);
  await cluster.finish("modest");
  expect(cluster.history.violations()).toEqual([]);
});

test("a shard that the Kubernetes scheduler refuses is taken back and placed elsewhere", async () => {
  let taken = "";
  const cluster = await aCluster().withNodes(2, { cpu: 1 }).withOperators().start();
  cluster.startOperator({
    name: "operator-1",
    // Somebody takes the room in the moment between the decision and the Pod.
    async intercept({ plural, body }, send) {
      if (plural === "pods" && taken === "") {
        taken = JSON.stringify(body).includes('"node-1"') ? "node-1" : "node-2";
        await cluster.foreignPod("quick", taken, "1");
      }
      return await send();
    },
  });
  await cluster.task("first", { items: { range: { end: 1 } } });
  await cluster.finish("first");
  expect(cluster.condition("first", "Succeeded")).toBe("True Succeeded");
  expect(cluster.attempts("first")).toEqual(["0/1 Stopped", "0/2 Succeeded"]);
  expect(nodesOf(cluster, "first")).not.toContain(taken);
});

test("a quota that refuses Pods holds the task at what was granted; when it is raised, all goes on", async () => {
  const cluster = await aCluster()
    .withNodes(2, { cpu: 4 })
    .withProgram(({ item }) => ({ result: item, ms: 20_000 }))
    .start();
  await cluster.quota("small", { pods: "2" });
  await cluster.task("many", { items: { range: { end: 12 } } });
  await cluster.until(() => cluster.status("many").queue?.reason === "QuotaRefused", { withinSeconds: 30 });
  expect(cluster.status("many").queue?.message).toContain("exceeded quota: small");
  await cluster.until(() => cluster.running("many").length === 2);
  await cluster.changeQuota("small", { pods: "100" });
  await cluster.until(() => cluster.running("many").length >= 6, { withinSeconds: 60 });
  await cluster.finish("many");
  expect(cluster.condition("many", "Succeeded")).toBe("True Succeeded");
  expect(cluster.results("many")).toHaveLength(12);
  expect(cluster.history.violations()).toEqual([]);
});

test("a refusal that has passed without a word is found out: the task is not held back for ever", async () => {
  let refuses = true;
  const cluster = await aCluster()
    .withNodes(2, { cpu: 4 })
    .withProgram(({ item }) => ({ result: item, ms: 30_000 }))
    .withJobController({ refuses: () => (refuses ? 'admission webhook "policy" denied the request' : undefined) })
    .start();
  await cluster.task("patient", { items: { range: { end: 24 } } });
  await cluster.until(() => cluster.status("patient").queue?.reason === "AdmissionRefused", { withinSeconds: 30 });
  await cluster.run(20);
  refuses = false;
  await cluster.until(() => cluster.running("patient").length === 8, { withinSeconds: 400 });
});

test("a Job of somebody else under a name of ours is told and never touched", async () => {
  const cluster = await aCluster().withEngine(native).withNodes(1, { cpu: 4 }).start();
  const { metadata } = await cluster.task("squares", { suspend: true, items: { range: { end: 2 } } });
  const name = `squares-${metadata.uid.slice(0, 6)}-0-1`;
  const theirs = await cluster.api.create(jobs, {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace: "lab" },
    spec: { template: { spec: { containers: [{ name: "main", image: "theirs" }] } } },
  });
  await cluster.change("squares", { suspend: false });
  await cluster.until(() => cluster.status("squares").queue?.reason === "NameTaken", { withinSeconds: 30 });
  expect(cluster.status("squares").queue?.message).toContain(name);
  await cluster.run(60);
  const [job] = cluster.world.jobs.list().filter((each) => each.metadata.uid === theirs.metadata.uid);
  expect(job?.metadata.deletionTimestamp).toBeUndefined();
  expect(cluster.writes.filter(({ verb, key }) => verb !== "create" && key.name === name)).toEqual([]);
  expect(cluster.condition("squares", "Stalled")).toBe("True NameTaken");
});

test("a ConfigMap of somebody else under a name of ours is told and never touched", async () => {
  const cluster = await aCluster().withNodes(1, { cpu: 4 }).start();
  const { metadata } = await cluster.task("squares", { suspend: true, items: { range: { end: 2 } } });
  const name = `squares-${metadata.uid.slice(0, 6)}-results-0`;
  await cluster.configMap(name, { notes: "mine" });
  await cluster.change("squares", { suspend: false });
  await cluster.until(() => cluster.condition("squares", "Stalled") === "True NameTaken", { withinSeconds: 60 });
  expect(cluster.status("squares").queue?.message).toContain(name);
  await cluster.settle();
  expect(cluster.world.configMaps.get({ namespace: "lab", name })?.data).toEqual({ notes: "mine" });

  await cluster.api.delete(
    { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true },
    { namespace: "lab", name },
  );
  await cluster.finish("squares");
  expect(cluster.results("squares")).toEqual(["0", "1"]);
});

test("a pool that is deleted while its task runs loses no result, and goes on when it comes back", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 2 })
    .withProgram(({ item }) => ({ result: item, ms: 5000 }))
    .start();
  await cluster.task("work", { items: { range: { end: 6 } } });
  await cluster.until(() => cluster.running("work").length === 2);
  const pools = {
    group: "kube-pool.dev",
    version: "v1alpha1",
    kind: "ResourcePool",
    plural: "resourcepools",
    namespaced: false,
  };
  await cluster.api.delete(pools, { name: "lab" });
  await cluster.run(30);
  expect(cluster.status("work")).toMatchObject({ items: { succeeded: 2 }, queue: { reason: "PoolNotFound" } });
  await cluster.pool("lab");
  await cluster.finish("work");
  expect(cluster.results("work")).toEqual(["0", "1", "2", "3", "4", "5"]);
});

test("who waits in front is told when its turn is expected, and what would start it now", async () => {
  const cluster = await aCluster()
    .withNodes(1, { cpu: 2 })
    .withProgram(() => ({ result: "1", ms: 600_000 }))
    .start();
  await cluster.task("first", { cpu: 2, items: { range: { end: 1 } }, expectedItemSeconds: 600 });
  await cluster.until(() => (cluster.status("first").shards?.running ?? 0) === 1, { withinSeconds: 30 });
  const began = cluster.now;
  await cluster.task("second", { cpu: 2, items: { range: { end: 1 } } });
  await cluster.until(() => cluster.status("second").queue?.expectedStart !== undefined, { withinSeconds: 10 });
  const { expectedStart = "", wouldStartIf = [] } = cluster.status("second").queue ?? {};
  expect(Math.abs(Date.parse(expectedStart) - began - 600_000)).toBeLessThan(10_000);
  expect(wouldStartIf.join("\n")).toMatch(/node/);
  await cluster.finish("second", { withinSeconds: 1500 });
  expect(cluster.status("second").queue).toBeUndefined();
});
