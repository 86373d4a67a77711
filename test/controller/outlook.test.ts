import { expect, test } from "vitest";
import { outlookOf } from "../../src/controller/outlook.ts";
import { keysOf, nothingLearned } from "../../src/scheduling/index.ts";
import { aTask } from "../view/objects.ts";
import { anAccount, ended, noon, success } from "./builders.ts";

const { spec } = aTask(undefined, {
  chunk: { size: "Auto", mode: "Each" },
  items: { range: { start: 0, end: 1000, step: 1 } },
});
const facts = {
  spec,
  keys: keysOf({ pool: "lab", template: "", namespace: "lab", name: "squares", request: {} }),
  request: {},
  account: anAccount(1000, { chunk: "Auto" }),
  ended: [ended({ outcomes: [success(0, "0", { ms: 20 })] })],
  learned: nothingLearned,
  nodes: [],
  limits: [],
};
const itemMs = (seconds: number): number => {
  const running = Array.from({ length: 9 }, (_, item) => ({ start: noon, items: [item + 1] }));
  return Math.round(outlookOf({ ...facts, running }, noon + seconds * 1000).cutRule?.itemMs ?? 0);
};

test("what runs longer than what has ended counts, once its end would have been seen", () => {
  expect(itemMs(1.9)).toBe(20);
  expect(itemMs(12)).toBeGreaterThan(5000);
});

test("how fast its shards end is counted since it last rested", () => {
  const at = (seconds: number) =>
    ended({ decided: noon + (seconds - 5) * 1000, end: noon + seconds * 1000, outcomes: [success(0)] });
  const endsAt = (...seconds: readonly number[]) =>
    outlookOf({ ...facts, running: [], ended: seconds.map(at) }, noon).shown?.ends;
  expect(endsAt(10, 20, 30)).toMatchObject({ first: noon + 10_000, last: noon + 30_000, count: 2, items: 3 });
  expect(endsAt(10, 20, 900, 910)).toMatchObject({ first: noon + 900_000, last: noon + 910_000, count: 1, items: 2 });
  expect(outlookOf({ ...facts, running: [], ended: [] }, noon).shown).toBeUndefined();
});
