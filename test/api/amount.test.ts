import { describe, expect, test } from "vitest";
import { amountOf, amountsOf, bytesOf, cappedSum } from "../../src/api/amount.ts";
import { quantity } from "../../src/api/quantity.ts";

describe("amounts", () => {
  test.each([
    ["cpu", "500m", 500],
    ["cpu", 2, 2000],
    ["cpu", "0.1", 100],
    ["memory", "1Gi", 2 ** 30],
    ["memory", "1500m", 2],
    ["nvidia.com/gpu", "4", 4],
  ])("%s %s is %i", (resource, text, amount) => {
    expect(amountOf(resource, text)).toBe(amount);
  });

  test("none are given by nothing", () => {
    expect(amountsOf(undefined)).toEqual({});
  });

  test("bytes are counted in powers of 1024 or 1000, as written", () => {
    expect([bytesOf("16Mi"), bytesOf("16M"), bytesOf(5)]).toEqual([16 * 2 ** 20, 16_000_000, 5]);
  });

  test("many Pods together never leave the safe integers", () => {
    const sum = cappedSum(Array(1000).fill({ memory: 2 ** 45, cpu: 1 }));
    expect(sum).toEqual({ memory: 2 ** 52, cpu: 1000 });
  });
});

describe("what a user may write as an amount", () => {
  test.each(["1", "500m", "1.5Gi", ".5", "1e3", "0", "+1", 7])("%j is one", (text) => {
    expect(quantity.safeParse(text).success).toBe(true);
  });

  test.each(["-1", "1 Gi", "1gi", "", "abc", "1e99999", "--1", -1, 1.5, null])("%j is none", (text) => {
    expect(quantity.safeParse(text).success).toBe(false);
  });
});
