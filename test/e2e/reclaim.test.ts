// Two pools share the nodes of a third, on a real control plane: what one has reserved is lent while it is idle, and taken
// back when its own task comes. Limits hold at every revision, and `explain` tells each stage.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Cluster } from "../support/control-plane.ts";
import { type History, recordHistory } from "../support/history.ts";
import { must } from "../support/installed.ts";
import { poolManifest, simulatedTask } from "../support/manifests.ts";
import { kubectlPool, type OperatorProcess, startOperator } from "../support/operator-process.ts";
import { sharedSimulatedNodes } from "../support/shared-control-plane.ts";
import { endRunning } from "../support/simulated-pods.ts";

const nodeCpu = 32;

describe("two pools of one lab", () => {
  let cluster: Cluster;
  let operator: OperatorProcess;
  let history: History;
  const apply = (manifest: string): Promise<string> => must(cluster, ["apply", "-f", "-"], manifest);
  const read = (name: string, path: string): Promise<string> =>
    must(cluster, ["get", "ptask", name, "-o", `jsonpath={${path}}`]);
  const explain = async (name: string): Promise<string> => (await kubectlPool(cluster, ["explain", name])).stdout;
  const running = (name: string, count: number): Promise<void> =>
    history.until(() => history.livePods(name).size === count, 90_000);

  beforeAll(async () => {
    cluster = await sharedSimulatedNodes();
    history = await recordHistory(cluster);
    const queue = { preemption: { reclaim: "Always" } };
    await apply(poolManifest("lab", { nodeNames: ["node-0001", "node-0002"], queue }));
    await apply(
      poolManifest("owner", { parentRef: { name: "lab" }, reservation: { cpu: "24" }, limit: { cpu: "32" } }),
    );
    await apply(poolManifest("other", { parentRef: { name: "lab" }, limit: { cpu: "56" } }));
    operator = await startOperator(cluster);
  });
  afterAll(async () => {
    history?.close();
    await must(cluster, ["delete", "ptask", "--all", "--timeout=60s"]);
    await must(cluster, ["delete", "rpool", "--all"]);
    await operator?.stop();
  });

  test("what is reserved is lent, and taken back; nobody is over a limit, and each stage is told", async () => {
    await apply(simulatedTask("borrower", { pool: "other", items: 6, cpu: "8", runMs: 600_000 }));
    await running("borrower", 6);
    await apply(simulatedTask("third", { pool: "other", items: 2, cpu: "8", runMs: 600_000 }));
    await running("third", 1);
    await expect.poll(() => explain("third"), { timeout: 60_000 }).toMatch(/LimitReached[\s\S]*limit of 56/);

    await apply(simulatedTask("starved", { pool: "owner", items: 3, cpu: "8", runMs: 600_000 }));
    await running("starved", 3);
    // Which of the two gave way depends on who had run less, and they began within a second.
    const borrowers = async (): Promise<string> => `${await explain("borrower")}\n${await explain("third")}`;
    await expect
      .poll(borrowers, { timeout: 60_000 })
      .toMatch(/Preempted[\s\S]*gave way to what another pool has reserved/);
    expect(await explain("starved")).not.toMatch(/Preempted|PoolFull/);
    // The verb plans by itself and may be ahead of the status, whose change is the event.
    const events = async (): Promise<readonly string[]> =>
      (await must(cluster, ["get", "events", "-o", "jsonpath={.items[*].reason}"])).split(" ");
    await expect.poll(events, { timeout: 60_000 }).toContain("Preempted");

    for (const name of ["starved", "borrower", "third"]) {
      const hasSucceeded = async (): Promise<string> => {
        await endRunning(history, name);
        return read(name, '.status.conditions[?(@.type=="Succeeded")].status');
      };
      await expect.poll(hasSucceeded, { timeout: 120_000, interval: 500 }).toBe("True");
      expect(await read(name, ".status.items.failed")).toBe("0");
    }
    expect(history.mostOnANode()).toBeLessThanOrEqual(nodeCpu * 1000);
    expect(history.mostInPool("other")).toBe(56_000);
    expect(history.mostInPool("owner")).toBe(24_000);
  }, 480_000);
});
