import { expect, test } from "vitest";
import { attemptName, childName, recordsName } from "../../src/api/labels.ts";

const task = { metadata: { name: "squares", uid: "be515fea-9979-436a-ad40-3a2d30c1f2db" } };

test("children carry the task's name and six characters of its uid", () => {
  expect(childName(task)).toBe("squares-be515f");
  expect(recordsName(childName(task), 0)).toBe("squares-be515f-results-0");
  expect(attemptName(childName(task), 17, 2)).toBe("squares-be515f-17-2");
});

test("the longest name of a task leaves room for every shard and attempt within a label value", () => {
  const longest = childName({ metadata: { ...task.metadata, name: "x".repeat(40) } });
  expect(attemptName(longest, 99_999, 1_000_000)).toHaveLength(61);
});

test("a name that would not fit is a mistake of the caller", () => {
  expect(() => attemptName("x".repeat(60), 1, 1)).toThrow("over 63");
});
