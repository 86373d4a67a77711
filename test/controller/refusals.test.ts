// Answers of the API server that no repetition changes, and objects that somebody forged.
import { ApiError } from "@dsl/kube-operator";
import { expect, test } from "vitest";
import { aCluster } from "../support/simulated-cluster.ts";
import { jobs } from "../support/simulated-cluster-world.ts";

/** Refuses what `plural` names, with the code, until it is told to stop. */
function refusing(plural: string, code: number, message: string) {
  const state = { refuses: true };
  const intercept = async (write: { plural: string; verb: string }, send: () => Promise<unknown>): Promise<unknown> => {
    if (state.refuses && write.plural === plural && write.verb === "create") {
      throw new ApiError({ code, reason: "Forbidden", message });
    }
    return await send();
  };
  return { state, intercept };
}

test("a record that a quota refuses is told as the reason, hardly anything more starts, and nothing is lost when it may be written", async () => {
  const { state, intercept } = refusing("configmaps", 403, "exceeded quota: small, requested: count/configmaps=1");
  const cluster = await aCluster().withNodes(1, { cpu: 2 }).withOperators().start();
  cluster.startOperator({ name: "operator-1", intercept });
  await cluster.task("work", { items: { range: { end: 8 } } });
  await cluster.until(() => cluster.status("work").queue?.reason === "QuotaRefused", { withinSeconds: 60 });
  expect(cluster.status("work").queue?.message).toContain("the records cannot be written: ");
  expect(cluster.status("work").queue?.message).toContain("exceeded quota: small");
  const pods = cluster.pods("work").length;
  await cluster.run(20);
  // One at a time finds out whether the refusal still stands.
  expect(cluster.pods("work").length).toBeLessThanOrEqual(pods + 2);

  state.refuses = false;
  await cluster.finish("work", { withinSeconds: 900 });
  expect(cluster.results("work")).toEqual(["0", "1", "4", "9", "16", "25", "36", "49"]);
  expect(cluster.history.violations()).toEqual([]);
});

test("a right that the operator itself lacks is not told as the user's to mend", async () => {
  const words =
    'pods is forbidden: User "system:serviceaccount:kube-pool-system:kube-pool" cannot create resource "pods"';
  const { state, intercept } = refusing("pods", 403, words);
  const cluster = await aCluster().withNodes(1, { cpu: 2 }).withOperators().start();
  cluster.startOperator({ name: "operator-1", intercept });
  await cluster.task("work");
  await cluster.until(() => cluster.status("work").queue?.reason === "AdmissionRefused", { withinSeconds: 60 });
  expect(cluster.status("work").queue?.message).toBe(
    `the operator lacks a right that its manifests grant (deploy/manifests/rbac.yaml), ask who runs it: ${words}`,
  );
  state.refuses = false;
  await cluster.finish("work");
});

test.each([
  [400, "AdmissionRefused"],
  [405, "AdmissionRefused"],
  [413, "AdmissionRefused"],
  [422, "TemplateRefused"],
])("a denial of code %i is told as %s, not repeated without a pause", async (code, reason) => {
  const { state, intercept } = refusing(
    "jobs",
    code,
    code === 422 ? "spec.template: Invalid value" : "the policy says no",
  );
  const cluster = await aCluster().withNodes(1, { cpu: 4 }).withOperators().start();
  cluster.startOperator({ name: "operator-1", intercept });
  await cluster.task("work", { items: { range: { end: 2 } } });
  await cluster.until(() => cluster.status("work").queue?.reason === reason, { withinSeconds: 30 });
  const before = cluster.operator.reconciles;
  await cluster.run(60);
  expect(cluster.operator.reconciles - before).toBeLessThan(60);
  state.refuses = false;
  await cluster.finish("work", { withinSeconds: 900 });
  expect(cluster.results("work")).toEqual(["0", "1"]);
});

test("a Job of another namespace that names a task as its owner is no attempt of it, and is left alone", async () => {
  const cluster = await aCluster()
    .withNamespace("theirs")
    .withNodes(1, { cpu: 4 })
    .withProgram(({ item }) => (item === "forged" ? { result: item, ms: 1000 } : { result: item, ms: 20_000 }))
    .start();
  await cluster.task("work", { items: { range: { end: 1 } } });
  await cluster.until(() => cluster.running("work").length === 1);
  const [real] = cluster.jobs("work");
  if (real === undefined) throw new Error("no Job");
  const { labels = {}, annotations = {}, ownerReferences = [] } = real.metadata;
  const spec = JSON.stringify(real.spec).replace(
    '"name":"POOL_ITEM","value":"0"',
    '"name":"POOL_ITEM","value":"forged"',
  );
  await cluster.api.create(jobs, {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: "forged",
      namespace: "theirs",
      labels: { ...labels, "kube-pool.dev/attempt": "7" },
      annotations,
      ownerReferences,
    },
    spec: JSON.parse(spec),
  });
  await cluster.finish("work");
  expect(cluster.results("work")).toEqual(["0"]);
  expect(cluster.attempts("work")).toEqual(["0/1 Succeeded"]);
  expect(cluster.writes.filter(({ key }) => key.name === "forged")).toEqual([]);
});
