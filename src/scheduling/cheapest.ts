// The cheapest set that gives enough: an exact search with a bound, and an end. Does not know what is given up, nor why.

export interface Option<T> {
  readonly item: T;
  /** What giving it up costs; never negative. */
  readonly cost: number;
  /** What it gives of each thing that is needed. */
  readonly gives: readonly number[];
}

/** Steps of one search; what is best by then is taken. Rarely reached: costs bound the search long before. */
const stepsMax = 2000;

/**
 * Of `options`, cheapest first, the set that gives all of `need` at the least cost; `isBetter` decides between equal
 * costs. `whole` adds what has to go with a set, or says that it may not be taken.
 */
export function cheapestSet<T>(
  options: readonly Option<T>[],
  need: readonly number[],
  whole: (items: readonly T[]) => readonly T[] | undefined,
  costOf: (items: readonly T[]) => number,
  isBetter: (a: readonly T[], b: readonly T[]) => boolean,
): readonly T[] | undefined {
  const most = need.map((_, i) => Math.max(0, ...options.map(({ gives }) => gives[i] ?? 0)));
  /** From each option on, what all of them together give. */
  const rest: number[][] = [need.map(() => 0)];
  for (let at = options.length - 1; at >= 0; at -= 1) {
    const after = rest[0] ?? [];
    rest.unshift(after.map((sum, i) => sum + (options[at]?.gives[i] ?? 0)));
  }
  let best: readonly T[] | undefined;
  let bestCost = Number.POSITIVE_INFINITY;
  let steps = 0;

  const consider = (chosen: readonly Option<T>[]): void => {
    const items = whole(withoutSpare(chosen, need).map(({ item }) => item));
    if (items === undefined) return;
    const cost = costOf(items);
    if (cost > bestCost || (best !== undefined && cost === bestCost && !isBetter(items, best))) return;
    [best, bestCost] = [items, cost];
  };

  const visit = (at: number, chosen: readonly Option<T>[], cost: number, missing: readonly number[]): void => {
    steps += 1;
    if (missing.every((amount) => amount <= 0)) {
      consider(chosen);
      return;
    }
    const option = options[at];
    if (option === undefined || steps > stepsMax) return;
    if (missing.some((amount, i) => amount > (rest[at]?.[i] ?? 0))) return;
    // So many more are needed even if each gave the most, and none of them costs less than this one.
    const atLeast = Math.max(...missing.map((amount, i) => (amount > 0 ? Math.ceil(amount / (most[i] ?? 1)) : 0)));
    if (cost + atLeast * option.cost > bestCost) return;
    if (missing.some((amount, i) => amount > 0 && (option.gives[i] ?? 0) > 0)) {
      const left = missing.map((amount, i) => amount - (option.gives[i] ?? 0));
      visit(at + 1, [...chosen, option], cost + option.cost, left);
    }
    visit(at + 1, chosen, cost, missing);
  };
  visit(0, [], 0, need);
  return best;
}

/** Never more than needed: what the others make up for stays, the costliest first. */
function withoutSpare<T>(chosen: readonly Option<T>[], need: readonly number[]): readonly Option<T>[] {
  let kept = chosen;
  for (const option of [...chosen].reverse()) {
    const others = kept.filter((each) => each !== option);
    const isEnough = need.every((amount, i) => others.reduce((sum, { gives }) => sum + (gives[i] ?? 0), 0) >= amount);
    if (isEnough) kept = others;
  }
  return kept;
}
