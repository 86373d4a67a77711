import { expect, test } from "vitest";
import { itemsOf } from "../../src/api/items.ts";
import { checkItems, cutIntoTexts, fitInTask, linesOf } from "../../src/cli/items.ts";

test("lines are read as the operator reads them in a ConfigMap", () => {
  for (const text of ["", "a", "a\n", "a\nb", "a\n\nb\n\n", "a\r\nb\r\n", "\n", " a \n"]) {
    const items = itemsOf({ configMapRefs: [{ name: "n", key: "k" }] }, () => text);
    if ("reason" in items) throw new Error(items.message);
    const read = Array.from({ length: items.count }, (_, index) => items.at(index));
    expect(linesOf(text)).toEqual(read);
  }
});

test("texts are cut between items, by bytes, and hold every item once", () => {
  const items = ["aa", "öö", "", "cccc"];
  expect(cutIntoTexts(items, 6)).toEqual(["aa\n", "öö\n\n", "cccc\n"]);
  expect(cutIntoTexts(items, 6).join("")).toBe("aa\nöö\n\ncccc\n");
});

test("more bytes than a task's ConfigMaps take are refused", () => {
  const items = Array.from({ length: 101 }, () => "abc");
  expect(() => cutIntoTexts(items, 4)).toThrow("over the limit of 400 bytes together");
});

test("what a task can hold itself is what its schema takes", () => {
  expect(fitInTask(Array.from({ length: 10_000 }, () => "x"))).toBe(true);
  expect(fitInTask(Array.from({ length: 10_001 }, () => "x"))).toBe(false);
  expect(fitInTask(Array.from({ length: 9000 }, () => "x".repeat(23)))).toBe(false);
});

test.each([
  [["ok", "a\rb"], 1, "item 1 has a line break in it"],
  [["a\0b"], 1, "item 0 has a NUL character in it"],
  [["x".repeat(32_769)], 1, "item 0 is 32769 bytes long, over the limit of 32768"],
  [Array.from({ length: 100_001 }, () => "x"), 1, "are over the limit of 100000 shards; set --chunk 2 or more"],
  [Array.from({ length: 1_000_001 }, () => "x"), 50, "1000001 items, over the limit of 1000000"],
])("items that no task takes are refused before anything is created", (items, chunkSize, message) => {
  expect(() => checkItems(items, chunkSize)).toThrow(message);
});
