import { expect, test } from "vitest";
import { beyondRetention, keptAttempts } from "../../src/controller/retention.ts";
import { aJob } from "./builders.ts";

const shards = (count: number, from = 0): number[] => Array.from({ length: count }, (_, n) => from + n);

test("the newest of each outcome stay, the others go", () => {
  const jobs = [
    ...shards(keptAttempts + 2).map((shard) => aJob(shard)),
    ...shards(keptAttempts + 1, 100).map((shard) => aJob(shard, { finished: "Failed" })),
  ];
  expect(beyondRetention(jobs).map(({ shard }) => shard)).toEqual([1, 0, 100]);
});

test("what is being deleted, and what has no outcome yet, neither goes nor counts", () => {
  const { finished: _, ...undecided } = aJob(500);
  const jobs = [...shards(keptAttempts).map((shard) => aJob(shard)), undecided, aJob(600, { deleting: true })];
  expect(beyondRetention(jobs)).toEqual([]);
});
