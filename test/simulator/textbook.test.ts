// The textbook's traces (Arpaci-Dusseau, OSTEP, chapter 7: one processor, switching costs nothing), in virtual time.
import { describe, expect, test } from "vitest";
import type { OrderName } from "../../src/scheduling/index.ts";
import { type Submission, simulate } from "../../src/simulator/simulate.ts";
import { aPool, aTask, noon, seconds } from "../support/scheduling.ts";

interface Job {
  readonly arrives: number;
  readonly lasts: number;
}

/** Mean turnaround and mean first start, in seconds; `sliced` runs a job as shards of one second, one at a time. */
function run(
  order: readonly OrderName[],
  jobs: readonly Job[],
  sliced = false,
): { readonly turnaround: number; readonly firstStart: number } {
  const submissions = jobs.map(({ arrives, lasts }, index): Submission => {
    const shardMs = seconds(sliced ? 1 : lasts);
    const created = noon + seconds(arrives);
    const shards = sliced ? lasts : 1;
    return {
      task: aTask(`job-${index}`, { created, shards, parallelism: 1, cpu: 1, expected: { likelyMs: shardMs } }),
      durationMs: () => shardMs,
    };
  });
  const { pools, nodes } = aPool()
    .withNodes(1, { cpu: 1 })
    .ordering(...order).snapshot;
  const { ran, unfinished } = simulate({ pools, nodes, submissions });
  expect(unfinished).toEqual([]);
  const mean = (value: (job: Job, own: typeof ran) => number): number => {
    const values = jobs.map((job, index) =>
      value(
        job,
        ran.filter(({ task }) => task === `lab/job-${index}`),
      ),
    );
    return values.reduce((a, b) => a + b, 0) / jobs.length / 1000;
  };
  return {
    turnaround: mean(({ arrives }, own) => Math.max(...own.map(({ endedAt }) => endedAt)) - noon - seconds(arrives)),
    firstStart: mean(
      ({ arrives }, own) => Math.min(...own.map(({ startedAt }) => startedAt)) - noon - seconds(arrives),
    ),
  };
}

const jobs = (...lasting: readonly number[]): readonly Job[] => lasting.map((lasts) => ({ arrives: 0, lasts }));
const late: readonly Job[] = [
  { arrives: 0, lasts: 100 },
  { arrives: 10, lasts: 10 },
  { arrives: 10, lasts: 10 },
];

describe("FirstCome", () => {
  test("three jobs of 10 turn round in 20 in the mean", () => {
    expect(run(["FirstCome"], jobs(10, 10, 10)).turnaround).toBe(20);
  });

  test("a job of 100 in front of two of 10 makes that 110", () => {
    expect(run(["FirstCome"], jobs(100, 10, 10)).turnaround).toBe(110);
  });
});

describe("ShortestJob", () => {
  test("the same three turn round in 50", () => {
    expect(run(["ShortestJob"], jobs(100, 10, 10)).turnaround).toBe(50);
  });

  test("what comes late cannot pass what runs: 103.33", () => {
    expect(run(["ShortestJob"], late).turnaround).toBeCloseTo(310 / 3, 9);
  });

  test("three jobs of 5 first start after 5 in the mean", () => {
    expect(run(["ShortestJob"], jobs(5, 5, 5)).firstStart).toBe(5);
  });
});

describe("ShortestRemaining", () => {
  test("it takes over at the end of a shard: 50, and a first start after nothing for the one that came first", () => {
    expect(run(["ShortestRemaining"], late, true)).toEqual({ turnaround: 50, firstStart: expect.closeTo(10 / 3, 9) });
  });
});

describe("RoundRobin", () => {
  test("three jobs of 5 in shards of 1 first start after 1 and turn round in 14", () => {
    expect(run(["RoundRobin"], jobs(5, 5, 5), true)).toEqual({ turnaround: 14, firstStart: 1 });
  });
});
