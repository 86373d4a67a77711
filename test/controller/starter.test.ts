import { expect, test } from "vitest";
import { batchSize, nextBatch } from "../../src/controller/starter.ts";
import type { Start } from "../../src/scheduling/index.ts";

const starts = (task: string, count: number): Start[] =>
  Array.from({ length: count }, (_, shard) => ({ kind: "start", task, shard, node: "node-1" }));
const counts = (batch: readonly Start[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(batch, ({ task }) => task)].map(([task, of]) => [task, of.length]));

test("a batch of starts is written down at once, in order", () => {
  const batch = nextBatch([...starts("a", 150), ...starts("b", 150)], () => 1, 1000);
  expect(counts(batch)).toEqual({ a: 150, b: 50 });
});

test("shards that must start together are written down together, though they are more than a batch", () => {
  const batch = nextBatch(
    [...starts("a", 100), ...starts("gang", 500), ...starts("b", 9)],
    (task) => (task === "gang" ? 400 : 1),
    1000,
  );
  expect(counts(batch)).toEqual({ a: 100, gang: 400 });
});

test("while a hundred wait for a slow server none follows, unless it takes none of them: they may be stuck", () => {
  expect([batchSize(0, true), batchSize(99, true), batchSize(100, true)]).toEqual([200, 101, 0]);
  expect([batchSize(100, false), batchSize(190, false)]).toEqual([100, 50]);
  expect(counts(nextBatch(starts("a", 150), () => 1, 1000, batchSize(100, true)))).toEqual({});
});

test("fewer are written down while many of the former are still to be created", () => {
  expect(counts(nextBatch(starts("a", 150), () => 1, 1000, 50))).toEqual({ a: 50 });
});

test("where they do not fit any more they wait whole, and nobody behind them goes first", () => {
  const batch = nextBatch(
    [...starts("a", 10), ...starts("gang", 500), ...starts("b", 9)],
    (task) => (task === "gang" ? 400 : 1),
    300,
  );
  expect(counts(batch)).toEqual({ a: 10 });
});
