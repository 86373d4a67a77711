// `yardstick queue`: a small case, and when each of its jobs ends.
import { simulate } from "../../src/simulator/simulate.ts";
import { type Job, keyOf, type RuleName, rules, workloadOf } from "./jobs.ts";

/** In the order of the jobs; undefined for one that never ran. */
export function runCase(jobs: readonly Job[], processors: number, rule: RuleName): readonly (number | undefined)[] {
  const { ran } = simulate(workloadOf(jobs, processors, rules[rule]));
  const ends = new Map(ran.map(({ task, endedAt }) => [task, endedAt]));
  return jobs.map((job) => ends.get(keyOf(job)));
}
