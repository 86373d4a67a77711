import { expect, test } from "vitest";
import { reductionOf } from "../../src/controller/reduce.ts";

function reduced(name: string, results: readonly string[]): string | undefined {
  const reduction = reductionOf(name);
  for (const [item, result] of results.entries()) reduction?.accept(item, result);
  return reduction?.value();
}

test.each([
  ["Sum", ["1", "2", "3"], "6"],
  ["Sum", ["0.1", "0.2"], "0.3"],
  ["Sum", ["9007199254740993", "1"], "9007199254740994"],
  ["Sum", ["-1.50", "+0.5"], "-1"],
  ["Sum", ["1e3", "2.5e-1"], "1000.25"],
  ["Sum", [" 4 "], "4"],
  ["Min", ["10", "9", "-2.5"], "-2.5"],
  ["Max", ["10", "9", "1e2"], "100"],
  ["Count", ["a", "", "b"], "3"],
  ["Concat", ["a", "b"], "a\nb"],
])("%s of %j is %j", (name, results, value) => {
  expect(reduced(name, results)).toBe(value);
});

test("without results there is no value, but none is a count as well", () => {
  expect(["Sum", "Min", "Max", "Concat"].map((name) => reduced(name, []))).toEqual(Array(4).fill(undefined));
  expect(reduced("Count", [])).toBe("0");
  expect(reductionOf("None")).toBeUndefined();
});

test("what is no number is left out and told, the first by its item", () => {
  const sum = reductionOf("Sum");
  sum?.accept(9, "nine");
  sum?.accept(4, "four");
  sum?.accept(5, "5");
  expect(sum?.value()).toBe("5");
  expect(sum?.refused).toEqual({ count: 2, item: 4, text: "four" });
});

test("numbers without end in their exponent are no numbers", () => {
  expect(reduced("Sum", ["1e999999999", "Infinity", "NaN", "0x10"])).toBeUndefined();
});

test("a concatenation is in the order of the items, whatever order they came in, and is cut with a mark", () => {
  const concat = reductionOf("Concat");
  concat?.accept(1, "b");
  concat?.accept(0, "a");
  expect(concat?.value()).toBe("a\nb");
  concat?.accept(2, "x".repeat(5000));
  expect(concat?.value()).toBe("a\nb…");
});
