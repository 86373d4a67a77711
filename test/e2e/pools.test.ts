// Pools of a pool on a real control plane: what the API server has told at every revision keeps to the limits, and at
// each stage `kubectl pool explain` tells the truth.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Cluster } from "../support/control-plane.ts";
import { type History, recordHistory } from "../support/history.ts";
import { must } from "../support/installed.ts";
import { freshName, poolManifest, simulatedTask } from "../support/manifests.ts";
import { kubectlPool, type OperatorProcess, startOperator } from "../support/operator-process.ts";
import { sharedSimulatedNodes } from "../support/shared-control-plane.ts";
import { endRunning } from "../support/simulated-pods.ts";

describe("two pools below one, on a node of 32 CPUs", () => {
  let cluster: Cluster;
  let history: History;
  let operator: OperatorProcess;

  beforeAll(async () => {
    cluster = await sharedSimulatedNodes();
    history = await recordHistory(cluster);
    await apply(poolManifest("lab", { nodeNames: ["node-0001"] }));
    const students = { reservation: { cpu: "8" }, limit: { cpu: "12" }, shares: "Low" };
    await apply(poolManifest("students", { parentRef: { name: "lab" }, ...students }));
    await apply(poolManifest("staff", { parentRef: { name: "lab" }, shares: "High" }));
    operator = await startOperator(cluster);
  });
  afterAll(async () => {
    history?.close();
    await must(cluster, ["delete", "rpool", "--all"]);
    await operator?.stop();
  });

  // A second try must not meet what the first left running.
  afterEach(() => must(cluster, ["delete", "ptask", "--all", "--timeout=60s"]).then(() => undefined));

  const apply = (manifest: string): Promise<string> => must(cluster, ["apply", "-f", "-"], manifest);
  const get = (...args: string[]): Promise<string> => must(cluster, ["get", ...args]);
  const finished = (...names: string[]): Promise<string> =>
    must(cluster, ["wait", "--for=condition=Finished", "--timeout=120s", ...names.map((name) => `ptask/${name}`)]);
  const explain = async (name: string): Promise<string> => (await kubectlPool(cluster, ["explain", name])).stdout;
  const live = (name: string): number => history.livePods(name).size;

  test("the reservation comes first, the limit holds at every revision, and the rest goes by shares", async () => {
    const [report, thesis] = ["report", "thesis"].map(freshName) as [string, string];
    await apply(simulatedTask(report, { pool: "staff", items: 100, runMs: 3000, spec: { parallelism: 40 } }));
    await history.until(() => live(report) === 32, 60_000);
    // The staff use what the students have reserved, until those want it.
    expect(await explain(report)).toMatch(/Reason: +PoolFull/);
    const ofPool = await explain("rpool/staff");
    expect(ofPool).toMatch(/PoolSmallerThanParallelism: .*asks for 40 shards at once, and staff could hold 32 of them/);
    expect(ofPool).toMatch(/Cost: +1 more node like node-0001 /);
    await apply(simulatedTask(thesis, { pool: "students", items: 48, runMs: 3000 }));
    await history.until(() => live(thesis) === 12, 60_000);
    // Between an end and the next start another word may be true for a moment.
    await expect
      .poll(() => explain(thesis), { timeout: 60_000 })
      .toMatch(/LimitReached\n.*students has 0 cpu left under its limit of 12/);
    const wide = await get("rpool", "-o", "wide");
    expect(wide).toMatch(/^NAME +READY +NODES +CPU +UTIL +QUEUED +RUNNING +PARENT +RESERVED/);
    expect(wide).toMatch(/^students +True .* lab +8 /m);
    expect((await kubectlPool(cluster, ["top"])).stdout).toMatch(/^lab .*\n {2}staff .*\n {2}students /m);

    await finished(report, thesis);
    expect(history.mostInPool("students")).toBe(12_000);
    expect(history.mostOnANode()).toBeLessThanOrEqual(32_000);
    expect(history.mostLiveAttempts(thesis)).toBe(1);
  });

  test("a short task passes the one in front, a long one is held for it, and each is told so", async () => {
    const [busy, large, long, short] = ["busy", "large", "long", "short"].map(freshName) as [
      string,
      string,
      string,
      string,
    ];
    await apply(simulatedTask(busy, { pool: "staff", cpu: "16", runMs: 80_000, spec: { itemTimeoutSeconds: 90 } }));
    await history.until(() => live(busy) === 1, 60_000);
    await apply(simulatedTask(large, { pool: "staff", cpu: "30" }));
    await expect.poll(() => explain(large), { timeout: 60_000 }).toMatch(/Reason: +PoolFull/);
    // What ended before taught the pool short times; of this one it is told better. A template of its own, since what ran
    // from the same one counts for more than what is told.
    await apply(simulatedTask(long, { pool: "staff", cpu: "8", runMs: 800, spec: { expectedItemSeconds: 3600 } }));
    await apply(simulatedTask(short, { pool: "staff", cpu: "8", runMs: 300, spec: { itemTimeoutSeconds: 2 } }));
    await finished(short);
    expect(live(large)).toBe(0);
    expect(live(busy)).toBe(1);
    const told = await explain(long);
    expect(told).toMatch(/Reason: +HeldForHead/);
    expect(told).toContain(`a start now would delay ${large}, which goes first`);
    await endRunning(history, busy);
    await history.until(() => live(large) === 1, 120_000);
    expect(live(long)).toBe(0);
    await finished(busy, large, long);
    expect(history.mostOnANode()).toBeLessThanOrEqual(32_000);
  });

  test("kubectl pool stop, drain and start reach all pools below", async () => {
    const essay = freshName("essay");
    await apply(simulatedTask(essay, { pool: "students", items: 20, runMs: 4000 }));
    await history.until(() => live(essay) === 12, 60_000);
    expect((await kubectlPool(cluster, ["drain", "lab"])).stdout).toContain("resourcepool/lab drained");
    await history.until(() => live(essay) === 0, 60_000);
    await expect.poll(() => explain(essay), { timeout: 60_000 }).toMatch(/Reason: +PoolStopped/);
    await expect
      .poll(() => get("rpool", "students", "-o", "jsonpath={.status.effective.stopPolicy}"), { timeout: 60_000 })
      .toBe("StopAndDrain");
    await kubectlPool(cluster, ["start", "lab"]);
    await finished(essay);
    const { items, failures } = JSON.parse(await get("ptask", essay, "-o", "json")).status;
    expect({ succeeded: items.succeeded, failures }).toEqual({ succeeded: 20 });
    expect(history.mostInPool("students")).toBe(12_000);
  });
});
