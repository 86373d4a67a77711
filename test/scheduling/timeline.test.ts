// When something fits for how long, on nodes of which more and less is free over time.
import { expect, test } from "vitest";
import { firstFit, Track } from "../../src/scheduling/timeline.ts";

const one = { indexes: [0], amounts: Float64Array.of(1) };
const room = (free: number): Track => new Track(0, Float64Array.of(free));

/** One that is taken from 10 to 20, and one that is free from then on. */
function pairFree(freeFrom: number): readonly Track[] {
  const early = room(1);
  early.change(one, 10, 20, -1);
  const late = room(0);
  late.change(one, freeFrom, Number.POSITIVE_INFINITY, 1);
  return [early, late];
}

test("shards that start together are promised no moment at which one of their places is taken before they end", () => {
  // On the first node a shard of 5 must start by 5, or not before 20.
  expect(firstFit(one, 2, 5, 0, pairFree(7), [])).toBe(20);
});

test("shards that start together may end the very moment at which one of their places is taken", () => {
  expect(firstFit(one, 2, 5, 0, pairFree(5), [])).toBe(5);
});

test("what begins and what would end at one moment counts once", () => {
  const node = room(1);
  node.change(one, 5, 6, -1);
  node.change(one, 9, Number.POSITIVE_INFINITY, 1);
  expect(firstFit(one, 2, 5, 0, [node], [])).toBe(9);
});
