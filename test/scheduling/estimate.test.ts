// How long a task still takes, on the places that it has.
import { expect, test } from "vitest";
import { timeLeftMs } from "../../src/scheduling/index.ts";
import { aTask, noon, type RunningShard, seconds } from "../support/scheduling.ts";

/** Shards of 10 s, of which each start takes 3 s more. */
function leftSeconds(running: readonly RunningShard[], waiting: number, places: number): number {
  const task = aTask("a", { running, expected: { likelyMs: seconds(10) } });
  return timeLeftMs(task, waiting, places, seconds(3), noon) / 1000;
}
const since = (ago: number): RunningShard => ({ node: "node-1", since: noon - seconds(ago) });
const starting: RunningShard = { node: "node-1", state: "Starting", since: noon };

test("what waits goes in rounds, one shard after the other on each place", () => {
  expect(leftSeconds([starting, starting], 4, 2)).toBe(13 + 2 * 13);
  expect(leftSeconds([starting, starting], 5, 2)).toBe(13 + 3 * 13);
  expect(leftSeconds([], 5, 5)).toBe(13);
});

test("the last round is over with the shard that has most left", () => {
  expect(leftSeconds([since(9), since(2)], 0, 2)).toBe(8);
  expect(leftSeconds([since(9), since(2)], 1, 2)).toBe(1 + 13);
  expect(leftSeconds([since(99)], 0, 1)).toBe(0);
});
