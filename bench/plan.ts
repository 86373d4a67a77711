// What a plan costs the operator's main thread, in CPU time: the first, one after each single change, and at two, four
// and eight times the size.
import { Memo, planPool } from "../src/scheduling/index.ts";
import { BusyPool, type BusyPoolSize } from "./busy-pool.ts";
import { countIn, type Figures, type Scenario, wordIn } from "./scenario.ts";

const warmRuns = 200;
/** Plans before that: an operator that has run for some seconds is compiled. */
const warmUp = 20;
const sizes = [1, 2, 4, 8];

export const plan: Scenario = {
  about: "CPU time of a plan: the first, after one change, and at growing sizes",
  flags: { tasks: "10000", nodes: "1000", policy: "Easy", seed: "1" },
  async run(flags) {
    return measured({
      tasks: countIn(flags, "tasks"),
      nodes: countIn(flags, "nodes"),
      policy: wordIn(flags, "policy", ["None", "BestEffort", "Easy"]),
      seed: countIn(flags, "seed"),
    });
  },
};

function measured(size: BusyPoolSize): Figures {
  const whole = costOf(size, warmRuns);
  const growth = sizes.map((part) =>
    costOf({ ...size, tasks: (size.tasks * part) / 8, nodes: (size.nodes * part) / 8 }, 30),
  );
  const ratios = (of: (cost: Cost) => number): number =>
    Math.max(...growth.slice(1).map((cost, i) => of(cost) / of(growth[i] as Cost)));
  return {
    tasks: size.tasks,
    nodes: size.nodes,
    shards: whole.shards,
    running: whole.running,
    coldMs: whole.coldMs,
    p99Ms: percentile(whole.warmMs, 0.99),
    p50Ms: percentile(whole.warmMs, 0.5),
    maxMs: percentile(whole.warmMs, 1),
    coldGrowthMax: rounded(ratios(({ coldMs }) => coldMs)),
    warmGrowthMax: rounded(ratios(({ warmMs }) => percentile(warmMs, 0.5))),
  };
}

interface Cost {
  readonly shards: number;
  readonly running: number;
  readonly coldMs: number;
  readonly warmMs: readonly number[];
}

/** Cold: everything waits and every node is empty. Then the pool is full, as many tasks wait again, and one thing changes. */
function costOf(size: BusyPoolSize, runs: number): Cost {
  const pool = new BusyPool(size);
  const { snapshot, now } = pool;
  let shards = 0;
  for (const { waiting } of snapshot.tasks) for (const { start, end } of waiting) shards += end - start;
  const memo = new Memo();
  const cold = timed(() => planPool(snapshot, now, memo));
  pool.apply(cold.result);
  let running = 0;
  for (const { active } of pool.snapshot.tasks) running += active.length;
  const warmMs: number[] = [];
  for (let run = 0; run < warmUp + runs; run += 1) {
    const { snapshot, now } = pool;
    const { result, ms } = timed(() => planPool(snapshot, now, memo));
    if (run >= warmUp) warmMs.push(ms);
    pool.apply(result);
    pool.change();
  }
  return { shards, running, coldMs: cold.ms, warmMs };
}

/** CPU time of the main thread, which is what the event loop waits for. */
function timed<T>(work: () => T): { readonly result: T; readonly ms: number } {
  const before = process.threadCpuUsage();
  const result = work();
  const { user, system } = process.threadCpuUsage(before);
  return { result, ms: rounded((user + system) / 1000) };
}

function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
