// One task of many one-second shards on simulated nodes: how fast they go through, how many writes each costs the API
// server, and how long the operator's event loop was ever held up. The operator runs before everybody else on the
// machine's cores, so that a stall is its own and not the scheduler's of a busy machine.
import { readdirSync } from "node:fs";
import { setPriority } from "node:os";
import { startControlPlane } from "../test/support/control-plane.ts";
import { must } from "../test/support/installed.ts";
import { install, startOperator } from "../test/support/operator-process.ts";
import type { Scenario } from "./scenario.ts";

export const shards: Scenario = async ({ shards: wanted = "1000", nodes = "100", profile = "tuned" }) => {
  const count = Number(wanted);
  const cluster = await startControlPlane({
    nodes: `kwok:${Number(nodes)}`,
    profile: profile === "shipped" ? "shipped" : "tuned",
  });
  try {
    await install(cluster);
    const operator = await startOperator(cluster, { KUBE_POOL_LEADER_ELECTION: "off" });
    if (process.getuid?.() === 0 && operator.process.pid !== undefined) prefer(operator.process.pid);
    await must(cluster, ["apply", "-f", "-"], poolManifest);
    await must(cluster, ["wait", "--for=condition=Ready", "--timeout=60s", "rpool/lab"]);
    await operator.metrics();
    const before = await mutations();
    const startedAt = performance.now();
    await must(cluster, ["apply", "-f", "-"], taskManifest(count));
    await must(cluster, ["wait", "--for=condition=Succeeded", "--timeout=900s", "ptask/bench"]);
    const seconds = (performance.now() - startedAt) / 1000;
    const after = await mutations();
    const metrics = await operator.metrics();
    const stallMs =
      Number(/^nodejs_eventloop_lag_max_seconds(?:\{[^}]*\})? (\S+)/m.exec(metrics)?.[1] ?? Number.NaN) * 1000;
    await operator.stop();
    return {
      shards: count,
      seconds: Number(seconds.toFixed(1)),
      shardsPerSecond: Number((count / seconds).toFixed(1)),
      writesPerShard: Number(((after.all - before.all) / count).toFixed(2)),
      ownWritesPerShard: Number(((after.own - before.own) / count).toFixed(2)),
      eventLoopStallMsMax: Number(stallMs.toFixed(1)),
    };
  } finally {
    await cluster.stop();
  }

  /** Mutating requests so far: all parties', and those to what only the operator writes; leases left out. */
  async function mutations(): Promise<{ readonly all: number; readonly own: number }> {
    let all = 0;
    let own = 0;
    for (const line of (await must(cluster, ["get", "--raw", "/metrics"])).split("\n")) {
      if (!line.startsWith("apiserver_request_total{") || !/verb="(POST|PUT|PATCH|DELETE|APPLY)"/.test(line)) continue;
      if (/resource="(leases|nodes|tokenreviews|subjectaccessreviews|selfsubjectaccessreviews)"/.test(line)) continue;
      const requests = Number(line.slice(line.lastIndexOf(" ") + 1));
      all += requests;
      const isOwn = /resource="(pooledtasks|resourcepools|configmaps)"/.test(line);
      const isOwnJob = /resource="jobs"/.test(line) && /subresource=""/.test(line);
      if (isOwn || isOwnJob) own += requests;
    }
    return { all, own };
  }
};

/** All its threads: the main one waits for those that collect garbage. */
function prefer(pid: number): void {
  for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), -15);
}

const poolManifest = JSON.stringify({
  apiVersion: "kube-pool.dev/v1alpha1",
  kind: "ResourcePool",
  metadata: { name: "lab" },
  spec: { namespaceSelector: {} },
});

function taskManifest(items: number): string {
  const container = { name: "main", image: "busybox:1.35", command: ["true"], resources: { requests: { cpu: "1" } } };
  return JSON.stringify({
    apiVersion: "kube-pool.dev/v1alpha1",
    kind: "PooledTask",
    metadata: { name: "bench", namespace: "default" },
    spec: {
      poolRef: { name: "lab" },
      items: { range: { end: items } },
      template: {
        metadata: { annotations: { "simulated/message": "$(POOL_ITEM)" } },
        spec: { containers: [container] },
      },
    },
  });
}
