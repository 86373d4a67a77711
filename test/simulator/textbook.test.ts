// The textbook's traces (Arpaci-Dusseau, OSTEP, chapter 7: one processor, switching costs nothing), in virtual time.
import { describe, expect, test } from "vitest";
import { runTextbook, type TextbookJob } from "../../bench/yardsticks/textbook.ts";

const jobs = (...lasting: readonly number[]): readonly TextbookJob[] => lasting.map((lasts) => [0, lasts]);
const late: readonly TextbookJob[] = [
  [0, 100],
  [10, 10],
  [10, 10],
];

describe("FirstCome", () => {
  test("three jobs of 10 turn round in 20 in the mean", () => {
    expect(runTextbook(jobs(10, 10, 10), "FirstCome").turnaround).toBe(20);
  });

  test("a job of 100 in front of two of 10 makes that 110", () => {
    expect(runTextbook(jobs(100, 10, 10), "FirstCome").turnaround).toBe(110);
  });
});

describe("ShortestJob", () => {
  test("the same three turn round in 50", () => {
    expect(runTextbook(jobs(100, 10, 10), "ShortestJob").turnaround).toBe(50);
  });

  test("what comes late cannot pass what runs: 103.33", () => {
    expect(runTextbook(late, "ShortestJob").turnaround).toBeCloseTo(310 / 3, 9);
  });

  test("three jobs of 5 first start after 5 in the mean", () => {
    expect(runTextbook(jobs(5, 5, 5), "ShortestJob").firstStart).toBe(5);
  });
});

describe("ShortestRemaining", () => {
  test("it takes over at the end of a shard: 50, and a first start after nothing for the one that came first", () => {
    expect(runTextbook(late, "ShortestRemaining", true)).toMatchObject({
      turnaround: 50,
      firstStart: expect.closeTo(10 / 3, 9),
    });
  });
});

describe("RoundRobin", () => {
  test("three jobs of 5 in shards of 1 first start after 1 and turn round in 14", () => {
    expect(runTextbook(jobs(5, 5, 5), "RoundRobin", true)).toEqual({
      turnaround: 14,
      firstStart: 1,
      ends: [13, 14, 15],
    });
  });
});
