import { expect, test } from "vitest";
import { type Condition, conditionOf, setCondition } from "../src/conditions.ts";

const ready = { type: "Ready", status: "False", reason: "Starting", message: "0 of 3", observedGeneration: 1 } as const;
const noon = Date.parse("2026-01-01T12:00:00.987Z");

function withReady(): readonly Condition[] {
  return setCondition([], ready, noon);
}

test("a new condition begins now, in whole seconds", () => {
  expect(withReady()).toEqual([{ ...ready, lastTransitionTime: "2026-01-01T12:00:00Z" }]);
});

test("the transition time moves with the status", () => {
  const [condition] = setCondition(withReady(), { ...ready, status: "True" }, noon + 60_000);
  expect(condition?.lastTransitionTime).toBe("2026-01-01T12:01:00Z");
});

test("the transition time stays when only the reason, the message or the generation changes", () => {
  const [condition] = setCondition(
    withReady(),
    { ...ready, reason: "Pulling", message: "1 of 3", observedGeneration: 2 },
    noon + 60_000,
  );
  expect(condition).toEqual({
    ...ready,
    reason: "Pulling",
    message: "1 of 3",
    observedGeneration: 2,
    lastTransitionTime: "2026-01-01T12:00:00Z",
  });
});

test("setting what is there already returns the very same array, so that nothing is written", () => {
  const before = withReady();
  expect(setCondition(before, ready, noon + 60_000)).toBe(before);
});

test("the others keep their place", () => {
  const conditions = setCondition(withReady(), { type: "Failed", status: "False", reason: "Fine", message: "" }, noon);
  const after = setCondition(conditions, { ...ready, status: "True" }, noon);
  expect(after.map(({ type, status }) => [type, status])).toEqual([
    ["Ready", "True"],
    ["Failed", "False"],
  ]);
  expect(conditionOf(after, "Failed")?.reason).toBe("Fine");
  expect(conditionOf(after, "Degraded")).toBeUndefined();
});
