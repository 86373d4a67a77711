// What the queueing literature measures of a schedule.
import type { Plan } from "../../src/scheduling/index.ts";
import type { Ran } from "../../src/simulator/simulate.ts";
import { type Job, keyOf } from "./jobs.ts";

/** Jobs of at least this many processors are wide. */
const wide = 32;

export interface Measures {
  /** The mean of max(1, response ÷ max(10 s, run time)). */
  readonly averageBoundedSlowdown: number;
  readonly meanWaitSeconds: number;
  readonly meanWaitWideSeconds: number;
  readonly meanResponseSeconds: number;
  readonly utilization: number;
  /** Of the jobs for which a place was held: how many started after what was first promised. */
  readonly headsLatePercent: number;
}

/** The first promise made to each job that had a hold, by its index. */
export class Promises {
  private readonly first = new Map<string, number>();

  watch({ memory }: Plan): void {
    for (const { head } of Object.values(memory ?? {})) {
      if (head && !this.first.has(head.task)) this.first.set(head.task, head.at);
    }
  }

  latePercent(jobs: readonly Job[], startOf: (job: Job) => number): number {
    let late = 0;
    for (const job of jobs)
      if (startOf(job) > (this.first.get(String(job.index)) ?? Number.POSITIVE_INFINITY)) late += 1;
    return (100 * late) / this.first.size;
  }
}

export function measure(jobs: readonly Job[], ran: readonly Ran[], processors: number, promises: Promises): Measures {
  const byKey = new Map(ran.map((run) => [run.task, run]));
  const startOf = (job: Job): number => byKey.get(keyOf(job))?.startedAt ?? Number.NaN;
  const waitSeconds = (job: Job): number => (startOf(job) - job.submitMs) / 1000;
  const slowdown = (job: Job): number =>
    Math.max(1, (startOf(job) - job.submitMs + job.runMs) / Math.max(10_000, job.runMs));
  const work = sumOf(jobs.map((job) => job.runMs * job.processors));
  const first = jobs.reduce((earliest, { submitMs }) => Math.min(earliest, submitMs), Number.POSITIVE_INFINITY);
  const last = ran.reduce((latest, { endedAt }) => Math.max(latest, endedAt), 0);
  return {
    averageBoundedSlowdown: mean(jobs.map(slowdown)),
    meanWaitSeconds: mean(jobs.map(waitSeconds)),
    meanWaitWideSeconds: mean(jobs.filter((job) => job.processors >= wide).map(waitSeconds)),
    meanResponseSeconds: mean(jobs.map((job) => waitSeconds(job) + job.runMs / 1000)),
    utilization: work / (processors * (last - first)),
    headsLatePercent: promises.latePercent(jobs, startOf),
  };
}

function mean(values: readonly number[]): number {
  return sumOf(values) / values.length;
}

/** With what each addition loses carried along (Kahan), so that the last digits do not depend on the order. */
function sumOf(values: readonly number[]): number {
  let sum = 0;
  let lost = 0;
  for (const value of values) {
    const corrected = value - lost;
    const next = sum + corrected;
    lost = next - sum - corrected;
    sum = next;
  }
  return sum;
}
