// The textbook's traces (Arpaci-Dusseau, OSTEP, chapter 7: one processor, switching costs nothing) in virtual time, through
// the product's planner. What may be interrupted there is cut into shards of a second here, one at a time.
import { readFileSync } from "node:fs";
import type { OrderName, Pool } from "../../src/scheduling/index.ts";
import { type Ran, type Submission, simulate } from "../../src/simulator/simulate.ts";
import type { YardstickRow } from "./row.ts";
import { aJob, aMachine } from "./workload.ts";

/** When it arrives, and how long it lasts, in seconds. */
export type TextbookJob = readonly [arrives: number, lasts: number];

/** All in seconds, means over the jobs; `ends` in the order of the jobs. */
export interface TextbookRun {
  readonly turnaround: number;
  readonly firstStart: number;
  readonly ends: readonly number[];
}

const secondMs = 1000;

export function runTextbook(jobs: readonly TextbookJob[], order: OrderName, isSliced = false): TextbookRun {
  const pool: Pool = { name: "jobs", uid: "jobs", created: 0, order: [order], placement: "FirstFit" };
  const submissions = jobs.map(([arrives, lasts], index): Submission => {
    const shardMs = (isSliced ? 1 : lasts) * secondMs;
    const task = aJob(
      index,
      pool.name,
      { cpu: 1 },
      {
        created: arrives * secondMs,
        parallelism: 1,
        waiting: [{ start: 0, end: isSliced ? lasts : 1 }],
        expected: { likelyMs: shardMs },
      },
    );
    return { task, durationMs: () => shardMs };
  });
  const { ran } = simulate({ pools: [pool], nodes: [aMachine("processor", { cpu: 1 })], submissions });
  const own = submissions.map(({ task }) => ran.filter((each) => each.task === task.key));
  const ends = own.map((shards) => last(shards) / secondMs);
  const starts = own.map((shards) => Math.min(...shards.map(({ startedAt }) => startedAt)) / secondMs);
  const sinceArrival = (times: readonly number[]): number =>
    times.reduce((sum, time, index) => sum + time - (jobs[index]?.[0] ?? 0), 0) / jobs.length;
  return { turnaround: sinceArrival(ends), firstStart: sinceArrival(starts), ends };
}

function last(shards: readonly Ran[]): number {
  return Math.max(...shards.map(({ endedAt }) => endedAt));
}

/** By the trace's name in the file: the order that plays the textbook's policy, and whether it may interrupt. */
const policies: Readonly<Record<string, readonly [OrderName, isSliced: boolean]>> = {
  fifo_10_10_10: ["FirstCome", false],
  fifo_100_10_10: ["FirstCome", false],
  sjf_100_10_10: ["ShortestJob", false],
  sjf_late_arrivals: ["ShortestJob", false],
  stcf_late_arrivals: ["ShortestRemaining", true],
  sjf_5_5_5: ["ShortestJob", false],
  rr1_5_5_5: ["RoundRobin", true],
};

interface TextbookTrace {
  readonly jobs: readonly TextbookJob[];
  readonly avg_turnaround?: number | string;
  readonly avg_response?: number | string;
  readonly completions?: readonly number[];
}

export function textbookRows(file: string): readonly YardstickRow[] {
  const { ostep_ch7: traces }: { readonly ostep_ch7: Readonly<Record<string, TextbookTrace>> } = JSON.parse(
    readFileSync(file, "utf8"),
  );
  return Object.entries(traces).flatMap(([name, { jobs, avg_turnaround, avg_response, completions }]) => {
    const policy = policies[name];
    if (policy === undefined) throw new Error(`${file}: ostep_ch7.${name} is a trace whose policy is not known here`);
    const { turnaround, firstStart, ends } = runTextbook(jobs, ...policy);
    const row = (what: string, published: string, ours: string, holds: boolean): YardstickRow => ({
      name: `OSTEP ${name}, ${policy[0]}: ${what}`,
      published,
      ours,
      through: "product",
      holds,
    });
    const mean = (what: string, published: number | string | undefined, ours: number): readonly YardstickRow[] =>
      published === undefined
        ? []
        : [row(what, String(published), String(Number(ours.toFixed(9))), Math.abs(ours - fraction(published)) < 1e-9)];
    const told = completions?.join(" ");
    const ended = ends.join(" ");
    return [
      ...mean("turnaround", avg_turnaround, turnaround),
      ...mean("first start", avg_response, firstStart),
      ...(told === undefined ? [] : [row("ends", told, ended, told === ended)]),
    ];
  });
}

/** `310/3` or a number. */
function fraction(text: number | string): number {
  const [above = Number.NaN, below = 1] = String(text).split("/").map(Number);
  return above / below;
}
