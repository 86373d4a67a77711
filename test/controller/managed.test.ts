// What is special to the managed engine: one Job for all attempts, whose Pods and whose status are ours.
import { expect, test } from "vitest";
import { aCluster } from "../support/simulated-cluster.ts";

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
