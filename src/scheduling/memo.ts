// What one plan may leave for the next so that it costs less. It holds nothing that the snapshot does not say: a plan
// with a memo is the plan without one. What is the same object again need not be read again.

/** So many different texts are known at once; with more, all are forgotten. */
const textsMax = 20_000;

export class Memo {
  private firsts = new WeakMap<object, object>();
  private readonly byText = new Map<string, object>();

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
}
