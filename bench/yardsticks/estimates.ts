// What is known of a job's length when a plan is made, as the sources' predictors say it. The planner gets two numbers and
// knows none of these.
import type { Expectation, Task } from "../../src/scheduling/index.ts";
import type { Ran } from "../../src/simulator/simulate.ts";
import { type Job, keyOf } from "./jobs.ts";

export interface Estimator {
  readonly expectation: (task: Task, now: number) => Expectation;
  readonly onEnd?: (ran: Ran) => void;
}

const minutes = (count: number): number => count * 60_000;
/** What the k-th correction adds to the first prediction (Tsafrir, Etsion and Feitelson, TPDS'07). */
const corrections = [1, 5, 15, 30, 60, 120, 300, 600, 1200, 3000, 6000].map(minutes);

export const estimators = {
  user: (jobs) => fixed(jobs, ({ estimateMs }) => estimateMs),
  double: (jobs) => fixed(jobs, ({ estimateMs }) => 2 * estimateMs),
  actual: (jobs) => fixed(jobs, ({ runMs }) => runMs),
  tsafrir,
} as const satisfies Readonly<Record<string, (jobs: readonly Job[]) => Estimator>>;

export type EstimatorName = keyof typeof estimators;

function fixed(jobs: readonly Job[], lengthMs: (job: Job) => number): Estimator {
  const byKey = new Map(jobs.map((job) => [keyOf(job), { likelyMs: lengthMs(job), limitMs: lengthMs(job) }]));
  return { expectation: (task) => byKey.get(task.key) ?? { likelyMs: 0 } };
}

/** The mean of the user's last two finished jobs, set once at submission, corrected whenever the job outlives it. */
function tsafrir(jobs: readonly Job[]): Estimator {
  const byKey = new Map(jobs.map((job) => [keyOf(job), job]));
  const lastTwo = new Map<string, readonly number[]>();
  const predicted = new Map<string, number>();
  const predict = ({ user, estimateMs }: Job): number => {
    const [last, previous] = lastTwo.get(user) ?? [];
    if (last === undefined || previous === undefined) return estimateMs;
    return Math.min(estimateMs, Math.floor((last + previous) / 2000) * 1000);
  };
  return {
    expectation: ({ key, active }, now) => {
      const job = byKey.get(key);
      if (job === undefined) return { likelyMs: 0 };
      const first = predicted.get(key) ?? predict(job);
      predicted.set(key, first);
      const startedAt = active[0]?.since;
      const lengthMs = startedAt === undefined ? first : corrected(first, now - startedAt, job.estimateMs);
      return { likelyMs: lengthMs, limitMs: lengthMs };
    },
    onEnd: ({ task, startedAt, endedAt }) => {
      const user = byKey.get(task)?.user ?? "";
      lastTwo.set(user, [endedAt - startedAt, ...(lastTwo.get(user) ?? [])].slice(0, 2));
    },
  };
}

function corrected(first: number, elapsedMs: number, estimateMs: number): number {
  if (first > elapsedMs) return first;
  const added = corrections.find((each) => first + each > elapsedMs) ?? Number.POSITIVE_INFINITY;
  return Math.min(estimateMs, first + added);
}
