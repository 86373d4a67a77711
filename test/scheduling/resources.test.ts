// Amounts: their arithmetic is exact or loud, and a person reads them without surprise.
import fc from "fast-check";
import { expect, test } from "vitest";
import { amountText, covers, dominantShare, minus, plus, requestText, times } from "../../src/scheduling/index.ts";

const amounts = fc.dictionary(fc.constantFrom("cpu", "memory", "pods"), fc.integer({ min: -1e6, max: 1e6 }));

test("what is added can be taken away", () => {
  fc.assert(
    fc.property(amounts, amounts, (a, b) => {
      const back = minus(plus(a, b), b);
      for (const name of Object.keys({ ...a, ...b })) expect(back[name]).toBe(a[name] ?? 0);
      expect(times(a, 2)).toEqual(plus(a, a));
    }),
  );
});

test("a sum that a number cannot hold exactly is an error, not a wrong sum", () => {
  const most = { memory: Number.MAX_SAFE_INTEGER };
  expect(() => plus(most, { memory: 1 })).toThrow(RangeError);
  expect(() => times(most, 2)).toThrow("amount of memory is not a safe integer");
  expect(() => times({ cpu: 1 }, 0.5)).toThrow(RangeError);
});

test("a request is covered by what it names alone", () => {
  expect(covers({ cpu: 2 }, { cpu: 2 })).toBe(true);
  expect(covers({ cpu: 2 }, { cpu: 3 })).toBe(false);
  expect(covers({ cpu: 2 }, { cpu: 1, memory: 1 })).toBe(false);
  expect(covers({ cpu: 2, memory: -5 }, { cpu: 1, memory: 0 })).toBe(true);
});

test("the dominant share is the largest over the resources", () => {
  expect(dominantShare({ cpu: 3, memory: 4 }, { cpu: 9, memory: 18 })).toBe(3 / 9);
  expect(dominantShare({ cpu: 1, memory: 4 }, { cpu: 9, memory: 18 })).toBe(4 / 18);
  expect(dominantShare({}, { cpu: 9 })).toBe(0);
  expect(dominantShare({ gpu: 1 }, { cpu: 9 })).toBe(Number.POSITIVE_INFINITY);
});

test.each([
  ["cpu", 500, "500m"],
  ["cpu", 2000, "2"],
  ["cpu", 2500, "2500m"],
  ["memory", 1536 * 2 ** 20, "1.5Gi"],
  ["memory", 2 ** 30, "1Gi"],
  ["memory", 1000, "1000"],
  ["ephemeral-storage", 2 ** 40, "1Ti"],
  ["hugepages-2Mi", 2 ** 21, "2Mi"],
  ["nvidia.com/gpu", 4, "4"],
])("%s of %d reads %s", (resource, amount, text) => {
  expect(amountText(resource, amount)).toBe(text);
});

test("what is asked for and what is there never read the same when it is not enough", () => {
  expect(amountText("memory", 2 ** 30 + 1, "up")).toBe("1.01Gi");
  expect(amountText("memory", 2 ** 30 + 1, "down")).toBe("1Gi");
});

test("a request reads as a list, its pod left out", () => {
  expect(requestText({ pods: 1, memory: 2 ** 30, cpu: 500, "nvidia.com/gpu": 2 })).toBe(
    "500m cpu, 1Gi memory and 2 nvidia.com/gpu",
  );
  expect(requestText({ pods: 1, cpu: 1000, memory: 0 })).toBe("1 cpu");
  expect(requestText({ pods: 1 })).toBe("1 pod");
});
