// Which items each shard has, in chunks of one size and where they are cut as needed.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fillChunk } from "../../src/api/chunks.ts";
import { divisionOf } from "../../src/api/division.ts";
import { type Items, itemsOf } from "../../src/api/items.ts";
import { countOf, formatRanges, parseRanges, type Range, splitRanges } from "../../src/api/ranges.ts";

const ranges = (text: string): readonly Range[] => parseRanges(text)?.ranges ?? [];

describe("a division", () => {
  test("into chunks of one size is there from the beginning, and stays", () => {
    const division = divisionOf(10, 4);
    expect([division.shards, formatRanges(division.rangesOf(2))]).toEqual([3, "8-9"]);
    expect([division.cut(3, ranges("0-1")), division.giveBack(0, ranges("3"))]).toEqual([false, false]);
    expect(division.uncut).toEqual([]);
  });

  test("that is cut as needed has the shards that were cut", () => {
    const division = divisionOf(10, "Auto");
    expect(division.cut(0, ranges("0"))).toBe(true);
    expect(division.cut(1, ranges("1-4"))).toBe(true);
    expect([division.shards, formatRanges(division.rangesOf(1)), formatRanges(division.uncut)]).toEqual([
      2,
      "1-4",
      "5-9",
    ]);
  });

  test("what a shard gives back is another's to have, in pieces too", () => {
    const division = divisionOf(10, "Auto");
    division.cut(0, ranges("0-5"));
    expect(division.giveBack(0, ranges("2,4-5"))).toBe(true);
    expect([formatRanges(division.rangesOf(0)), formatRanges(division.uncut)]).toEqual(["0-1,3", "2,4-9"]);
    expect(division.cut(1, ranges("2,4"))).toBe(true);
    expect([formatRanges(division.rangesOf(1)), formatRanges(division.uncut)]).toEqual(["2,4", "5-9"]);
  });

  test.each([
    [0, "0-1"],
    [2, "5-6"],
    [1, "3-5"],
    [1, "8-10"],
    [1, ""],
  ])("shard %i cannot get the items %s: it is not the next, or they are not free", (shard, items) => {
    const division = divisionOf(10, "Auto");
    division.cut(0, ranges("0-4"));
    expect(division.cut(shard, ranges(items))).toBe(false);
    expect([division.shards, formatRanges(division.uncut)]).toEqual([1, "5-9"]);
  });

  test("every item is in one shard or free, whatever is cut and given back", () => {
    const step = fc.record({ take: fc.integer({ min: 1, max: 9 }), back: fc.nat(9), from: fc.nat(30) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.array(step, { maxLength: 40 }), (items, steps) => {
        const division = divisionOf(items, "Auto");
        for (const { take, back, from } of steps) {
          division.cut(division.shards, splitRanges(division.uncut, take).first);
          const shard = from % Math.max(1, division.shards);
          const { others } = splitRanges(
            division.rangesOf(shard),
            Math.max(1, countOf(division.rangesOf(shard)) - back),
          );
          division.giveBack(shard, others);
        }
        const owners = new Array<number>(items).fill(0);
        const all = [
          ...Array.from({ length: division.shards }, (_, shard) => division.rangesOf(shard)),
          division.uncut,
        ];
        for (const { start, end } of all.flat())
          for (let item = start; item < end; item += 1) owners[item] = (owners[item] ?? 0) + 1;
        expect(owners.every((count) => count === 1)).toBe(true);
        // A shard keeps an item, so numbers never run out.
        expect(division.shards).toBeLessThanOrEqual(items);
        expect(parseRanges(formatRanges(division.uncut))).toBeDefined();
      }),
    );
  });

  test("of a million items costs two numbers a shard, and no time", () => {
    const division = divisionOf(1_000_000, "Auto");
    const before = performance.now();
    for (let shard = 0; shard < 100_000; shard += 1) division.cut(shard, [{ start: shard * 10, end: shard * 10 + 10 }]);
    expect(division.shards).toBe(100_000);
    expect(division.uncut).toEqual([]);
    expect(performance.now() - before).toBeLessThan(2000);
  });
});

describe("filling a chunk", () => {
  const texts = (list: readonly string[]): Items => itemsOf({ list: [...list] }, () => undefined) as Items;

  test("takes the first free items, over gaps", () => {
    expect(formatRanges(fillChunk(ranges("2-3,7-9"), texts(Array(10).fill("x")), 4))).toBe("2-3,7-8");
  });

  test("ends before 200 kB, and takes at least one item", () => {
    const large = itemsOf({ configMapRefs: [{ name: "a", key: "k" }] }, () =>
      `${"x".repeat(32_768)}\n`.repeat(20),
    ) as Items;
    expect(formatRanges(fillChunk(ranges("0-19"), large, 20))).toBe("0-5");
    expect(formatRanges(fillChunk(ranges("3,9-19"), large, 20))).toBe("3,9-13");
  });
});
