// What a plan costs the operator's main thread, in CPU time: the first, one after each single change, and at two, four
// and eight times the size.
import { advise, forecast, Memo, planPool } from "../src/scheduling/index.ts";
import { BusyPool, type BusyPoolSize } from "./busy-pool.ts";
import { countIn, type Figures, type Scenario, wordIn } from "./scenario.ts";

const warmRuns = 200;
/** Plans before that: an operator that has run for some seconds is compiled. */
const warmUp = 20;
const sizes = [1, 2, 4, 8];
/** Of each size, in turn; the least counts, since what else a machine does only adds to it. */
const rounds = 3;

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
  const growth = Array.from({ length: rounds }, () =>
    sizes.map((part) => costOf({ ...size, tasks: (size.tasks * part) / 8, nodes: (size.nodes * part) / 8 }, 30)),
  );
  const perDoubling = (of: (cost: Cost) => number): number => {
    const least = sizes.map((_, i) => Math.min(...growth.map((round) => of(round[i] as Cost))));
    return rounded(((least.at(-1) as number) / (least[0] as number)) ** (1 / (sizes.length - 1)));
  };
  return {
    tasks: size.tasks,
    nodes: size.nodes,
    shards: whole.shards,
    running: whole.running,
    coldMs: whole.coldMs,
    p99Ms: percentile(whole.warmMs, 0.99),
    p50Ms: percentile(whole.warmMs, 0.5),
    maxMs: percentile(whole.warmMs, 1),
    // What twice the input costs, from an eighth of the size to all of it: 2.2 times is n log n there.
    coldGrowth: perDoubling(({ coldAgainMs }) => coldAgainMs),
    warmGrowth: perDoubling(({ warmMs }) => meanOf(warmMs)),
    forecastMs: whole.forecastMs,
    forecastSliceMs: whole.forecastSliceMs,
    adviceMs: whole.adviceMs,
    adviceSliceMs: whole.adviceSliceMs,
  };
}

interface Cost {
  readonly shards: number;
  readonly running: number;
  /** The first of all, where the code has never run. */
  readonly coldMs: number;
  /** Without a memo, once it has. */
  readonly coldAgainMs: number;
  readonly warmMs: readonly number[];
  /** Of the first 20 tasks of the queue: all of it, and the longest without a rest. */
  readonly forecastMs: number;
  readonly forecastSliceMs: number;
  /** Of a look for what would help, in the same way. */
  readonly adviceMs: number;
  readonly adviceSliceMs: number;
}

/** Cold: everything waits and every node is empty. Then the pool is full, as many tasks wait again, and one thing changes. */
function costOf(size: BusyPoolSize, runs: number): Cost {
  const pool = new BusyPool(size);
  const { snapshot: empty, now: start } = pool;
  let shards = 0;
  for (const { waiting } of empty.tasks) for (const { start, end } of waiting) shards += end - start;
  const memo = new Memo();
  const cold = timed(() => planPool(empty, start, memo));
  const again = [1, 2, 3].map(() => timed(() => planPool(empty, start)).ms);
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
  const { snapshot, now } = pool;
  const found = planPool(snapshot, now, memo);
  const keys = found.waiting.slice(0, 20).map(({ task }) => task);
  const slices = slicesOf(forecast(snapshot, found, keys, now, memo));
  // It takes seconds, so it is asked of the whole size alone.
  const adviceSlices = runs < warmRuns ? [0] : slicesOf(advise(snapshot, found, now));
  return {
    shards,
    running,
    coldMs: cold.ms,
    coldAgainMs: meanOf(again),
    warmMs,
    forecastMs: rounded(sumOf(slices)),
    forecastSliceMs: Math.max(...slices),
    adviceMs: rounded(sumOf(adviceSlices)),
    adviceSliceMs: Math.max(...adviceSlices),
  };
}

function slicesOf(steps: Generator<unknown, unknown>): readonly number[] {
  const slices: number[] = [];
  for (let done: boolean | undefined = false; !done; ) {
    const slice = timed(() => steps.next());
    slices.push(slice.ms);
    done = slice.result.done;
  }
  return slices;
}

/** CPU time of the main thread, which is what the event loop waits for. */
function timed<T>(work: () => T): { readonly result: T; readonly ms: number } {
  const before = process.threadCpuUsage();
  const result = work();
  const { user, system } = process.threadCpuUsage(before);
  return { result, ms: rounded((user + system) / 1000) };
}

/** Of many: a kernel that counts in whole ticks of its clock is right in the mean. */
function meanOf(values: readonly number[]): number {
  return sumOf(values) / values.length;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
