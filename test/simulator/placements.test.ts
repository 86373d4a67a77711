// The comparison behind the default placement, on one of its workloads.
import { expect, test } from "vitest";
import { comparePlacements, worlds } from "../../bench/yardsticks/placements.ts";
import { placementNames } from "../../src/scheduling/index.ts";

const ofSizes = worlds.filter(({ name }) => name === "one shape, many sizes");

test("where shards are of many sizes, keeping whole nodes free lets the largest start sooner than spreading does", () => {
  const results = comparePlacements(1, ofSizes);
  expect(results.map(({ placement }) => placement)).toEqual(placementNames);
  const [packed, spread] = results;
  expect(packed?.meanFirstStartOfLargestMinutes).toBeLessThan(spread?.meanFirstStartOfLargestMinutes ?? 0);
  expect(packed?.boundedSlowdown).toBeLessThan(spread?.boundedSlowdown ?? 0);
});
