// What is known of a job's length when a plan is made, as the sources' predictors say it. The planner gets two numbers and
// knows none of these.
import {
  type Expectation,
  expectationFor,
  type Keys,
  keysOf,
  learn,
  nothingLearned,
  type Task,
} from "../../src/scheduling/index.ts";
import type { Ran } from "../../src/simulator/simulate.ts";
import { type Job, keyOf } from "./jobs.ts";

export interface Estimator {
  readonly expectation: (task: Task, now: number) => Expectation | undefined;
  readonly onEnd?: (ran: Ran, task: Task) => void;
}

/** One guess at submission, from what has finished by then, and what it becomes whenever the job outlives it. */
export interface Predictor {
  readonly predict: (job: Job) => number;
  readonly finished?: (job: Job) => void;
  readonly correct: Corrector;
}

/** `first` was the guess, `current` has just proved too short, for the `count`-th time. */
type Corrector = (job: Job, first: number, current: number, count: number) => number;

const minutes = (count: number): number => count * 60_000;
/** What the k-th correction adds to the first prediction (Tsafrir, Etsion and Feitelson, TPDS'07). */
const additions = [1, 5, 15, 30, 60, 120, 300, 600, 1200, 3000, 6000].map(minutes);

const correctors = {
  adding: ({ estimateMs }, first, _, count) =>
    Math.min(estimateMs, first + (additions[count - 1] ?? Number.POSITIVE_INFINITY)),
  estimate: ({ estimateMs }) => estimateMs,
  doubling: (_, __, current) => 2 * current,
} as const satisfies Readonly<Record<string, Corrector>>;

/** The names of `--estimates`; the two with a `+` are of the published table only. */
export const predictors = {
  user: () => fixed(({ estimateMs }) => estimateMs),
  double: () => fixed(({ estimateMs }) => 2 * estimateMs),
  actual: () => fixed(({ runMs }) => runMs),
  tsafrir: () => lastTwo(correctors.adding),
  "tsafrir+estimate": () => lastTwo(correctors.estimate),
  "tsafrir+doubling": () => lastTwo(correctors.doubling),
} as const satisfies Readonly<Record<string, () => Predictor>>;

type PredictorName = keyof typeof predictors;
export type EstimateName = PredictorName | "learned";
export const estimateNames: readonly EstimateName[] = [...(Object.keys(predictors) as PredictorName[]), "learned"];

/** None of these is ever outlived. */
function fixed(predict: (job: Job) => number): Predictor {
  return { predict, correct: (_, __, current) => current };
}

/** The mean of the user's last two finished jobs, at most what the user says. */
function lastTwo(correct: Corrector): Predictor {
  const ofUser = new Map<string, readonly number[]>();
  return {
    predict: ({ user, estimateMs }) => {
      const [last, previous] = ofUser.get(user) ?? [];
      if (last === undefined || previous === undefined) return estimateMs;
      return Math.min(estimateMs, Math.floor((last + previous) / 2000) * 1000);
    },
    finished: ({ user, runMs }) => void ofUser.set(user, [runMs, ...(ofUser.get(user) ?? [])].slice(0, 2)),
    correct,
  };
}

/** For the simulator: a guess holds from the first plan that asks; the planner gets it as both of its numbers. */
export function estimatorOf(predictor: Predictor, jobs: readonly Job[]): Estimator {
  const byKey = new Map(jobs.map((job) => [keyOf(job), job]));
  const guesses = new Map<string, { readonly first: number; current: number; count: number }>();
  return {
    expectation: ({ key, active }, now) => {
      const job = byKey.get(key);
      if (job === undefined) return undefined;
      let guess = guesses.get(key);
      if (guess === undefined) {
        const first = predictor.predict(job);
        guess = { first, current: first, count: 0 };
        guesses.set(key, guess);
      }
      const elapsedMs = active[0] === undefined ? -1 : now - active[0].since;
      while (guess.current <= elapsedMs) {
        guess.count += 1;
        const next = predictor.correct(job, guess.first, guess.current, guess.count);
        if (next <= guess.current) break;
        guess.current = next;
      }
      return { likelyMs: guess.current, limitMs: guess.current };
    },
    onEnd: ({ task }) => {
      const job = byKey.get(task);
      if (job) predictor.finished?.(job);
    },
  };
}

/** As the operator learns: a job's user is its namespace, its estimate its timeout. */
export function learnedEstimator(jobs: readonly Job[]): Estimator {
  const byKey = new Map(jobs.map((job) => [keyOf(job), { job, keys: keysOfJob(job) }]));
  let learned = nothingLearned;
  return {
    expectation: ({ key, active }, now) => {
      const known = byKey.get(key);
      if (known === undefined) return undefined;
      const runningItemMs = active.map(({ since }) => now - since);
      return expectationFor(learned, { keys: known.keys, runningItemMs }, 1, known.job.estimateMs);
    },
    onEnd: ({ task, startedAt, endedAt }) => {
      const known = byKey.get(task);
      if (known) learned = learn(learned, [{ keys: known.keys, itemMs: endedAt - startedAt }]);
    },
  };
}

/** A trace does not say which jobs run the same program, so each has a template of its own. */
function keysOfJob({ index, user, processors }: Job): Keys {
  const request = { cpu: processors };
  return keysOf({ pool: "machine", template: String(index), namespace: user, name: `job-${index}`, request });
}
