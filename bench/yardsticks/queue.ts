// `yardstick queue`: a small case, and when each of its jobs ends.
import { simulate } from "../../src/simulator/simulate.ts";
import { type Job, keyOf, type RuleName, rules, workloadOf } from "./jobs.ts";

/** In the order of the jobs; undefined for one that never ran. */
export function runCase(jobs: readonly Job[], processors: number, rule: RuleName): readonly (number | undefined)[] {
  const { ran } = simulate(workloadOf(jobs, processors, rules[rule]));
  const ends = new Map(ran.map(({ task, endedAt }) => [task, endedAt]));
  return jobs.map((job) => ends.get(keyOf(job)));
}

const numbered = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name}.${i}`);
const basic = [...numbered("basic_input", 10), ...numbered("extreme_input", 2)];

/** The files of the published cases, by the rule whose finish times they tell. */
export const queueCases: readonly (readonly [RuleName, readonly string[]])[] = [
  ["fcfs", [...basic, ...numbered("fcfs_input", 3)]],
  ["easy", [...basic, ...numbered("bf_input", 4), ...numbered("easy_bf_input", 2)]],
  ["easy-sjbf", [...basic, ...numbered("sjbf", 2)]],
  ["conservative", [...basic, ...numbered("bf_input", 4), ...numbered("cons_bf_input", 1)]],
];
