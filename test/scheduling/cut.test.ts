// How large the next chunk gets: guided self-scheduling.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CutRule, chunkItems, chunksLeft, placesOn, probesAfter } from "../../src/scheduling/cut.ts";
import { amounts, aNode, seconds } from "../support/scheduling.ts";

const rule: CutRule = { places: 4, itemMs: seconds(1), startMs: seconds(1), resultsMax: 1000, shardsLeft: 100_000 };

/** The sizes of all chunks, were nothing learned meanwhile. */
function sizes(left: number, traits: Partial<CutRule> = {}): readonly number[] {
  const all: number[] = [];
  let { shardsLeft } = { ...rule, ...traits };
  for (let rest = left; rest > 0; ) {
    const size = chunkItems(rest, { ...rule, ...traits, shardsLeft });
    all.push(size);
    rest -= size;
    shardsLeft -= 1;
  }
  return all;
}

describe("the size of the next chunk", () => {
  test("is one item, until one has ended", () => {
    const { itemMs: _, ...unknown } = rule;
    expect(chunkItems(1000, unknown)).toBe(1);
  });

  test("lasts half a minute where items are many and starts are short", () => {
    expect(chunkItems(10_000, rule)).toBe(30);
    expect(chunkItems(10_000, { ...rule, itemMs: 50 })).toBe(600);
  });

  test("lasts ten times what a start takes where that is more", () => {
    expect(chunkItems(100_000, { ...rule, startMs: seconds(20) })).toBe(200);
  });

  test("leaves two chunks for each place, so that the places run out of work together", () => {
    expect(chunkItems(80, rule)).toBe(10);
    expect(chunkItems(81, rule)).toBe(11);
    expect(sizes(80)).toEqual([10, 9, 8, 7, 6, 5, 5, 4, 4, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1]);
  });

  test("is worth its start, though that leaves less for the other places", () => {
    expect(chunkItems(16, { ...rule, startMs: seconds(5) })).toBe(5);
    expect(sizes(16, { startMs: seconds(5) })).toEqual([5, 5, 5, 1]);
  });

  test("is no smaller than pays where a cluster starts 20 Pods a second, however many places there are", () => {
    // 2,000 s of work: 200 chunks of 10 s are started in 10 s, and have ended after 20.
    const many = { ...rule, places: 3200, itemMs: 20, startMs: 0 };
    expect(chunkItems(100_000, many)).toBe(500);
    expect(chunkItems(1000, many)).toBe(50);
    expect(chunkItems(100_000, { ...many, itemMs: seconds(1) })).toBe(30);
    expect(chunkItems(1000, { ...many, itemMs: seconds(100) })).toBe(1);
  });

  test("is one item where an item is longer than that", () => {
    expect(chunkItems(1000, { ...rule, itemMs: seconds(90) })).toBe(1);
    expect(chunkItems(1000, { ...rule, itemMs: seconds(29), startMs: seconds(2) })).toBe(1);
  });

  test("holds no more items than a container can tell of", () => {
    expect(chunkItems(10_000, { ...rule, itemMs: 10, resultsMax: 7 })).toBe(7);
    expect(chunkItems(10_000, { ...rule, startMs: seconds(600), resultsMax: 7 })).toBe(7);
  });

  test("of items that take no time at all rests on the places and on the results", () => {
    expect(chunkItems(1000, { ...rule, itemMs: 0 })).toBe(125);
  });

  test("grows where a task would else have more shards than there are numbers", () => {
    const { itemMs: _, ...unknown } = rule;
    expect(chunkItems(1_000_000, unknown)).toBe(10);
    expect(sizes(1_000_000, { itemMs: seconds(90), places: 1000 }).length).toBeLessThanOrEqual(100_000);
  });

  test("is never nothing and never more than what is left, whatever is known", () => {
    const amount = (max: number): fc.Arbitrary<number> => fc.double({ min: 0, max, noNaN: true });
    const anyRule = fc.record(
      {
        places: fc.integer({ min: 1, max: 100_000 }),
        itemMs: amount(1e9),
        startMs: amount(1e7),
        resultsMax: fc.integer({ min: 1, max: 4096 }),
        shardsLeft: fc.integer({ min: -5, max: 100_000 }),
      },
      { requiredKeys: ["places", "startMs", "resultsMax", "shardsLeft"] },
    );
    fc.assert(
      fc.property(anyRule, fc.integer({ min: 1, max: 1_000_000 }), (traits, left) => {
        const size = chunkItems(left, traits as CutRule);
        expect(Number.isInteger(size) && size >= 1 && size <= left).toBe(true);
        expect(chunksLeft(left, traits as CutRule)).toBe(Math.ceil(left / size));
      }),
      { numRuns: 1000 },
    );
    expect([chunkItems(0, rule), chunksLeft(0, rule)]).toEqual([0, 0]);
  });
});

test("while nothing is known of an item 32 shards are cut, then as many again as have begun", () => {
  const all = [0];
  for (let times = 0; times < 8; times++) all.push((all.at(-1) ?? 0) + probesAfter(all.at(-1) ?? 0, 0));
  expect(all).toEqual([0, 32, 64, 128, 256, 512, 1024, 2048, 4096]);
});

test("shards that are being started count against those that may be cut", () => {
  expect(probesAfter(0, 32)).toBe(0);
  expect(probesAfter(20, 12)).toBe(20);
  expect(probesAfter(64, 80)).toBe(0);
});

test("places are counted on nodes that may take shards, by whichever resource runs out first", () => {
  const nodes = [
    aNode("a", { cpu: 4, memory: 4 }),
    aNode("b", { cpu: 4, memory: 1 }),
    aNode("c", { cpu: 4, memory: 4 }, { cordoned: true }),
    aNode("d", { cpu: 4, memory: 4 }, { ready: false }),
  ];
  expect(placesOn(nodes, amounts({ cpu: 1, memory: 0.5, pods: 1 }))).toBe(6);
  expect(placesOn(nodes, amounts({ gpu: 1 }))).toBe(0);
});
