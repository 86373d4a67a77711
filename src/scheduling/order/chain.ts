// The order chain: comparisons in turn, the first difference decides. Total, so that a plan never depends on the
// order in which objects arrived.
import type { Contender } from "../contender.ts";
import type { Task } from "../model.ts";
import type { Order } from "./order.ts";

/** Where a contender stands at one moment: the smaller list goes first. */
export type Ranks = readonly number[];

/** The comparisons of one pool; the first of them may lead: they have a band. */
export class Chain {
  readonly orders: readonly Order[];
  private readonly leading: number;
  private readonly draft: number[] = [];

  constructor(orders: readonly Order[]) {
    this.orders = orders;
    const end = orders.findIndex(({ band }) => band === undefined);
    this.leading = end < 0 ? orders.length : end;
  }

  /**
   * 1 the band of the orders that lead the chain and have one; 2 who has waited past the pool's patience, longest first;
   * 3 those leading orders; 4 the task that has the hold; 5 the rest of the chain. Then, as `byAge` says. The same list as
   * in the last plan where it says the same: of a long queue few move.
   */
  ranksOf(contender: Contender): Ranks {
    const { orders, leading, draft: ranks } = this;
    let at = 0;
    // Ageing within a band only: it makes no cycles with the chain, and important work stays in front.
    for (let i = 0; i < leading; i += 1) ranks[at++] = orders[i]?.band?.(contender) ?? 0;
    ranks[at++] = contender.isAged ? contender.waitingSince : Number.POSITIVE_INFINITY;
    for (let i = 0; i < leading; i += 1) ranks[at++] = orders[i]?.rank(contender) ?? 0;
    ranks[at++] = contender.isHead ? 0 : 1;
    for (let i = leading; i < orders.length; i += 1) ranks[at++] = orders[i]?.rank(contender) ?? 0;
    const { ranks: before } = contender.facts;
    return before.length === at && compareRanks(before, ranks) === 0 ? before : ranks.slice();
  }

  /** How many of a contender's ranks are its band, its age and its leading orders: what alone breaks a promise. */
  get leadingRanks(): number {
    return 2 * this.leading + 1;
  }
}

export function compareRanks(a: Ranks, b: Ranks): number {
  for (let i = 0; i < a.length; i += 1) {
    // Lists of one chain are equally long: a default for what is absent would cost an object each time.
    const left = a[i] as number;
    const right = b[i] as number;
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

type Aged = Pick<Task, "created" | "key" | "uid">;

/** The tie-breaks of every chain: 1 the earlier created, 2 namespace/name with digits as numbers, 3 UID. */
export function byAge(a: Aged, b: Aged): number {
  return a.created - b.created || compareNaturally(a.key, b.key) || compareText(a.uid, b.uid);
}

/** Plain code-unit order; no locale, which would differ between machines. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** As people number things: `run-2` before `run-10`. Runs of digits compare as numbers, all else as plain text. */
export function compareNaturally(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (isDigit(a, i) && isDigit(b, j)) {
      // Without leading zeros the longer number is the larger one: no digit is lost, however long the name.
      i = endOf(a, i, isZero);
      j = endOf(b, j, isZero);
      const left = endOf(a, i, isDigit);
      const right = endOf(b, j, isDigit);
      if (left - i !== right - j) return left - i - (right - j);
      for (; i < left; i += 1, j += 1) {
        const difference = a.charCodeAt(i) - b.charCodeAt(j);
        if (difference !== 0) return difference;
      }
    } else {
      const difference = a.charCodeAt(i) - b.charCodeAt(j);
      if (difference !== 0) return difference;
      i += 1;
      j += 1;
    }
  }
  return a.length - i - (b.length - j) || compareText(a, b);
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

function isZero(text: string, at: number): boolean {
  return text.charCodeAt(at) === 48;
}

function endOf(text: string, start: number, is: (text: string, at: number) => boolean): number {
  let end = start;
  while (is(text, end)) end += 1;
  return end;
}
