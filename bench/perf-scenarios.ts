// The scenarios of kube-scheduling-perf at a tenth: the same number of Pods as many tasks of few shards, or few of many,
// on 100 simulated nodes. Published for 10,000 Pods on 1,000 nodes and 32 CPUs by wzshiming/kube-scheduling-perf.
import { ApiError } from "@dsl/kube-operator";
import { pooledTasks } from "../src/api/pooled-task.ts";
import { inParallel } from "../src/controller/parallel.ts";
import { apiWrites, writesSince } from "./api-writes.ts";
import { anyClusterFlags, type Ground, openGround } from "./cluster.ts";
import { engineEnvironment, engineFlags, engineGround } from "./engine.ts";
import { type Figures, rounded, type Scenario, say, wordIn } from "./scenario.ts";
import { pooledTask, removeAll, shortPod, untilTasksEnd } from "./workload.ts";

interface Mix {
  readonly tasks: number;
  readonly shards: number;
  /** All shards of a task start together, or none. */
  readonly gang?: true;
}

const mixes = {
  S1: { tasks: 1000, shards: 1 },
  S2: { tasks: 50, shards: 20 },
  S3: { tasks: 2, shards: 500 },
  S4: { tasks: 1, shards: 1000 },
  S5: { tasks: 1000, shards: 1, gang: true },
  S6: { tasks: 50, shards: 20, gang: true },
  S7: { tasks: 2, shards: 500, gang: true },
  S8: { tasks: 1, shards: 1000, gang: true },
} as const satisfies Readonly<Record<string, Mix>>;

const names = Object.keys(mixes) as readonly (keyof typeof mixes)[];
/** Requests under way at once: the submitter is to be no limit. */
const lanes = 100;

export const perfScenarios: Scenario = {
  about: "1,000 Pods as many small tasks or few large ones: S1 to S8 of kube-scheduling-perf at a tenth",
  flags: { only: "", ...engineFlags, ...anyClusterFlags },
  onDemand: true,
  async run(flags) {
    const chosen = flags.only === "" ? names : [wordIn(flags, "only", names)];
    const ground = await openGround(flags, engineGround(flags));
    try {
      const operator = await ground.startOperator?.(engineEnvironment(flags));
      const figures: Record<string, Figures> = {};
      for (const name of chosen) {
        say(name);
        figures[name] = await runMix(ground, name.toLowerCase(), mixes[name]);
        await removeAll(ground, [pooledTasks]);
      }
      await operator?.stop();
      return figures;
    } finally {
      await ground.close();
    }
  },
};

async function runMix(ground: Ground, prefix: string, { tasks, shards, gang }: Mix): Promise<Figures> {
  const { api } = ground;
  const spec = gang ? { minParallelism: "All" } : {};
  const before = await apiWrites(api);
  const startedAt = performance.now();
  const all = Array.from({ length: tasks }, (_, number) => `${prefix}-${number}`);
  const [error] = await inParallel(all, lanes, async (name) => {
    await api.create(pooledTasks, pooledTask(ground, name, shards, shortPod, spec));
  });
  // A field that this version does not have yet is refused; whatever else goes wrong is no figure.
  if (gang && error instanceof ApiError && error.message.includes("minParallelism")) return { leftOut: error.message };
  if (error !== undefined) throw error;
  await untilTasksEnd(ground, `${prefix}-`, tasks);
  const seconds = (performance.now() - startedAt) / 1000;
  const { writes } = writesSince(before, await apiWrites(api));
  return {
    seconds: rounded(seconds),
    podsPerSecond: rounded((tasks * shards) / seconds),
    writesPerPod: rounded(writes / (tasks * shards), 2),
  };
}
