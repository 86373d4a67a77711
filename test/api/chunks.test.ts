import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chunkProblem, itemsOfShard, shardCount, shardOfItem } from "../../src/api/chunks.ts";
import type { ItemSource } from "../../src/api/item-source.ts";
import { type Items, itemsOf } from "../../src/api/items.ts";

const itemsFrom = (source: ItemSource): Items => itemsOf(source, () => undefined) as Items;

describe("chunks of one size", () => {
  test("every item is in exactly one shard, and the shard of an item is found again", () => {
    fc.assert(
      fc.property(fc.nat(500), fc.integer({ min: 1, max: 60 }), (items, size) => {
        let next = 0;
        for (let shard = 0; shard < shardCount(items, size); shard += 1) {
          const { start, end } = itemsOfShard(shard, size, items);
          expect(start).toBe(next);
          expect(end - start).toBeGreaterThan(0);
          for (let item = start; item < end; item += 1) expect(shardOfItem(item, size)).toBe(shard);
          next = end;
        }
        expect(next).toBe(items);
      }),
    );
  });

  test("no items are no shards", () => {
    expect(shardCount(0, 10)).toBe(0);
  });

  test("too many shards are refused with the size that would do", () => {
    const million = itemsFrom({ range: { start: 0, end: 1_000_000, step: 1 } });
    expect(chunkProblem(million, 9)?.message).toBe(
      "1000000 items in chunks of 9 make 111112 shards, over the limit of 100000; set it to 10 or more",
    );
    expect(chunkProblem(million, 10)).toBeUndefined();
  });

  test("a chunk over 200 kB is refused with its items; one of exactly that much is not", () => {
    // Each item takes 20,000 bytes with its line end.
    const list = Array<string>(10).fill("x".repeat(19_999));
    expect(chunkProblem(itemsFrom({ list }), 10)).toBeUndefined();
    const texts = { a: [...list, "y", "z"].join("\n") };
    const lines = itemsOf({ configMapRefs: [{ name: "a", key: "k" }] }, ({ name }) => texts[name as "a"]) as Items;
    expect(chunkProblem(lines, 10)).toBeUndefined();
    expect(chunkProblem(lines, 11)).toMatchObject({ reason: "ItemsInvalid", field: "spec.chunk.size" });
    expect(chunkProblem(lines, 11)?.message).toContain("items 0 to 10 of shard 0 are 200002 bytes together");
  });

  test("single items need no such limit", () => {
    expect(chunkProblem(itemsFrom({ list: ["x".repeat(32_768)] }), 1)).toBeUndefined();
  });
});
