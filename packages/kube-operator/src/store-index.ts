// One index of a store: which keys have which value, with counts in O(1). Knows keys and values, not objects.

const none: ReadonlySet<string> = new Set();

export class StoreIndex {
  // Most values of an owner or name index have a single key, and a Set for each would cost more than the object.
  readonly #keysByValue = new Map<string, string | Set<string>>();

  keys(value: string): Iterable<string> {
    const keys = this.#keysByValue.get(value);
    return typeof keys === "string" ? [keys] : (keys ?? none);
  }

  count(value: string): number {
    const keys = this.#keysByValue.get(value);
    return typeof keys === "string" ? 1 : (keys?.size ?? 0);
  }

  add(value: string, key: string): void {
    const keys = this.#keysByValue.get(value);
    if (keys === undefined) this.#keysByValue.set(value, key);
    else if (keys instanceof Set) keys.add(key);
    else if (keys !== key) this.#keysByValue.set(value, new Set([keys, key]));
  }

  remove(value: string, key: string): void {
    const keys = this.#keysByValue.get(value);
    if (keys instanceof Set) {
      keys.delete(key);
      if (keys.size === 0) this.#keysByValue.delete(value);
    } else if (keys === key) {
      this.#keysByValue.delete(value);
    }
  }
}
