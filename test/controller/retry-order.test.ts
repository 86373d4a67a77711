import { expect, test } from "vitest";
import { aCluster } from "../support/simulated-cluster.ts";
import type { Program } from "../support/simulated-cluster-kubelet.ts";

test("an older task that waits for its second try gets its places back from one that came meanwhile", async () => {
  let failures = 0;
  /** The first five runs fail at once. */
  const program: Program = ({ item }) => {
    failures += 1;
    return failures <= 5 ? { exit: 1, ms: 200 } : { result: item, ms: 2000 };
  };
  const cluster = await aCluster().withNodes(1, { cpu: 5 }).withProgram(program).start();
  await cluster.task("early", { items: { range: { end: 5 } }, retries: 2 });
  await cluster.until(() => cluster.running("early").length === 5);
  await cluster.task("later", { items: { range: { end: 30 } } });
  await cluster.until(() => cluster.running("later").length > 0);
  // The place that is kept for the later one is one of five; the others go by age.
  await cluster.until(() => cluster.running("early").length >= 4);
  expect(cluster.status("later").items?.succeeded ?? 0).toBeLessThanOrEqual(5);
  await cluster.finish("early");
  expect(cluster.status("later").items?.succeeded ?? 0).toBeLessThan(15);
});
