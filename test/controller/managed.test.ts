// What is special to the managed engine: one Job for all attempts, whose Pods and whose status are ours.
import type { Manifest } from "@dsl/kube-operator";
import { expect, test } from "vitest";
import { aCluster } from "../support/simulated-cluster.ts";
import type { Program } from "../support/simulated-cluster-kubelet.ts";
import { jobs, pods } from "../support/simulated-cluster-world.ts";

const managed = { name: "Managed", binding: "Auto" } as const;

test("a task is one Job, whose Pods the operator creates, and whose status tells how it goes", async () => {
  const cluster = await aCluster().withEngine(managed).withNodes(2, { cpu: 2 }).start();
  await cluster.task("work", { items: { range: { end: 10 } } });
  await cluster.until(() => cluster.status("work").engine !== undefined);
  expect(cluster.status("work").engine).toMatchObject({ name: "Managed", binding: "Scheduler" });
  await cluster.finish("work");
  const [job, ...others] = cluster.jobs("work");
  expect(others).toEqual([]);
  expect(job?.metadata.name).toMatch(/^work-[0-9a-f]{6}-round-0$/);
  expect(job?.status).toMatchObject({ succeeded: 10, completedIndexes: "0-9", ready: 0, terminating: 0 });
  expect(job?.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
    "SuccessCriteriaMet=True",
    "Complete=True",
  ]);
  await cluster.settle();
  expect(cluster.results("work")).toEqual(Array.from({ length: 10 }, (_, n) => `${n * n}`));
  expect([...cluster.history.violations(), ...cluster.leftovers()]).toEqual([]);
});

const long: Program = ({ item }) => ({ result: item, ms: 20_000 });

test("Pods that vanish while no operator runs are lost: they run again under other numbers, at no cost in retries", async () => {
  const cluster = await aCluster().withEngine(managed).withNodes(1, { cpu: 2 }).withProgram(long).start();
  await cluster.task("work", { items: { range: { end: 2 } } });
  await cluster.until(() => cluster.running("work").length === 2);
  await cluster.run(3);
  for (const operator of cluster.operators) operator.kill();
  for (const { metadata } of cluster.pods("work")) await cluster.api.delete(pods, metadata, { gracePeriodSeconds: 0 });
  cluster.restart();
  await cluster.finish("work");
  expect(cluster.attempts("work").slice().sort()).toEqual(["0/1 Lost", "0/2 Succeeded", "1/1 Lost", "1/2 Succeeded"]);
  expect(cluster.condition("work", "Succeeded")).toBe("True Succeeded");
  await cluster.settle();
  expect([...cluster.history.violations(), ...cluster.leftovers()]).toEqual([]);
});

test("a Pod that somebody deletes is replaced only once it is seen to have ended", async () => {
  const cluster = await aCluster().withEngine(managed).withNodes(1, { cpu: 4 }).withProgram(long).start();
  await cluster.task("work", { items: { range: { end: 1 } } });
  await cluster.until(() => cluster.running("work").length === 1);
  await cluster.api.delete(pods, cluster.running("work")[0]?.metadata ?? { name: "" });
  await cluster.finish("work");
  expect(cluster.attempts("work")).toEqual(["0/1 Lost", "0/2 Succeeded"]);
  expect(cluster.history.violations()).toEqual([]);
});

test("a Job that somebody deletes goes once what ran for it is recorded, and the rest has another", async () => {
  const cluster = await aCluster().withEngine(managed).withNodes(1, { cpu: 2 }).withProgram(long).start();
  await cluster.task("work", { items: { range: { end: 4 } } });
  await cluster.until(() => cluster.running("work").length === 2);
  const [job] = cluster.jobs("work");
  // As kubectl asks for it.
  await cluster.api.delete(jobs, job?.metadata ?? { name: "" }, { propagation: "Background" });
  await cluster.finish("work");
  expect(cluster.results("work")).toEqual(["0", "1", "2", "3"]);
  await cluster.settle();
  expect(cluster.jobs("work").map(({ metadata }) => metadata.uid)).not.toContain(job?.metadata.uid);
  expect([...cluster.history.violations(), ...cluster.leftovers()]).toEqual([]);
});

test("a cluster that drops spec.managedBy is told so, and its own Job controller gets nothing to run", async () => {
  const cluster = await aCluster().withEngine(managed).withNodes(1, { cpu: 4 }).withOperators().start();
  cluster.startOperator({
    name: "operator-1",
    async intercept({ verb, plural, body }, send) {
      if (verb !== "create" || plural !== "jobs") return await send();
      const { spec, ...job } = body as Manifest & { readonly spec: object };
      return await cluster.api.create(jobs, { ...job, spec: { ...spec, managedBy: undefined } } as Manifest);
    },
  });
  await cluster.task("work");
  await cluster.until(() => cluster.status("work").queue?.reason === "AdmissionRefused", { withinSeconds: 30 });
  expect(cluster.status("work").queue?.message).toContain("KUBE_POOL_ENGINE=Native");
  await cluster.run(2);
  expect(cluster.jobs("work")).toEqual([]);
  expect(cluster.attempts("work")).toEqual([]);
});

test("a Pod of somebody else under a name of ours is told and never touched", async () => {
  const cluster = await aCluster().withEngine(managed).withNodes(1, { cpu: 4 }).start();
  const { metadata } = await cluster.task("squares", { suspend: true, items: { range: { end: 2 } } });
  const name = `squares-${metadata.uid.slice(0, 6)}-0-1`;
  await cluster.api.create(pods, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "lab" },
    spec: { containers: [{ name: "main", image: "theirs" }] },
  });
  await cluster.change("squares", { suspend: false });
  await cluster.until(() => cluster.status("squares").queue?.reason === "NameTaken", { withinSeconds: 30 });
  expect(cluster.status("squares").queue?.message).toContain(name);
  expect(cluster.writes.filter(({ verb, key }) => verb !== "create" && key.name === name)).toEqual([]);
});

test("a Job's status is written at most once a second, and not at all when nothing changes", async () => {
  const cluster = await aCluster()
    .withEngine(managed)
    .withNodes(2, { cpu: 4 })
    .withProgram(({ item }) => ({ result: item, ms: item === "79" ? 300_000 : 300 }))
    .start();
  await cluster.task("work", { items: { range: { end: 80 } } });
  await cluster.until(() => cluster.status("work").items?.succeeded === 79);
  await cluster.run(10);
  const written = (): readonly number[] =>
    cluster.writes.flatMap(({ plural, subresource, atMs }) => (plural === "jobs" && subresource ? [atMs] : []));
  const times = written();
  expect(times.length).toBeGreaterThan(2);
  for (const [index, time] of times.slice(1).entries()) expect(time - (times[index] ?? 0)).toBeGreaterThanOrEqual(1000);
  await cluster.run(60);
  expect(written()).toHaveLength(times.length);
});

test("a Job that somebody suspends is honoured: what runs is stopped, and goes on when it is resumed", async () => {
  const cluster = await aCluster().withEngine(managed).withNodes(1, { cpu: 2 }).withProgram(long).start();
  await cluster.task("work", { items: { range: { end: 2 } } });
  await cluster.until(() => cluster.running("work").length === 2);
  const [job] = cluster.jobs("work");
  const suspend = async (is: boolean): Promise<unknown> =>
    cluster.api.patch(jobs, job?.metadata ?? { name: "" }, { type: "merge", body: { spec: { suspend: is } } });
  await suspend(true);
  await cluster.until(() => cluster.condition("work", "Finished") === "False Suspended");
  expect(cluster.status("work").queue?.message).toContain(`spec.suspend of Job ${job?.metadata.name} is true`);
  await cluster.until(() => cluster.pods("work").length === 0);
  expect(cluster.attempts("work").slice().sort()).toEqual(["0/1 Stopped", "1/1 Stopped"]);
  await suspend(false);
  await cluster.finish("work");
  expect(cluster.results("work")).toEqual(["0", "1"]);
  expect(cluster.history.violations()).toEqual([]);
});
