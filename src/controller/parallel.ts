// Many writes at once, but not too many; one that fails keeps no other from being tried.
import type { Clock } from "@dsl/kube-operator";

/** Calls `work` for each item, `limit` at a time, and for no further one once `isLate`. Resolves with what was thrown. */
export async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
  isLate: () => boolean = () => false,
): Promise<readonly unknown[]> {
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

export interface TimeLimit {
  readonly forMs: number;
  /** Tells how long something takes: no time of day. */
  readonly clock: Pick<Clock, "monotonic">;
}

/** The same as far as the time allows; what is under way then ends. `isWhole`: none was left out. */
export async function inParallelWithin<T>(
  { forMs, clock }: TimeLimit,
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<{ readonly errors: readonly unknown[]; readonly isWhole: boolean }> {
  const lateAt = clock.monotonic() + forMs;
  let begun = 0;
  const errors = await inParallel(
    items,
    limit,
    (item) => {
      begun += 1;
      return work(item);
    },
    () => clock.monotonic() >= lateAt,
  );
  return { errors, isWhole: begun === items.length };
}
