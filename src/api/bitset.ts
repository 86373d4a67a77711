// A set of whole numbers below a fixed size, one bit each: a million items are 125 kB. Counting is O(1).
import type { Range } from "./ranges.ts";

export class Bitset {
  readonly size: number;
  readonly #words: Uint32Array;
  #count = 0;

  constructor(size: number) {
    if (!Number.isInteger(size) || size < 0 || size > 2 ** 31) throw new RangeError(`size of a bitset: ${size}`);
    this.size = size;
    this.#words = new Uint32Array(Math.ceil(size / 32));
  }

  /** How many numbers are in the set. */
  get count(): number {
    return this.#count;
  }

  has(index: number): boolean {
    return index >= 0 && index < this.size && ((this.#word(index) >>> (index & 31)) & 1) === 1;
  }

  /** True if the number was not there before. */
  add(index: number): boolean {
    this.#check(index);
    if (this.has(index)) return false;
    this.#words[index >>> 5] = this.#word(index) | (1 << (index & 31));
    this.#count += 1;
    return true;
  }

  /** True if the number was there. */
  delete(index: number): boolean {
    this.#check(index);
    if (!this.has(index)) return false;
    this.#words[index >>> 5] = this.#word(index) & ~(1 << (index & 31));
    this.#count -= 1;
    return true;
  }

  addRange({ start, end }: Range): void {
    for (let index = start; index < end; index += 1) this.add(index);
  }

  clear(): void {
    this.#words.fill(0);
    this.#count = 0;
  }

  /** How many numbers of a range are in the set. */
  countIn({ start, end }: Range): number {
    let count = 0;
    for (let index = start; index < end; index += 1) if (this.has(index)) count += 1;
    return count;
  }

  /** The ranges of numbers that are in the set, ascending. */
  ranges(): Generator<Range> {
    return this.#runs(true, { start: 0, end: this.size });
  }

  /** The ranges of numbers within bounds that are not in the set, ascending. */
  gaps(within: Range = { start: 0, end: this.size }): Generator<Range> {
    return this.#runs(false, within);
  }

  *#runs(wanted: boolean, within: Range): Generator<Range> {
    const limit = Math.min(within.end, this.size);
    let index = within.start;
    while (index < limit) {
      const start = this.#next(wanted, index, limit);
      if (start >= limit) return;
      const end = this.#next(!wanted, start, limit);
      yield { start, end };
      index = end;
    }
  }

  /** The first index from `from` whose bit is as wanted, else `limit`. Steps over whole words that cannot hold one. */
  #next(wanted: boolean, from: number, limit: number): number {
    const skip = wanted ? 0 : 0xffff_ffff;
    let index = from;
    while (index < limit) {
      if ((index & 31) === 0 && this.#word(index) === skip) index += 32;
      else if (this.has(index) === wanted) return index;
      else index += 1;
    }
    return limit;
  }

  #word(index: number): number {
    return this.#words[index >>> 5] ?? 0;
  }

  #check(index: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.size) {
      throw new RangeError(`${index} is not below the bitset's size ${this.size}`);
    }
  }
}
