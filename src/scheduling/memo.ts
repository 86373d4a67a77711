// What one plan may leave for the next so that it costs less. It holds nothing that the snapshot does not say: a plan
// with a memo is the plan without one. Works where what did not change is still the same object.

export class Memo {
  private readonly texts = new WeakMap<object, string>();

  /** The object as text, written once. */
  textOf(value: object): string {
    let text = this.texts.get(value);
    if (text === undefined) {
      text = JSON.stringify(value);
      this.texts.set(value, text);
    }
    return text;
  }
}
