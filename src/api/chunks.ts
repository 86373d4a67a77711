// Which items a shard has when all chunks are of one size: shard s holds the items from s × size on. And whether a task
// may be cut so; what a chunk may hold at most. Knows nothing of Pods.
import { Buffer } from "node:buffer";
import type { Items } from "./items.ts";
import type { Problem } from "./problem.ts";
import { type Range, splitRanges } from "./ranges.ts";

/** Auto: cut as they are needed, by what was learned of an item's time. */
export type ChunkSize = number | "Auto";

export const shardCountMax = 100_000;
/** Shards that can be made to start together: as many starts as are written down at once. */
export const gangMax = 1000;
/** An annotation set is at most 256 KiB, and a chunk travels in one. */
export const chunkBytesMax = 200_000;

export function shardCount(items: number, size: number): number {
  return Math.ceil(items / size);
}

/** The items of a shard, `end` excluded; the last shard may have fewer than the others. */
export function itemsOfShard(shard: number, size: number, items: number): Range {
  return { start: Math.min(shard * size, items), end: Math.min((shard + 1) * size, items) };
}

export function shardOfItem(item: number, size: number): number {
  return Math.floor(item / size);
}

/** Why so many shards cannot start together. */
export function gangProblem(shards: number, minParallelism: number | string | undefined): Problem | undefined {
  if (minParallelism !== "All" || shards <= gangMax) return undefined;
  return {
    reason: "TaskInvalid",
    field: "spec.minParallelism",
    message: `All would start ${shards} shards together, over the limit of ${gangMax}; give a number, or make fewer shards with a larger chunk.size`,
  };
}

/** Why these items cannot be cut into chunks of this size. */
export function chunkProblem(items: Items, size: ChunkSize): Problem | undefined {
  if (size === "Auto") return undefined;
  const shards = shardCount(items.count, size);
  if (shards > shardCountMax) {
    const least = Math.ceil(items.count / shardCountMax);
    return {
      reason: "ItemsInvalid",
      field: "spec.chunk.size",
      message: `${items.count} items in chunks of ${size} make ${shards} shards, over the limit of ${shardCountMax}; set it to ${least} or more`,
    };
  }
  if (size === 1 || (items.bytesMax + 1) * Math.min(size, items.count) <= chunkBytesMax) return undefined;
  for (let shard = 0; shard < shards; shard += 1) {
    const { start, end } = itemsOfShard(shard, size, items.count);
    let bytes = 0;
    for (let index = start; index < end; index += 1) bytes += Buffer.byteLength(items.at(index)) + 1;
    if (bytes > chunkBytesMax) {
      return {
        reason: "ItemsInvalid",
        field: "spec.chunk.size",
        message: `items ${start} to ${end - 1} of shard ${shard} are ${bytes} bytes together, over the limit of ${chunkBytesMax} bytes a chunk; set a smaller size, or shorten the items`,
      };
    }
  }
  return undefined;
}

/** The first of these items that one chunk may hold, so many at most. */
export function fillChunk(open: readonly Range[], items: Items, size: number): readonly Range[] {
  const { first } = splitRanges(open, size);
  if ((items.bytesMax + 1) * size <= chunkBytesMax) return first;
  let bytes = 0;
  let count = 0;
  for (const { start, end } of first) {
    for (let index = start; index < end; index += 1) {
      bytes += Buffer.byteLength(items.at(index)) + 1;
      if (bytes > chunkBytesMax && count > 0) return splitRanges(first, count).first;
      count += 1;
    }
  }
  return first;
}
