// The managed engine on a real control plane: kubectl reads its Job as it reads any, and the API server takes its status.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Cluster } from "../support/control-plane.ts";
import { must } from "../support/installed.ts";
import { poolManifest, simulatedTask } from "../support/manifests.ts";
import { type OperatorProcess, startOperator } from "../support/operator-process.ts";
import { sharedSimulatedNodes } from "../support/shared-control-plane.ts";

const ownNodes = ["node-0001", "node-0002", "node-0003"];
const labNodes = ["node-0004", "node-0005", "node-0006"];

describe("the managed engine", () => {
  let cluster: Cluster;
  let operator: OperatorProcess;
  const kubectl = (...args: string[]): Promise<string> => must(cluster, args);
  const apply = (manifest: string): Promise<string> => must(cluster, ["apply", "-f", "-"], manifest);
  const finished = (name: string): Promise<string> =>
    kubectl("wait", "--for=condition=Finished", "--timeout=120s", `ptask/${name}`);
  const jobOf = async (name: string, round = 0): Promise<string> =>
    `${name}-${(await kubectl("get", "ptask", name, "-o", "jsonpath={.metadata.uid}")).slice(0, 6)}-round-${round}`;

  beforeAll(async () => {
    cluster = await sharedSimulatedNodes();
    await kubectl("taint", "nodes", ...ownNodes, "kube-pool.dev/pool=own:NoSchedule");
    await apply(poolManifest("own", { nodeNames: ownNodes, sharing: "Exclusive" }));
    await apply(poolManifest("lab", { nodeNames: labNodes }));
    operator = await startOperator(cluster, { KUBE_POOL_ENGINE: "Managed" });
  });
  afterAll(async () => {
    await kubectl("delete", "ptask", "--all", "--timeout=60s");
    await kubectl("delete", "rpool", "--all");
    await operator?.stop();
    await kubectl("taint", "nodes", ...ownNodes, "kube-pool.dev/pool-");
  });

  test("on nodes that are the pool's alone, Pods are created where they run; kubectl reads their Job as any", async () => {
    await apply(simulatedTask("direct", { pool: "own", items: 30 }));
    await finished("direct");
    const engine = JSON.parse(await kubectl("get", "ptask", "direct", "-o", "jsonpath={.status.engine}"));
    expect(engine).toMatchObject({ name: "Managed", binding: "Direct" });
    const job = await jobOf("direct");
    await kubectl("wait", "--for=condition=complete", "--timeout=120s", `job/${job}`);
    expect(await kubectl("get", "job", job)).toMatch(/Complete\s+30\/30/);
    const told = await kubectl("describe", "job", job);
    expect(told).toMatch(/Completed Indexes:\s+0-29\n/);
    expect(told).toMatch(/Pods Statuses:\s+0 Active \(0 Ready\) \/ 30 Succeeded \/ 0 Failed/);
    // What kubectl logs job/… looks for.
    const selector = await kubectl("get", "job", job, "-o", "jsonpath={.spec.selector.matchLabels}");
    const [[label, value] = ["", ""]] = Object.entries(JSON.parse(selector));
    await expect
      .poll(
        async () => (await kubectl("get", "pods", "-l", `${label}=${value}`, "-o", "name")).trim().split("\n").length,
        {
          timeout: 120_000,
        },
      )
      .toBe(20);
    expect(await kubectl("get", "ptask", "direct", "-o", "jsonpath={.status.items.completed}")).toBe("0-29");
  });

  test("on nodes that others use too, the Kubernetes scheduler has the last word", async () => {
    await apply(simulatedTask("bound", { items: 30 }));
    await finished("bound");
    const engine = JSON.parse(await kubectl("get", "ptask", "bound", "-o", "jsonpath={.status.engine}"));
    expect(engine).toMatchObject({ name: "Managed", binding: "Scheduler" });
    expect(engine.reason).toContain("Shared");
  });

  test("a task that fails has a Job that failed, and a retry of its failed items another", async () => {
    await apply(
      simulatedTask("failing", { items: 6, annotations: { "simulated/fail-when": "POOL_ITEM=2&POOL_ATTEMPT=1" } }),
    );
    await finished("failing");
    const job = await jobOf("failing");
    await kubectl("wait", "--for=condition=failed", "--timeout=120s", `job/${job}`);
    expect(await kubectl("get", "job", job, "-o", "jsonpath={.status.completedIndexes}")).toBe("0-1,3-5");
    await kubectl("patch", "ptask", "failing", "--type=merge", "-p", '{"spec":{"retryFailed":1}}');
    await kubectl("wait", "--for=condition=Succeeded", "--timeout=120s", "ptask/failing");
    await kubectl("wait", "--for=condition=complete", "--timeout=120s", `job/${await jobOf("failing", 1)}`);
  });

  test("suspended, its Job says so; deleted, nothing is left", async () => {
    await apply(simulatedTask("halted", { items: 60, cpu: "4", runMs: 60_000 }));
    const job = await jobOf("halted");
    await kubectl("wait", "--for=jsonpath={.status.active}=24", "--timeout=30s", `job/${job}`).catch(() => undefined);
    await kubectl("patch", "ptask", "halted", "--type=merge", "-p", '{"spec":{"suspend":true}}');
    await kubectl("wait", "--for=condition=Suspended", "--timeout=120s", `job/${job}`);
    await expect
      .poll(() => kubectl("get", "pods", "-l", "kube-pool.dev/task=halted", "-o", "name"), { timeout: 120_000 })
      .toBe("");
    await kubectl("patch", "ptask", "halted", "--type=merge", "-p", '{"spec":{"suspend":false}}');
    await kubectl("wait", "--for=jsonpath={.status.ready}=24", "--timeout=30s", `job/${job}`).catch(() => undefined);
    await kubectl("delete", "ptask", "halted", "--timeout=120s");
    await expect
      .poll(() => kubectl("get", "jobs,pods,cm", "-l", "kube-pool.dev/task=halted", "-o", "name"), { timeout: 120_000 })
      .toBe("");
  });

  test("begun with another engine, a task keeps it, and new ones begin as the operator is configured now", async () => {
    await apply(simulatedTask("kept", { items: 12, runMs: 4000, spec: { parallelism: 6 } }));
    await kubectl("wait", "--for=jsonpath={.status.shards.running}=6", "--timeout=120s", "ptask/kept");
    await operator.kill();
    operator = await startOperator(cluster, { KUBE_POOL_ENGINE: "Native", KUBE_POOL_LEADER_ELECTION: "off" });
    await apply(simulatedTask("native", { items: 12 }));
    await finished("kept");
    await finished("native");
    const engine = "jsonpath={.status.engine.name} {.status.items.succeeded}";
    expect(await kubectl("get", "ptask", "kept", "-o", engine)).toBe("Managed 12");
    expect(await kubectl("get", "ptask", "native", "-o", engine)).toBe("Native 12");
    const jobs = await kubectl("get", "jobs", "-l", "kube-pool.dev/task=native", "-o", "name");
    expect(jobs.trim().split("\n")).toHaveLength(12);
    await kubectl("delete", "ptask", "native", "--timeout=120s");
    expect(await kubectl("get", "jobs,pods,cm", "-l", "kube-pool.dev/task=native", "-o", "name")).toBe("");
  });

  test("the API server refuses the operator nothing", async () => {
    expect(await operator.metrics()).not.toMatch(/rest_client_requests_total\{[^}]*code="(403|422)"[^}]*\} [1-9]/);
  });
});
