import { expect, test } from "vitest";
import { inParallel } from "../../src/controller/parallel.ts";

test("one that fails keeps no other from being tried", async () => {
  const tried: number[] = [];
  const errors = await inParallel([1, 2, 3], 2, async (item) => {
    tried.push(item);
    if (item === 1) throw new Error("no");
  });
  expect([tried, errors]).toEqual([[1, 2, 3], [new Error("no")]]);
});

test("once it is late what is under way ends, and nothing more is begun", async () => {
  const tried: number[] = [];
  await inParallel(
    [1, 2, 3, 4, 5],
    2,
    async (item) => void tried.push(item),
    () => tried.length >= 3,
  );
  expect(tried).toEqual([1, 2, 3]);
});
