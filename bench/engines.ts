// Every way to run many short Pods, in one run on one control plane: Kubernetes' own (a Job a shard, one Indexed Job),
// ours (native; managed, bound by the scheduler or directly), and a loop that only creates the Pods. What counts are the
// ratios: all of them share the machine.
import { apiWrites, untilQuiet, writesSince } from "./api-writes.ts";
import { type Ground, openGround, ownClusterFlags } from "./cluster.ts";
import { type CpuSeconds, cpuSeconds, cpuSince } from "./cpu.ts";
import { countIn, type Figures, type Flags, rounded, type Scenario, say } from "./scenario.ts";
import { removeAll, runBareLoop, runIndexedJob, runJobs, runPooledTask } from "./workload.ts";

interface Party {
  readonly name: string;
  /** The slow ones get fewer: at the default flags a Job a shard goes at three a second. */
  readonly isSlow?: true;
  readonly operator?: Readonly<Record<string, string>>;
  run(ground: Ground, name: string, shards: number): Promise<number>;
}

const parties: readonly Party[] = [
  { name: "jobAShard", isSlow: true, run: runJobs },
  { name: "indexedJob", isSlow: true, run: runIndexedJob },
  { name: "native", isSlow: true, operator: { KUBE_POOL_ENGINE: "Native" }, run: runPooledTask },
  { name: "managedScheduler", operator: { KUBE_POOL_ENGINE: "Managed/Scheduler" }, run: runPooledTask },
  { name: "managedDirect", operator: { KUBE_POOL_ENGINE: "Managed/Direct" }, run: runPooledTask },
  { name: "bareLoop", run: runBareLoop },
];

export const engines: Scenario = {
  about: "Jobs, an Indexed Job, both engines and a bare loop side by side",
  flags: { shards: "1000", "slow-shards": "200", rounds: "1", ...ownClusterFlags },
  async run(flags) {
    const ground = await openGround(flags, { exclusive: true });
    try {
      const rounds: Figures[] = [];
      for (let round = 0; round < countIn(flags, "rounds"); round++) rounds.push(await oneRound(ground, flags, round));
      return { profile: flags.profile ?? "", ...median(rounds) };
    } finally {
      await ground.close();
    }
  },
};

async function oneRound(ground: Ground, flags: Flags, round: number): Promise<Figures> {
  const perSecond: Record<string, number> = {};
  const writesPerShard: Record<string, number> = {};
  /** Of all processes together: what others run on the machine makes it longer, but not several times as long. */
  const cpuMsPerShard: Record<string, number> = {};
  for (const { name, isSlow, operator: environment, run } of parties) {
    const shards = countIn(flags, isSlow && flags.profile === "shipped" ? "slow-shards" : "shards");
    say(`${name}: ${shards} shards`);
    const operator = environment && (await ground.startOperator?.(environment));
    const cpu = (): CpuSeconds => cpuSeconds(ground.controlPlane?.dataDir ?? "", operator?.process.pid);
    const [before, cpuBefore] = [await untilQuiet(ground.api), cpu()];
    const seconds = await run(ground, `${name.toLowerCase()}-${round}`, shards);
    const used = Object.values(cpuSince(cpuBefore, cpu())).reduce<number>((sum, each) => sum + Number(each), 0);
    const { writes } = writesSince(before, await apiWrites(ground.api));
    perSecond[name] = rounded(shards / seconds);
    writesPerShard[name] = rounded(writes / shards, 2);
    cpuMsPerShard[name] = rounded((used * 1000) / shards);
    await removeAll(ground);
    await operator?.stop();
  }
  const ratio = (of: string, to: string): number => rounded((perSecond[of] ?? 0) / (perSecond[to] ?? 0), 2);
  return {
    perSecond,
    writesPerShard,
    cpuMsPerShard,
    directToIndexedJob: ratio("managedDirect", "indexedJob"),
    directToBareLoop: ratio("managedDirect", "bareLoop"),
    schedulerToIndexedJob: ratio("managedScheduler", "indexedJob"),
  };
}

/** Figure by figure. */
function median(rounds: readonly Figures[]): Figures {
  const [first = {}] = rounds;
  return Object.fromEntries(
    Object.entries(first).map(([name, value]) => {
      const all = rounds.map((round) => round[name]);
      if (typeof value === "object") return [name, median(all as Figures[])];
      return [name, (all as number[]).sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0];
    }),
  );
}
