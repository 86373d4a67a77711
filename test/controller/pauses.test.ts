// What is overdue and cannot be done yet must not make the loop run without a pause.
import { ApiError } from "@dsl/kube-operator";
import { expect, test } from "vitest";
import { aCluster } from "../support/simulated-cluster.ts";
import { pods } from "../support/simulated-cluster-world.ts";
import { native } from "./engines.ts";

test("a task that is deleted with ends that nobody will record any more lets the loop sleep", async () => {
  let isHeld = false;
  const cluster = await aCluster().withEngine(native).withNodes(1, { cpu: 2 }).withOperators().start();
  cluster.startOperator({
    name: "operator-1",
    // The first shard ends while the second goes on, and its end cannot be written down.
    async intercept({ plural, verb }, send) {
      if (isHeld && plural === "configmaps" && verb !== "delete") {
        throw new ApiError({ code: 500, reason: "InternalError", message: "not now" });
      }
      return await send();
    },
  });
  cluster.program = ({ index }) => ({ result: "x", ms: index === 0 ? 2000 : 600_000 });
  await cluster.task("gone", { items: { range: { end: 2 } } });
  await cluster.until(() => cluster.running("gone").length === 2);
  isHeld = true;
  await cluster.until(() => cluster.pods("gone").some(({ status }) => status?.phase === "Succeeded"));
  // A finalizer of somebody else keeps the running Pod, and with it the task, for a while.
  const [pod] = cluster.running("gone");
  if (pod === undefined) throw new Error("nothing runs");
  const finalizers = { type: "merge", body: { metadata: { finalizers: ["example.org/keep"] } } } as const;
  await cluster.api.patch(pods, pod.metadata, finalizers);
  await cluster.delete("gone");
  await cluster.run(30);
  expect(cluster.see("gone")).toBeDefined();

  const before = cluster.operator.reconciles;
  await cluster.run(60);
  expect(cluster.operator.reconciles - before).toBeLessThan(30);
});

test("a task that is complete, with items from a ConfigMap, does not keep the loop awake while its end cannot be written", async () => {
  let isHeld = false;
  const cluster = await aCluster()
    .withNodes(1, { cpu: 4 })
    .withProgram(({ item }) => ({ result: item, ms: 120_000 }))
    .withOperators()
    .start();
  cluster.startOperator({
    name: "operator-1",
    async intercept({ plural }, send) {
      if (isHeld && plural === "pooledtasks")
        throw new ApiError({ code: 500, reason: "InternalError", message: "not now" });
      return await send();
    },
  });
  await cluster.configMap("inputs", { lines: "3\n4\n" });
  await cluster.task("read", { items: { configMapRefs: [{ name: "inputs", key: "lines" }] } });
  await cluster.until(() => cluster.running("read").length === 2);
  isHeld = true;
  await cluster.run(200);
  const before = cluster.operator.reconciles;
  await cluster.run(60);
  expect(cluster.operator.reconciles - before).toBeLessThan(240);
  isHeld = false;
  await cluster.finish("read", { withinSeconds: 1200 });
});
