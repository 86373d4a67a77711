import { expect, test } from "vitest";
import { resourcePoolStatus } from "../../src/api/resource-pool-status.ts";
import { learnedText, parseLearned } from "../../src/controller/learned-times.ts";
import { learnedKeysMax } from "../../src/scheduling/learned.ts";

const all = new Map(
  Array.from({ length: learnedKeysMax }, (_, key) => [
    `${key}`.padStart(16, "k"),
    { count: 999_999_999_999_999, mean: 999_999_999_999_999, p90: 999_999_999_999_999 },
  ]),
);

test("all that a pool can learn is one text, which its status takes, and is read back as it was", () => {
  const text = learnedText(all);
  expect(text).toHaveLength(1);
  expect(resourcePoolStatus.safeParse({ queue: { learned: [...text] } }).success).toBe(true);
  expect([...parseLearned(text)]).toEqual([...all]);
  expect(learnedText(new Map())).toEqual([]);
});

test("what an operator before wrote, a text for each line, is read as well, and what is no line of ours is left out", () => {
  const history = { count: 4, mean: 1000, p90: 1200 };
  expect([...parseLearned(["a 4 1000 1200", "b 4 1000 1200\nnonsense\nc 4 1000 1200", "", 7])]).toEqual([
    ["a", history],
    ["b", history],
    ["c", history],
  ]);
  expect(parseLearned("a 4 1000 1200").size).toBe(0);
});
