import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countOf, formatRanges, parseRanges, rangesOf } from "../../src/api/ranges.ts";

const numbers = fc.uniqueArray(fc.nat(300), { maxLength: 150 }).map((all) => all.toSorted((a, b) => a - b));

describe("ranges as text", () => {
  test("ends are included, neighbours are joined, single numbers stand alone", () => {
    expect(formatRanges(rangesOf([0, 1, 2, 5, 7, 8]))).toBe("0-2,5,7-8");
  });

  test("no numbers are no text, and back", () => {
    expect(formatRanges([])).toBe("");
    expect(parseRanges("")).toEqual({ ranges: [], complete: true });
  });

  test("empty ranges leave no trace", () => {
    expect(
      formatRanges([
        { start: 4, end: 4 },
        { start: 6, end: 7 },
      ]),
    ).toBe("6");
  });

  test("what is cut off is said, and read back as incomplete", () => {
    const text = formatRanges(rangesOf([0, 2, 4, 6]), 2);
    expect(text).toBe("0,2,…");
    expect(parseRanges(text)).toEqual({
      ranges: [
        { start: 0, end: 1 },
        { start: 2, end: 3 },
      ],
      complete: false,
    });
  });

  test("as many ranges as allowed are not called cut", () => {
    expect(formatRanges(rangesOf([0, 2]), 2)).toBe("0,2");
  });

  test("what is read back is what was written", () => {
    fc.assert(
      fc.property(numbers, (all) => {
        const ranges = [...rangesOf(all)];
        expect(parseRanges(formatRanges(ranges))).toEqual({ ranges, complete: true });
        expect(countOf(ranges)).toBe(all.length);
      }),
    );
  });

  test.each(["1-", "-1", "a", "3-2", "2-2", "5,4", "0-4,4", "0-4,5", "1,,2", "01", "1.5", " 1", "…,1", "9".repeat(17)])(
    "%j is not read",
    (text) => {
      expect(parseRanges(text)).toBeUndefined();
    },
  );

  test("numbers out of order are a mistake of the caller", () => {
    expect(() => [...rangesOf([2, 1])]).toThrow("not ascending");
  });
});
