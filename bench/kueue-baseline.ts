// The baseline of Kueue's own performance tests at a fifth: one of its five cohorts, six queues of 500 workloads, 3,000
// in all. There a queue has 20 CPUs and may borrow all of the cohort's 120; here the six share a pool of 120 CPUs, which it
// has to itself, as its quota has them there. Its workloads have no Pods, ours have. Shape: kubernetes-sigs/kueue, test/performance/scheduler/configs/baseline.
import { pooledTasks } from "../src/api/pooled-task.ts";
import { apiWrites, writesPer, writesSince } from "./api-writes.ts";
import { anyClusterFlags, type Ground, openGround } from "./cluster.ts";
import { type CpuSeconds, cpuSeconds, cpuSince } from "./cpu.ts";
import { engineEnvironment, engineFlags, engineGround } from "./engine.ts";
import { countIn, type Flags, rounded, type Scenario, wordIn } from "./scenario.ts";
import { type PodShape, pooledTask, untilTasksEnd } from "./workload.ts";

interface WorkloadClass {
  readonly name: string;
  readonly count: number;
  readonly everyMs: number;
  readonly priority: number;
  readonly shape: PodShape;
}

const queues = 6;
const cpusPerQueue = 20;
/** Of each queue. */
const classes: readonly WorkloadClass[] = [
  { name: "small", count: 350, everyMs: 100, priority: 50, shape: { cpu: "1", runMs: 200 } },
  { name: "medium", count: 100, everyMs: 500, priority: 100, shape: { cpu: "5", runMs: 500 } },
  { name: "large", count: 50, everyMs: 1200, priority: 200, shape: { cpu: "20", runMs: 1000 } },
];

interface Submission {
  readonly name: string;
  readonly atMs: number;
  readonly of: WorkloadClass;
}

export const kueueBaseline: Scenario = {
  about: "Kueue's baseline mix at a fifth: 3,000 tasks of three sizes, wall time beside the ideal",
  flags: { ...engineFlags, ...anyClusterFlags, nodes: String(queues), sharing: "Exclusive", "part-percent": "100" },
  onDemand: true,
  async run(flags) {
    // A large one fills a node: whatever else would run there is not lost, as it is not where nodes do not count.
    const exclusive = wordIn(flags, "sharing", ["Exclusive", "Shared"]) === "Exclusive";
    const ground = await openGround(flags, { exclusive, ...engineGround(flags), cpu: cpusPerQueue });
    try {
      const operator = await ground.startOperator?.(engineEnvironment(flags));
      const submissions = submissionsOf(flags);
      const cpu = (): CpuSeconds =>
        ground.controlPlane === undefined ? {} : cpuSeconds(ground.controlPlane.dataDir, operator?.process.pid);
      const [cpuBefore, before] = [cpu(), await apiWrites(ground.api)];
      const seconds = await run(ground, submissions);
      const [cpuAfter, written] = [cpu(), writesSince(before, await apiWrites(ground.api))];
      await operator?.stop();
      const ideal = idealSeconds(submissions);
      return {
        tasks: submissions.length,
        seconds: rounded(seconds),
        idealSeconds: rounded(ideal),
        toIdeal: rounded(seconds / ideal, 2),
        tasksPerSecond: rounded(submissions.length / seconds),
        writesPerTask: rounded(written.writes / submissions.length, 2),
        refusedPerTask: rounded(written.refused / submissions.length, 2),
        writes: writesPer(written, submissions.length),
        cpuSeconds: cpuSince(cpuBefore, cpuAfter),
      };
    } finally {
      await ground.close();
    }
  },
};

/** A part of it keeps the mix and the pace. */
function submissionsOf(flags: Flags): readonly Submission[] {
  const part = countIn(flags, "part-percent") / 100;
  const all: Submission[] = [];
  for (let queue = 0; queue < queues; queue++) {
    for (const of of classes) {
      for (let number = 0; number < Math.round(of.count * part); number++)
        all.push({ name: `q${queue}-${of.name}-${number}`, atMs: number * of.everyMs, of });
    }
  }
  return all.sort((a, b) => a.atMs - b.atMs);
}

/** No one can be faster than the work allows, nor than the last that is submitted. */
function idealSeconds(submissions: readonly Submission[]): number {
  const cpuMs = submissions.reduce((sum, { of: { shape } }) => sum + Number(shape.cpu) * shape.runMs, 0);
  const lastEnds = Math.max(...submissions.map(({ atMs, of }) => atMs + of.shape.runMs));
  return Math.max(cpuMs / (queues * cpusPerQueue), lastEnds) / 1000;
}

async function run(ground: Ground, submissions: readonly Submission[]): Promise<number> {
  const { api } = ground;
  const startedAt = performance.now();
  const allEnded = untilTasksEnd(ground, "q", submissions.length);
  const creates: Promise<unknown>[] = [];
  for (const { name, atMs, of } of submissions) {
    const waitMs = startedAt + atMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const priority = { priority: of.priority };
    creates.push(api.create(pooledTasks, pooledTask(ground, name, 1, of.shape, priority)));
  }
  await Promise.all(creates);
  await allEnded;
  return (performance.now() - startedAt) / 1000;
}
