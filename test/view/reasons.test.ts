import { expect, test } from "vitest";
import { stallReasons, waitReasons } from "../../src/scheduling/decision.ts";
import { whatHelps, whatHelpsAgainst } from "../../src/view/reasons.ts";

test("every reason has a sentence on what helps, and no sentence is without its reason", () => {
  expect(Object.keys(whatHelps).sort()).toEqual([...waitReasons, ...stallReasons].sort());
});

test("each is short and ends as a sentence", () => {
  for (const sentence of Object.values(whatHelps)) {
    expect(sentence).toMatch(/^[A-Z].*\.$/);
    expect(sentence.length).toBeLessThanOrEqual(140);
  }
});

test("a word that is no reason has none, not even one that every object has", () => {
  expect(whatHelpsAgainst("PoolFull")).toContain("Wait");
  expect(whatHelpsAgainst("constructor")).toBeUndefined();
});
