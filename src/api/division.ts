// How a task's items are divided into shards: in chunks of one size, or cut one after the other. A cut never changes,
// but that a shard may give back what it could not run. Knows neither why a cut is as large as it is, nor Pods.
import { type ChunkSize, itemsOfShard, shardCount } from "./chunks.ts";
import { joinRanges, type Range, subtractRanges } from "./ranges.ts";

export interface Division {
  /** Shards that there are so far, numbered from 0. */
  readonly shards: number;
  rangesOf(shard: number): readonly Range[];
  /** Items that no shard has, ascending. */
  readonly uncut: readonly Range[];
  /** Makes the next shard; false where it is not the next, or the items are not all free: then nothing changes. */
  cut(shard: number, items: readonly Range[]): boolean;
  /** Takes items from a shard, to be cut again; false where it does not have them all, or chunks are of one size. */
  giveBack(shard: number, items: readonly Range[]): boolean;
}

export function divisionOf(items: number, size: ChunkSize): Division {
  return size === "Auto" ? new CutDivision(items) : new FixedDivision(items, size);
}

class FixedDivision implements Division {
  readonly shards: number;
  readonly uncut: readonly Range[] = [];
  readonly #items: number;
  readonly #size: number;

  constructor(items: number, size: number) {
    this.#items = items;
    this.#size = size;
    this.shards = shardCount(items, size);
  }

  rangesOf(shard: number): readonly Range[] {
    return [itemsOfShard(shard, this.#size, this.#items)];
  }

  cut(): boolean {
    return false;
  }

  giveBack(): boolean {
    return false;
  }
}

/** Most cuts are one range: two numbers a shard, and a list only for what is in pieces. */
class CutDivision implements Division {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #pieces = new Map<number, readonly Range[]>();
  #uncut: readonly Range[];

  constructor(items: number) {
    this.#uncut = items > 0 ? [{ start: 0, end: items }] : [];
  }

  get shards(): number {
    return this.#starts.length;
  }

  get uncut(): readonly Range[] {
    return this.#uncut;
  }

  rangesOf(shard: number): readonly Range[] {
    const pieces = this.#pieces.get(shard);
    if (pieces !== undefined) return pieces;
    const [start = 0, end = 0] = [this.#starts[shard], this.#ends[shard]];
    return end > start ? [{ start, end }] : [];
  }

  cut(shard: number, items: readonly Range[]): boolean {
    const left = items.length > 0 && shard === this.shards ? subtractRanges(this.#uncut, items) : undefined;
    if (left === undefined) return false;
    this.#uncut = left;
    this.#set(shard, items);
    return true;
  }

  giveBack(shard: number, items: readonly Range[]): boolean {
    const left = shard < this.shards ? subtractRanges(this.rangesOf(shard), items) : undefined;
    if (left === undefined) return false;
    this.#uncut = joinRanges(this.#uncut, items);
    this.#set(shard, left);
    return true;
  }

  #set(shard: number, ranges: readonly Range[]): void {
    const [first = { start: 0, end: 0 }, another] = ranges;
    this.#starts[shard] = first.start;
    this.#ends[shard] = first.end;
    if (another === undefined) this.#pieces.delete(shard);
    else this.#pieces.set(shard, ranges);
  }
}
