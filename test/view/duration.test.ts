import { expect, test } from "vitest";
import { durationText, runTimeText } from "../../src/view/duration.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

test.each([
  [-5, "0s"],
  [400, "0s"],
  [119_000, "119s"],
  [2 * minute, "2m"],
  [3 * minute + 5000, "3m5s"],
  [41 * minute + 5000, "41m"],
  [3 * hour + 5 * minute, "3h5m"],
  [47 * hour, "47h"],
  [2 * day + 5 * hour, "2d5h"],
  [9 * day + 5 * hour, "9d"],
])("%d ms read as %s", (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

test.each([
  [7.4, "7ms"],
  [1234, "1.2s"],
  [45_000, "45s"],
])("a run of %d ms reads as %s", (ms, text) => {
  expect(runTimeText(ms)).toBe(text);
});
