// A binary heap whose members know their place, so that one that is inside can move or leave.

export class Heap<T extends object> {
  readonly #items: T[] = [];
  readonly #places = new Map<T, number>();
  readonly #comesFirst: (a: T, b: T) => boolean;

  constructor(comesFirst: (a: T, b: T) => boolean) {
    this.#comesFirst = comesFirst;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#place(this.#items.length, item);
    this.#rise(this.#items.length - 1);
  }

  pop(): T | undefined {
    const first = this.#items[0];
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Does nothing when it is not inside. */
  remove(item: T): void {
    const place = this.#places.get(item);
    const last = this.#items.at(-1);
    if (place === undefined || last === undefined) return;
    this.#items.pop();
    this.#places.delete(item);
    if (last === item) return;
    this.#place(place, last);
    this.#sink(place);
    this.#rise(place);
  }

  #rise(from: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!this.#swapIfMisplaced(above, place)) return;
      place = above;
    }
  }

  #sink(from: number): void {
    let place = from;
    for (;;) {
      const [left, right] = [this.#items[2 * place + 1], this.#items[2 * place + 2]];
      if (left === undefined) return;
      const below = right !== undefined && this.#comesFirst(right, left) ? 2 * place + 2 : 2 * place + 1;
      if (!this.#swapIfMisplaced(place, below)) return;
      place = below;
    }
  }

  #swapIfMisplaced(above: number, below: number): boolean {
    const [upper, lower] = [this.#items[above], this.#items[below]];
    if (upper === undefined || lower === undefined || !this.#comesFirst(lower, upper)) return false;
    this.#place(above, lower);
    this.#place(below, upper);
    return true;
  }

  #place(place: number, item: T): void {
    this.#items[place] = item;
    this.#places.set(item, place);
  }
}
