import { expect, test } from "vitest";
import { indexesOf, indexesText } from "../../src/engine/item-indexes.ts";

test("indexes are written as ranges and read back as they were", () => {
  const indexes = [0, 4, 5, 6, 99];
  expect(indexesText(indexes.map((index) => ({ index })))).toBe("0,4-6,99");
  expect(indexesOf("0,4-6,99")).toEqual(indexes);
});

test("text that somebody edited is no set of indexes, nor one that would fill the memory", () => {
  for (const text of ["a", "5-4", "1,…", "0-999999999999"]) expect(indexesOf(text)).toBeUndefined();
});
