// The rows that say who pays for what a placement wins: kinds of devices whose demand is dropped beyond FGD's.
import { expect, test } from "vitest";
import type { FgdResult } from "../../bench/yardsticks/fgd.ts";
import { droppedRows } from "../../bench/yardsticks/fgd-rows.ts";

const dropped = (droppedPercent: FgdResult["droppedPercent"]): FgdResult => ({
  unallocatedPercent: [],
  droppedPercent,
});
const holds = (ours: readonly FgdResult[], fgd: readonly FgdResult[]): readonly boolean[] =>
  droppedRows("a trace", ours, fgd).map((row) => row.holds);

test("a kind that is dropped more in a single run fails the row of single runs, though its mean is below", () => {
  const ours = [dropped({ 1: 20, share: 10.25 }), dropped({ 1: 20, share: 9 })];
  const fgd = [dropped({ 1: 21, share: 10 }), dropped({ 1: 21, share: 10 })];
  const [mean, single] = droppedRows("a trace", ours, fgd);
  expect([mean.holds, mean.ours]).toEqual([true, "1 -1.00, share -0.38"]);
  expect([single.holds, single.ours]).toEqual([false, "0.25 at most; more in 1 of 2 runs"]);
});

test("a kind that is dropped more in the mean fails both", () => {
  expect(holds([dropped({ 1: 10, 2: 5.5 }), dropped({ 2: 5 })], [dropped({ 1: 30, 2: 5 }), dropped({ 2: 5 })])).toEqual(
    [false, false],
  );
});

test("0.2 points are allowed, however the difference is rounded", () => {
  expect(holds([dropped({ 8: 5.3 })], [dropped({ 8: 5.1 })])).toEqual([true, true]);
});

test("a kind that FGD drops nothing of counts from 0", () => {
  expect(holds([dropped({ cpu: 0.3 })], [dropped({})])).toEqual([false, false]);
});
