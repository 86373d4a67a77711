// A binary heap: the first by a given comparison, at log n a change. Does not know what it holds.

export class Heap<T> {
  private readonly items: T[] = [];
  private readonly isBefore: (a: T, b: T) => boolean;

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.isBefore = isBefore;
  }

  get size(): number {
    return this.items.length;
  }

  peek(): T | undefined {
    return this.items[0];
  }

  push(item: T): void {
    let at = this.items.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.items[parent];
      if (above === undefined || !this.isBefore(item, above)) break;
      this.items[at] = above;
      at = parent;
    }
    this.items[at] = item;
  }

  pop(): T | undefined {
    const first = this.items[0];
    const last = this.items.pop();
    if (last !== undefined && this.items.length > 0) this.sinkFromTop(last);
    return first;
  }

  clear(): void {
    this.items.length = 0;
  }

  private sinkFromTop(item: T): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let first = this.items[child];
      if (first === undefined) break;
      const right = this.items[child + 1];
      if (right !== undefined && this.isBefore(right, first)) {
        first = right;
        child += 1;
      }
      if (!this.isBefore(first, item)) break;
      this.items[at] = first;
      at = child;
    }
    this.items[at] = item;
  }
}
