import { expect, test } from "vitest";
import { useByColumn } from "../../src/view/use-over-time.ts";

test("a column shows the mean of what is used in its time", () => {
  const use = useByColumn([{ fromMs: 5, toMs: 30, share: 0.5 }], 40, 4);
  expect([...use]).toEqual([0.25, 0.5, 0.5, 0]);
});

test("what begins and ends within one column counts for its part of it", () => {
  expect([...useByColumn([{ fromMs: 2, toMs: 4, share: 1 }], 20, 2)]).toEqual([0.2, 0]);
});

test("spans add up, and the sum over the columns is the sum of share × time", () => {
  const spans = [
    { fromMs: 0, toMs: 17, share: 0.3 },
    { fromMs: 3, toMs: 99, share: 0.2 },
    { fromMs: 50, toMs: 100, share: 0.5 },
  ];
  const use = useByColumn(spans, 100, 7);
  const total = use.reduce((sum, share) => sum + share, 0) * (100 / 7);
  expect(total).toBeCloseTo(17 * 0.3 + 96 * 0.2 + 25, 9);
});

test("a picture of no time is empty", () => {
  expect([...useByColumn([{ fromMs: 0, toMs: 0, share: 1 }], 0, 2)]).toEqual([0, 0]);
});
