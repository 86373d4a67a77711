import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Bitset } from "../../src/api/bitset.ts";
import { formatRanges, rangesOf } from "../../src/api/ranges.ts";

describe("a set of numbers, one bit each", () => {
  test("it counts what is in it, each number once", () => {
    const set = new Bitset(100);
    expect([set.add(31), set.add(32), set.add(31)]).toEqual([true, true, false]);
    expect([set.delete(32), set.delete(32)]).toEqual([true, false]);
    expect(set.count).toBe(1);
  });

  test("a number outside is refused, and is in no set", () => {
    const set = new Bitset(10);
    expect(() => set.add(10)).toThrow("10 is not below");
    expect(() => set.add(-1)).toThrow(RangeError);
    expect([set.has(10), set.has(-1)]).toEqual([false, false]);
  });

  test("it agrees with a plain set, whatever is done with it", () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(129)), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (all) => {
        const set = new Bitset(130);
        const plain = new Set<number>();
        for (const [add, number] of all) {
          if (add) {
            set.add(number);
            plain.add(number);
          } else {
            set.delete(number);
            plain.delete(number);
          }
        }
        const inside = [...plain].toSorted((a, b) => a - b);
        const outside = Array.from({ length: 130 }, (_, index) => index).filter((index) => !plain.has(index));
        expect(set.count).toBe(plain.size);
        expect(formatRanges(set.ranges())).toBe(formatRanges(rangesOf(inside)));
        expect(formatRanges(set.gaps())).toBe(formatRanges(rangesOf(outside)));
        expect(set.countIn({ start: 20, end: 70 })).toBe(inside.filter((number) => number >= 20 && number < 70).length);
      }),
    );
  });

  test("gaps are looked for within bounds only", () => {
    const set = new Bitset(100);
    set.addRange({ start: 10, end: 20 });
    expect([...set.gaps({ start: 5, end: 25 })]).toEqual([
      { start: 5, end: 10 },
      { start: 20, end: 25 },
    ]);
    expect([...set.gaps({ start: 12, end: 18 })]).toEqual([]);
  });

  test("an emptied set is as new", () => {
    const set = new Bitset(40);
    set.addRange({ start: 0, end: 40 });
    set.clear();
    expect([set.count, formatRanges(set.gaps())]).toEqual([0, "0-39"]);
  });
});
