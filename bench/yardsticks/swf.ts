// `yardstick swf`: a trace of jobs under a rule, through the product's planner, one plan an instant.
import { simulate } from "../../src/simulator/simulate.ts";
import { type EstimatorName, estimators } from "./estimates.ts";
import { averageBoundedSlowdown, type Job, keyOf, meanWaitSeconds, rules, workloadOf } from "./jobs.ts";

/** Jobs of at least this many processors are wide. */
const wide = 32;

export interface SwfResult {
  readonly averageBoundedSlowdown: number;
  readonly meanWaitSeconds: number;
  readonly meanWaitWideSeconds: number;
  readonly meanResponseSeconds: number;
  readonly utilization: number;
}

export function runSwf(
  jobs: readonly Job[],
  processors: number,
  ruleName: string,
  estimates: EstimatorName,
): SwfResult {
  const rule = rules[ruleName];
  if (rule === undefined) throw new Error(`there is no rule ${ruleName}; there are ${Object.keys(rules).join(", ")}`);
  const { ran, unfinished } = simulate(workloadOf(jobs, processors, rule), estimators[estimates](jobs));
  if (unfinished.length > 0) throw new Error(`${unfinished.length} jobs never ran, the first is ${unfinished[0]}`);
  const ends = new Map(ran.map(({ task, endedAt }) => [task, endedAt]));
  const responses = jobs.map((job) => (ends.get(keyOf(job)) ?? Number.NaN) - job.submitMs);
  const work = jobs.reduce((sum, { runMs, processors: width }) => sum + runMs * width, 0);
  const first = jobs.reduce((earliest, { submitMs }) => Math.min(earliest, submitMs), Number.POSITIVE_INFINITY);
  const last = ran.reduce((latest, { endedAt }) => Math.max(latest, endedAt), 0);
  return {
    averageBoundedSlowdown: averageBoundedSlowdown(jobs, ran),
    meanWaitSeconds: meanWaitSeconds(jobs, ran),
    meanWaitWideSeconds: meanWaitSeconds(
      jobs.filter((job) => job.processors >= wide),
      ran,
    ),
    meanResponseSeconds: responses.reduce((a, b) => a + b, 0) / jobs.length / 1000,
    utilization: work / (processors * (last - first)),
  };
}

/** Submits moved by up to 300 s either way, the same for the same seed: a result that holds only for one trace is none. */
export function shaken(jobs: readonly Job[], seed: number): readonly Job[] {
  const random = randomFrom(seed);
  const moved = jobs.map((job) => ({
    ...job,
    submitMs: Math.max(0, job.submitMs + Math.round((random() - 0.5) * 600) * 1000),
  }));
  return moved.sort((a, b) => a.submitMs - b.submitMs || a.index - b.index).map((job, index) => ({ ...job, index }));
}

/** Mulberry32 (Tommy Ettinger, public domain), as a formula: small, seeded, good enough to shake a trace. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
