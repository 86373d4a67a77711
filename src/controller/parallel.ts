// Many writes at once, but not too many; one that fails keeps no other from being tried.

/** Calls `work` for each item, `limit` at a time, and for no further one once `isLate`. Resolves with what was thrown. */
export async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
  isLate: () => boolean = () => false,
): Promise<unknown[]> {
  const errors: unknown[] = [];
  const rest = items.values();
  const lane = async (): Promise<void> => {
    for (const item of rest) {
      try {
        await work(item);
      } catch (error) {
        errors.push(error);
      }
      if (isLate()) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return errors;
}
