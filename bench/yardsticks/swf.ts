// `yardstick swf`: a trace of jobs under a rule, through the product's planner, one plan an instant or as pyss asks.
import { randomFrom } from "../../src/simulator/random.ts";
import { simulate } from "../../src/simulator/simulate.ts";
import { type EstimateName, estimatorOf, learnedEstimator, predictors } from "./estimates.ts";
import { type Job, ownEstimates, type RuleName, rules, workloadOf } from "./jobs.ts";
import { type Measures, measure, Promises } from "./measures.ts";
import { runAsPyss } from "./pyss.ts";

export interface SwfOptions {
  readonly rule: RuleName;
  /** Absent: what the rule is defined with, else what the user said. */
  readonly estimates?: EstimateName;
  readonly asPyss?: boolean;
  /** Nobody knows whose a job is. */
  readonly noUsers?: boolean;
}

export function runSwf(jobs: readonly Job[], processors: number, options: SwfOptions): Measures {
  const rule = rules[options.rule];
  const name = options.estimates ?? ownEstimates[options.rule] ?? "user";
  const known = options.noUsers ? jobs.map((job) => ({ ...job, user: "anybody" })) : jobs;
  const promises = new Promises();
  const onPlan = promises.watch.bind(promises);
  if (options.asPyss) {
    if (name === "learned") throw new Error("--events pyss is for what was published; the learned estimates were not");
    const quirk = options.rule === "easy";
    const ran = runAsPyss(known, processors, rule, predictors[name](), { onPlan, passesOnlyIfItFits: quirk });
    return measure(jobs, ran, processors, promises);
  }
  const estimator = name === "learned" ? learnedEstimator(known) : estimatorOf(predictors[name](), known);
  const { ran, unfinished } = simulate(workloadOf(known, processors, rule), { ...estimator, onPlan });
  if (unfinished.length > 0) throw new Error(`${unfinished.length} jobs never ran, the first is ${unfinished[0]}`);
  return measure(jobs, ran, processors, promises);
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
