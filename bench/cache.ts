// Many Pods, all in the operator's caches: what one costs in memory, how long the start holds up the event loop, and how
// many changes a core can follow. The operator is the very program that users run; its server is in memory, in another
// process.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type OperatorProcess, spawnOperator } from "../test/support/operator-process.ts";
import { type Inspector, inspectorOf } from "./inspector.ts";
import { metricIn, residentBytes, type Settled, settled } from "./operator-metrics.ts";
import { replayedPerCpuSecond } from "./replay.ts";
import { countIn, type Figures, type Flags, profiling, rounded, type Scenario } from "./scenario.ts";

export const cache: Scenario = {
  about: "Pods in the operator's caches: memory, stalls at start, changes a core can follow",
  flags: { pods: "20000", changes: "50000", "cpu-prof": "" },
  async run(flags): Promise<Figures> {
    const pods = countIn(flags, "pods");
    const changes = countIn(flags, "changes");
    const replayed = await replayedPerCpuSecond(replayedEvents, 5000);
    const emptyBytes = await measured(flags, 0, ({ inspector }) => inspector.liveBytes());
    return measured(flags, pods, async ({ operator, server, inspector, start }) => {
      const resident = residentBytes(operator.process.pid ?? 0);
      const liveBytes = await inspector.liveBytes();
      const before = metricIn(await operator.metrics(), "process_cpu_seconds_total");
      server.send({ changes });
      await once(server, "message");
      const following = await settled(operator);
      return {
        pods,
        bytesPerPod: Math.round((liveBytes - emptyBytes) / pods),
        residentMb: rounded(resident.now / 1e6),
        residentMbMax: rounded(resident.peak / 1e6),
        startCpuSeconds: rounded(start.cpuSeconds, 2),
        startStallMs: { ...start.stalls },
        replayedEventsPerCpuSecond: replayed,
        changes,
        changesPerCpuSecond: Math.round(changes / (following.cpuSeconds - before)),
        followingStallMs: { ...following.stalls },
      };
    });
  },
};

/** Some are enough: they are held in memory until they are replayed. */
const replayedEvents = 10_000;

interface Measured {
  readonly operator: OperatorProcess;
  readonly server: ChildProcess;
  readonly inspector: Inspector;
  readonly start: Settled;
}

/** With an operator whose caches are filled with so many Pods. */
async function measured<R>(flags: Flags, pods: number, measure: (measured: Measured) => Promise<R>): Promise<R> {
  const folder = await mkdtemp(join(tmpdir(), "kube-pool-bench-"));
  const server = fork(fileURLToPath(new URL("cache-server.ts", import.meta.url)), [String(pods)]);
  try {
    const [{ url }] = await once(server, "message");
    const kubeconfig = join(folder, "kubeconfig");
    await writeFile(kubeconfig, kubeconfigOf(url));
    const operator = spawnOperator({
      identity: "bench",
      kubeconfig,
      folder,
      environment: { KUBE_POOL_LEADER_ELECTION: "off" },
      nodeArguments: ["--inspect=127.0.0.1:0", ...profiling(flags)],
    });
    const inspector = await inspectorOf(operator.process);
    try {
      const start = await settled(operator, holds(pods));
      return await measure({ operator, server, inspector, start });
    } finally {
      // A program waits with its end until nobody inspects it any more.
      inspector.close();
      await operator.stop();
    }
  } finally {
    server.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The caches are filled, and what was to be planned is planned. */
function holds(pods: number): (metrics: string) => boolean {
  return (metrics) => metricIn(metrics, "kube_operator_cache_objects", 'resource="pods"') === pods;
}

function kubeconfigOf(server: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "bench", cluster: { server } }],
    users: [{ name: "bench", user: {} }],
    contexts: [{ name: "bench", context: { cluster: "bench", user: "bench" } }],
    "current-context": "bench",
  });
}
