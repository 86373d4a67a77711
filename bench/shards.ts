// One task of many short shards on simulated nodes: how fast they go through beside a loop that only creates the same
// Pods, how many writes each costs the API server, and how long the operator's event loop was ever held up.
import { keptAttempts } from "../src/controller/retention.ts";
import { apiWrites, writesSince } from "./api-writes.ts";
import { type Ground, openGround, ownClusterFlags } from "./cluster.ts";
import { engineEnvironment, engineFlags, engineGround } from "./engine.ts";
import { metricIn, settled, stallsIn } from "./operator-metrics.ts";
import { countIn, type Figures, type Flags, rounded, type Scenario, say } from "./scenario.ts";
import { removeAll, runBareLoop, runPooledTask, shortPod } from "./workload.ts";

export const shards: Scenario = {
  about: "one task of many short shards: writes a shard, shards a second, stalls of the operator",
  flags: { shards: "1000", "run-ms": String(shortPod.runMs), ...engineFlags, ...ownClusterFlags },
  async run(flags) {
    const ground = await openGround(flags, engineGround(flags));
    try {
      return await measured(ground, flags);
    } finally {
      await ground.close();
    }
  },
};

/** All but what is kept of each outcome. */
function hasRemoved(metrics: string): boolean {
  return metricIn(metrics, "kube_operator_cache_objects", 'resource="pods"') <= 2 * keptAttempts;
}

async function bareLoop(ground: Ground, name: string, count: number): Promise<number> {
  say(`a bare loop creates ${count} Pods: ${name}`);
  const seconds = await runBareLoop(ground, name, count);
  await removeAll(ground);
  return seconds;
}

async function measured(ground: Ground, flags: Flags): Promise<Figures> {
  const { api } = ground;
  const count = countIn(flags, "shards");
  const shape = { ...shortPod, runMs: countIn(flags, "run-ms") };
  // A young API server ends watches by the dozen, since their buffers grow with what it has seen, and kwok reads every Pod
  // anew after each: whoever comes first would pay for that.
  await bareLoop(ground, "practice", count);
  const loopSeconds = await bareLoop(ground, "loop", count);

  const operator = await ground.startOperator?.(engineEnvironment(flags));
  say(`the operator runs ${count} shards`);
  const before = await apiWrites(api);
  const seconds = await runPooledTask(ground, "bench", count, shape);
  const recorded = writesSince(before, await apiWrites(api));
  const stallMs = operator && stallsIn(await operator.metrics());
  // Removal comes last, and asks little of the operator: that it is at rest does not say that it is done.
  if (operator !== undefined) await settled(operator, hasRemoved);
  const atRest = writesSince(before, await apiWrites(api));
  await operator?.stop();

  const perShard = (writes: number): number => rounded(writes / count, 2);
  return {
    engine: flags.engine ?? "",
    binding: flags.binding ?? "",
    profile: flags.profile ?? "",
    shards: count,
    seconds: rounded(seconds),
    shardsPerSecond: rounded(count / seconds),
    bareLoopPerSecond: rounded(count / loopSeconds),
    ofBareLoop: rounded(loopSeconds / seconds, 2),
    writesPerShard: perShard(recorded.writes),
    refusedPerShard: perShard(recorded.refused),
    deletesPerShard: perShard(atRest.podDeletes + atRest.jobDeletes),
    ...(stallMs && { stallMs: { ...stallMs } }),
  };
}
