// What one plan may leave for the next so that it costs less. It holds nothing that the snapshot does not say: a plan
// with a memo is the plan without one. What is the same object again need not be read again.

/** So many different texts are known at once; with more, all are forgotten. */
const textsMax = 20_000;

export class Memo {
  private firsts = new WeakMap<object, object>();
  private readonly byText = new Map<string, object>();
  private readonly places = new Map<string, Map<string, number>>();

  /** Of all objects that say the same the first that came: what depends on what they say is found once for all. */
  firstLike<T extends object>(value: T): T {
    const known = this.firsts.get(value);
    if (known !== undefined) return known as T;
    if (this.byText.size > textsMax) {
      this.byText.clear();
      this.firsts = new WeakMap();
    }
    const text = JSON.stringify(value);
    const first = this.byText.get(text) ?? value;
    if (first === value) this.byText.set(text, value);
    this.firsts.set(value, first);
    return first as T;
  }

  /** As they stood last time in the line of that name, newcomers last: what is nearly in order is soon put in order. */
  asBefore<T>(line: string, items: readonly T[], idOf: (item: T) => string): T[] {
    const places = this.places.get(line);
    const known: (T | undefined)[] = new Array(places?.size ?? 0);
    const others: T[] = [];
    for (const item of items) {
      const place = places?.get(idOf(item));
      if (place === undefined || known[place] !== undefined) others.push(item);
      else known[place] = item;
    }
    const inOrder: T[] = [];
    for (const item of known) if (item !== undefined) inOrder.push(item);
    for (const item of others) inOrder.push(item);
    return inOrder;
  }

  /** How they stand now. Who is gone is forgotten once more are gone than there. */
  stand<T>(line: string, items: readonly T[], idOf: (item: T) => string): void {
    let places = this.places.get(line) ?? new Map<string, number>();
    if (places.size > 2 * items.length) places = new Map();
    for (const [place, item] of items.entries()) places.set(idOf(item), place);
    if (places.size === 0) this.places.delete(line);
    else this.places.set(line, places);
  }
}
