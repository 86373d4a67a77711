// The order chain: comparisons in turn, the first difference decides. Total, so that a plan never depends on the
// order in which objects arrived.
import type { Contender } from "../contender.ts";
import type { Task } from "../model.ts";
import type { Order } from "./order.ts";

/** Where a contender stands at one moment: the smaller list goes first. */
export type Ranks = readonly number[];

/**
 * 1 the band of the orders that lead the chain and have one; 2 who has waited past the pool's patience, longest first;
 * 3 those leading orders; 4 the task that has the hold; 5 the rest of the chain. Then, as `byAge` says.
 */
export function ranksOf(chain: readonly Order[], contender: Contender): Ranks {
  const end = chain.findIndex(({ band }) => band === undefined);
  const leading = end < 0 ? chain.length : end;
  const ranks = new Array<number>(leading + chain.length + 2);
  let at = 0;
  // Ageing within a band only: it makes no cycles with the chain, and important work stays in front.
  for (let i = 0; i < leading; i += 1) ranks[at++] = chain[i]?.band?.(contender) ?? 0;
  ranks[at++] = contender.isAged ? contender.waitingSince : Number.POSITIVE_INFINITY;
  for (let i = 0; i < leading; i += 1) ranks[at++] = chain[i]?.rank(contender) ?? 0;
  ranks[at++] = contender.isHead ? 0 : 1;
  for (let i = leading; i < chain.length; i += 1) ranks[at++] = chain[i]?.rank(contender) ?? 0;
  return ranks;
}

/** How many of a contender's ranks are its band, its age and its leading orders: what alone breaks a promise. */
export function leadingRanks(chain: readonly Order[]): number {
  const end = chain.findIndex(({ band }) => band === undefined);
  return 2 * (end < 0 ? chain.length : end) + 1;
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

/** The tie-breaks of every chain: 1 the earlier created, 2 namespace/name with digits as numbers, 3 UID. */
export function byAge(a: Task, b: Task): number {
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
      const left = digitsFrom(a, i);
      const right = digitsFrom(b, j);
      const difference = left.digits.length - right.digits.length || compareText(left.digits, right.digits);
      if (difference !== 0) return difference;
      i = left.end;
      j = right.end;
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

function digitsFrom(text: string, start: number): { readonly digits: string; readonly end: number } {
  let first = start;
  while (text[first] === "0") first += 1;
  let end = first;
  while (isDigit(text, end)) end += 1;
  return { digits: text.slice(first, end), end };
}
