// What must hold whatever happens to the operator, and at size: on simulated nodes, whose Pods run no container. The
// history is what the API server itself told a watch: every revision of every Job and Pod.

import { listAll } from "@dsl/kube-operator";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { parseRecords, recordsKey, succeeded } from "../../src/api/records.ts";
import type { Cluster } from "../support/control-plane.ts";
import { type History, recordHistory } from "../support/history.ts";
import { must } from "../support/installed.ts";
import { freshName, poolManifest, simulatedTask } from "../support/manifests.ts";
import { type OperatorProcess, startOperator } from "../support/operator-process.ts";
import { sharedSimulatedNodes } from "../support/shared-control-plane.ts";

const nodes = 100;
const cpuPerNode = 32_000;

describe("on 100 simulated nodes", () => {
  let cluster: Cluster;
  let history: History;
  const operators: OperatorProcess[] = [];

  beforeAll(async () => {
    cluster = await sharedSimulatedNodes();
    await must(cluster, ["apply", "-f", "-"], poolManifest("lab"));
    history = await recordHistory(cluster);
  });
  afterAll(async () => {
    history?.close();
    await must(cluster, ["delete", "rpool", "--all"]);
  });

  // What one test leaves waiting must not stand before the next one's tasks.
  afterEach(async () => {
    await must(cluster, ["delete", "ptask", "--all", "-A", "--timeout=120s"]);
    await Promise.all(operators.splice(0).map((operator) => operator.stop()));
  });

  const kubectl = (...args: string[]): Promise<string> => must(cluster, args);
  const apply = (manifest: string): Promise<string> => must(cluster, ["apply", "-f", "-"], manifest);
  const finished = (name: string, seconds = 150): Promise<string> =>
    kubectl("wait", "--for=condition=Finished", `--timeout=${seconds}s`, `ptask/${name}`);
  const start = async (environment = {}): Promise<OperatorProcess> => {
    const operator = await startOperator(cluster, environment);
    operators.push(operator);
    return operator;
  };

  /** Successes by item, as the records have them. */
  async function successes(name: string): Promise<Map<number, string[]>> {
    const uid = await kubectl("get", "ptask", name, "-o", "jsonpath={.metadata.uid}");
    const found = new Map<number, string[]>();
    for (let segment = 0; ; segment++) {
      const { stdout, code } = await cluster.kubectl([
        "get",
        "cm",
        `${name}-${uid.slice(0, 6)}-results-${segment}`,
        "-o",
        "json",
      ]);
      if (code !== 0) return found;
      for (const line of parseRecords(JSON.parse(stdout).data[recordsKey]).records) {
        if (line.kind === "item" && succeeded(line))
          found.set(line.item, [...(found.get(line.item) ?? []), line.result ?? ""]);
      }
    }
  }

  test("200 shards, the operator killed five times: every item once, and no shard that had succeeded runs again", async () => {
    const name = freshName("killed");
    // No lease to wait for: what counts here is what a restart finds.
    const alone = { KUBE_POOL_LEADER_ELECTION: "off" };
    const message = "result of $(POOL_ITEM)";
    await apply(simulatedTask(name, { items: 200, cpu: "8", runMs: 400, message, spec: { parallelism: 40 } }));
    let operator = await start(alone);
    for (const afterShards of [5, 30, 70, 110, 160]) {
      await history.until(() => history.endedPods(name).size >= afterShards, 60_000);
      await operator.kill();
      operator = await start(alone);
    }
    await finished(name);

    const results = await successes(name);
    expect([...results.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, index) => index));
    for (const [item, texts] of results) expect(texts).toEqual([`result of ${item}`]);
    expect(history.startsAfterSuccess(name)).toEqual([]);
    expect(history.mostLiveAttempts(name)).toBe(1);
    expect(await kubectl("get", "ptask", name, "-o", "jsonpath={.status.items.succeeded}")).toBe("200");
  });

  test("two operators: one leads, the other takes over within the lease, and nothing is started twice", async () => {
    const name = freshName("handed-over");
    const lease = async (): Promise<{ holderIdentity?: string; renewTime: string; acquireTime: string }> =>
      JSON.parse(await kubectl("get", "lease", "-n", "kube-pool-system", "kube-pool", "-o", "json")).spec;
    const first = await start({ KUBE_POOL_LEASE_SECONDS: "6" });
    await expect.poll(async () => (await lease()).holderIdentity, { timeout: 60_000 }).toBe(first.identity);
    const second = await start({ KUBE_POOL_LEASE_SECONDS: "6" });
    await apply(simulatedTask(name, { items: 100, cpu: "8", runMs: 500, spec: { parallelism: 20 } }));
    await history.until(() => history.endedPods(name).size >= 20, 60_000);
    await first.kill();
    const { renewTime } = await lease();
    await expect.poll(async () => (await lease()).holderIdentity, { timeout: 60_000 }).toBe(second.identity);
    // Not before the lease has run out: until then the first could still be at work. How soon after it is a matter of
    // clocks, and told by test/controller/leaders.test.ts.
    expect(Date.parse((await lease()).acquireTime) - Date.parse(renewTime)).toBeGreaterThanOrEqual(6000);
    await finished(name);
    expect((await successes(name)).size).toBe(100);
    expect(history.startsAfterSuccess(name)).toEqual([]);
    expect(history.mostLiveAttempts(name)).toBe(1);
  });

  test("1,000 shards: all placed, and no node over its capacity at any moment", { timeout: 420_000 }, async () => {
    const name = freshName("thousand");
    await start();
    await apply(simulatedTask(name, { items: 1000, cpu: "12", runMs: 1000 }));
    await finished(name, 400);
    expect(await kubectl("get", "ptask", name, "-o", "jsonpath={.status.items.succeeded}")).toBe("1000");
    expect(history.peakByNode(name).size).toBe(nodes);
    expect(history.mostOnANode()).toBeLessThanOrEqual(cpuPerNode);
  });

  test("deletion mid-run leaves nothing behind", async () => {
    const name = freshName("deleted");
    await start();
    await apply(simulatedTask(name, { items: 500, cpu: "8", runMs: 3000 }));
    const uid = await kubectl("get", "ptask", name, "-o", "jsonpath={.metadata.uid}");
    const ours = (kinds: string): Promise<string> =>
      kubectl("get", kinds, "-l", `kube-pool.dev/task-uid=${uid}`, "-o", "name");
    await history.until(() => history.livePods(name).size >= 50, 60_000);
    await expect.poll(() => ours("configmaps"), { timeout: 60_000 }).not.toBe("");
    await kubectl("delete", "ptask", name, "--timeout=120s");
    await expect.poll(() => ours("jobs,pods,configmaps"), { timeout: 60_000 }).toBe("");
    expect(await kubectl("get", "rpool", "lab", "-o", "jsonpath={.status.queue.openStarts}")).toBe("[]");
  });

  test("a shard that no node could ever hold is told so at once, and holds nobody up", async () => {
    await start();
    const [tooLarge, behind] = [freshName("too-large"), freshName("behind")];
    await apply(simulatedTask(tooLarge, { items: 3, cpu: "64" }));
    await kubectl("wait", "--for=condition=Stalled", "--timeout=120s", `ptask/${tooLarge}`);
    expect(await kubectl("get", "ptask", tooLarge, "-o", "jsonpath={.status.queue.reason}")).toBe("NeverFits");
    await apply(simulatedTask(behind, { items: 3 }));
    await finished(behind);
  });

  test("a namespace quota that refuses Pods is named, and lets the rest run as it frees", async () => {
    await start();
    const namespace = freshName("small");
    await kubectl("create", "namespace", namespace);
    await kubectl("create", "quota", "two", "-n", namespace, "--hard=pods=2");
    // A quota is in force only once its controller has counted what is there.
    await kubectl("wait", "-n", namespace, "--for=jsonpath={.status.hard.pods}=2", "--timeout=60s", "quota/two");
    await apply(simulatedTask("rationed", { namespace, items: 6, runMs: 5_000 }));
    await kubectl(
      "wait",
      "-n",
      namespace,
      "--for=jsonpath={.status.queue.reason}=QuotaRefused",
      "--timeout=120s",
      "ptask/rationed",
    );
    expect(
      await kubectl("get", "-n", namespace, "ptask", "rationed", "-o", "jsonpath={.status.queue.message}"),
    ).toMatch(/quota/);
    await kubectl("delete", "quota", "two", "-n", namespace);
    await kubectl("wait", "-n", namespace, "--for=condition=Succeeded", "--timeout=120s", "ptask/rationed");
  });

  test("a foreign object under a name of ours is named, and never touched", async () => {
    const name = freshName("taken");
    await start();
    await apply(simulatedTask(name, { items: 2, spec: { suspend: true } }));
    const uid = await kubectl("get", "ptask", name, "-o", "jsonpath={.metadata.uid}");
    const foreign = `${name}-${uid.slice(0, 6)}-results-0`;
    await kubectl("create", "configmap", foreign, "--from-literal=mine=1");
    await kubectl("patch", "ptask", name, "--type=merge", "-p", '{"spec":{"suspend":false}}');
    await kubectl("wait", "--for=jsonpath={.status.queue.reason}=NameTaken", "--timeout=120s", `ptask/${name}`);
    expect(await kubectl("get", "cm", foreign, "-o", "jsonpath={.data}")).toBe('{"mine":"1"}');
    await kubectl("delete", "cm", foreign);
    await kubectl("wait", "--for=condition=Succeeded", "--timeout=120s", `ptask/${name}`);
  });

  test("at rest nothing but the lease is written", async () => {
    await start();
    const api = history.api;
    const versions = async (): Promise<string> => {
      const tasks = await listAll(api, {
        group: "kube-pool.dev",
        version: "v1alpha1",
        kind: "PooledTask",
        plural: "pooledtasks",
        namespaced: true,
      });
      const pools = await listAll(api, {
        group: "kube-pool.dev",
        version: "v1alpha1",
        kind: "ResourcePool",
        plural: "resourcepools",
        namespaced: false,
      });
      return [...tasks.items, ...pools.items]
        .map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`)
        .join(" ");
    };
    // An operator that has just begun says so once; where much else runs on the machine, that takes a while.
    const isAtRest = async (): Promise<boolean> => {
      const before = await versions();
      await new Promise((resolve) => setTimeout(resolve, 6000));
      return (await versions()) === before;
    };
    await expect.poll(isAtRest, { timeout: 60_000 }).toBe(true);
  });
});
