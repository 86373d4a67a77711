// Values that come when they come, read by one `for await`.

export interface EventQueue<T> extends AsyncIterable<T> {
  push(value: T): void;
  /** The reader gets what is queued, then the end. */
  end(): void;
  /** The reader gets what is queued, then the error. */
  fail(error: unknown): void;
}

export function eventQueue<T>(onClose: () => void = () => {}): EventQueue<T> {
  const values: T[] = [];
  let outcome: { readonly error?: unknown } | undefined;
  let wake: () => void = () => {};
  const settle = (result: { readonly error?: unknown }): void => {
    if (outcome !== undefined) return;
    outcome = result;
    onClose();
    wake();
  };
  return {
    push(value) {
      if (outcome !== undefined) return;
      values.push(value);
      wake();
    },
    end: () => settle({}),
    fail: (error) => settle({ error }),
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          // Taken in batches: shifting one by one from a long array is slow.
          for (const value of values.splice(0)) yield value;
          if (values.length > 0) continue;
          if (outcome !== undefined) {
            if ("error" in outcome) throw outcome.error;
            return;
          }
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        settle({});
      }
    },
  };
}
