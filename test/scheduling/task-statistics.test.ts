// A task's numbers: W, P, T and E as the sources define them.
import fc from "fast-check";
import { expect, test } from "vitest";
import { type AttemptFacts, noAttempts, taskStatistics, withAttempt } from "../../src/scheduling/task-statistics.ts";

function statisticsOf(attempts: readonly AttemptFacts[]): ReturnType<typeof taskStatistics> {
  return taskStatistics(attempts.reduce(withAttempt, noAttempts(1000)));
}

test("two shards of 60 s side by side: W = 120 s, T = 60 s, E = 2", () => {
  const attempt = { decidedAt: 2000, startedAt: 5000, endedAt: 65_000, workMs: 60_000, lostMs: 0 };
  expect(statisticsOf([attempt, attempt])).toEqual({
    waitMs: 4000,
    workMs: 120_000,
    runMs: 60_000,
    averageParallelismMilli: 2000,
    parallelismMilli: 2100,
    efficiencyPercent: 95,
    wastedMs: 0,
  });
});

test("an attempt that was lost costs time and does no work", () => {
  const lost = { decidedAt: 1000, startedAt: 1000, endedAt: 31_000, workMs: 0, lostMs: 30_000 };
  const done = { decidedAt: 31_000, startedAt: 31_000, endedAt: 61_000, workMs: 30_000, lostMs: 0 };
  expect(statisticsOf([lost, done])).toMatchObject({ runMs: 60_000, efficiencyPercent: 50, wastedMs: 30_000 });
});

test("before anything has started there is no wait to tell, and nothing is divided by zero", () => {
  const neverStarted = { decidedAt: 1000, endedAt: 1000, workMs: 0, lostMs: 0 };
  for (const attempts of [[], [neverStarted]]) {
    const statistics = statisticsOf(attempts);
    expect(statistics.waitMs).toBeUndefined();
    expect(Object.values(statistics).every((value) => value === 0)).toBe(true);
  }
});

test("the order in which attempts are folded does not matter, and W never passes what was held", () => {
  const attempt = fc
    .record({ decidedAt: fc.nat(1e6), startUp: fc.nat(1e4), workMs: fc.nat(1e5), lostMs: fc.nat(1e5) })
    .map(({ decidedAt, startUp, workMs, lostMs }): AttemptFacts => {
      const startedAt = decidedAt + startUp;
      return { decidedAt, startedAt, endedAt: startedAt + workMs + lostMs, workMs, lostMs };
    });
  fc.assert(
    fc.property(fc.array(attempt), (attempts) => {
      expect(statisticsOf([...attempts].reverse())).toEqual(statisticsOf(attempts));
      const { efficiencyPercent, averageParallelismMilli, parallelismMilli } = statisticsOf(attempts);
      expect(efficiencyPercent).toBeLessThanOrEqual(100);
      expect(averageParallelismMilli).toBeLessThanOrEqual(parallelismMilli);
    }),
  );
});
