// The row that says who pays for what a placement wins: kinds of devices whose demand is dropped beyond FGD's.
import { expect, test } from "vitest";
import type { FgdResult } from "../../bench/yardsticks/fgd.ts";
import { droppedRow } from "../../bench/yardsticks/fgd-rows.ts";

const dropped = (droppedPercent: FgdResult["droppedPercent"]): FgdResult => ({
  unallocatedPercent: [],
  droppedPercent,
});

test("a kind that is dropped more in a single run fails the row, though its mean is below", () => {
  const ours = [dropped({ 1: 20, share: 10.25 }), dropped({ 1: 20, share: 9 })];
  const fgd = [dropped({ 1: 21, share: 10 }), dropped({ 1: 21, share: 10 })];
  const row = droppedRow("a trace", ours, fgd);
  expect(row.holds).toBe(false);
  expect(row.ours).toBe("0.25 in the worst run (means: 1 -1.00, share -0.38)");
});

test("0.2 points are allowed, however the difference is rounded", () => {
  expect(droppedRow("a trace", [dropped({ 8: 5.3 })], [dropped({ 8: 5.1 })]).holds).toBe(true);
});

test("a kind that FGD drops nothing of counts from 0", () => {
  expect(droppedRow("a trace", [dropped({ cpu: 0.3 })], [dropped({})]).ours).toMatch(/^0.30 in/);
});
