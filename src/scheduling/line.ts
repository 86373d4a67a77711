// The queue of one pool while its tasks contend for places. Knows the order of its tasks; does not know what is free.
import type { Hold } from "./backfill.ts";
import { Contender, type Contest } from "./contender.ts";
import type { Facts } from "./facts.ts";
import { Fit } from "./fit.ts";
import { Heap } from "./heap.ts";
import { kindsOf } from "./kinds.ts";
import type { Ledger } from "./ledger.ts";
import { asBefore } from "./memo.ts";
import { countRunning, inOrderToRemember, openContest } from "./memory.ts";
import type { Snapshot, Task } from "./model.ts";
import { byAge, Chain, compareRanks, compareText, type Ranks } from "./order/chain.ts";
import { orders } from "./order/index.ts";
import { placementNames, placements } from "./placement/index.ts";
import { type Idle, isQueued, standing } from "./queue.ts";
import type { Amounts } from "./resources.ts";
import type { PoolNode, Tree } from "./tree.ts";

/** Ranked, for a while, by something else than the order. */
const otherwise = -1;

export class Line {
  readonly node: PoolNode;
  readonly contest: Contest;
  /** All tasks of the pool, those included that have nothing to start, in the order in which its memory counts them. */
  readonly tasks: readonly Task[];
  /** All that stand or stood in the line, in their order when the plan began. */
  readonly contenders: readonly Contender[];
  /** Those of them whose parallelism left them no place when the plan began. */
  readonly full: readonly Contender[];
  /** Set once a task in front waits for its place: from then on whoever comes next passes it. */
  hold: Hold | undefined;
  /** Where each task has one: what this plan leaves held, to be kept by the next. */
  slots: { readonly holds: readonly Hold[]; readonly free: Amounts } | undefined;
  /** Somebody who was held back may pass after all, since places are held otherwise than when he was asked. */
  isOpen = false;
  /** The same though no place is held otherwise: a start may have moved somebody's turn before that of a hold, or past it. */
  mayTurn = false;
  /** A start may change who is next. */
  readonly moves: boolean;
  private readonly chain: Chain;
  /** Those who never had a turn, in their order, from `next` on; who had one and wants another stands in `again`. */
  private queue: readonly Contender[];
  private next = 0;
  private readonly aside: Contender[] = [];
  /** What they have once they pass behind a task that waits is their place to the end of the plan. */
  private isFixed = false;
  private readonly again = new Heap<Contender>(isBefore);

  constructor(node: PoolNode, contest: Contest, tasks: readonly Task[], contenders: readonly Contender[]) {
    this.node = node;
    this.contest = contest;
    this.tasks = tasks;
    this.chain = new Chain(node.pool.order.map((name) => orders[name]));
    this.moves = this.chain.orders.some(({ moves }) => moves);
    contenders.forEach((contender) => {
      this.rank(contender);
    });
    this.contenders = asBefore(contenders).sort(compare);
    this.contenders.forEach(({ facts, ranks }, place) => {
      facts.place = place;
      facts.ranks = ranks;
    });
    this.full = this.contenders.filter(({ wanted }) => wanted === 0);
    this.queue = this.contenders.filter(({ wanted }) => wanted > 0);
  }

  get remembers(): boolean {
    return this.chain.orders.some(({ remembers }) => remembers !== undefined);
  }

  /** Its placement looks at what usually comes. */
  get learns(): boolean {
    return placements[this.node.pool.placement].learns;
  }

  /** The contender whose turn it is. */
  peek(): Contender | undefined {
    for (let first = this.first(); first !== undefined; first = this.first()) {
      if (this.isFixed || first.rankedAt === this.contest.changes || !this.mayMove(first)) return first;
      // A start elsewhere in the line may have moved its rank; within a plan that is always backwards.
      const ranks = this.chain.ranksOf(first);
      first.rankedAt = this.contest.changes;
      first.rankedWith = first.taken;
      if (compareRanks(ranks, first.ranks) === 0) return first;
      this.pop();
      first.ranks = ranks;
      this.again.push(first);
    }
    return undefined;
  }

  pop(): void {
    if (this.first() === this.again.peek()) this.again.pop();
    else this.next += 1;
  }

  push(contender: Contender): void {
    if (!this.isFixed) this.rank(contender);
    this.again.push(contender);
  }

  /**
   * The task in front has its place kept; those behind it pass, from now on, as the pool wants them tried. Of whom
   * `waitsAnyhow` says so stands aside: most of a long queue need not be tried to know that they wait.
   */
  passBehind(hold: Hold, waitsAnyhow: (contender: Contender) => boolean): void {
    this.hold = hold;
    const behind = this.rest().filter((contender) => {
      const waits = waitsAnyhow(contender);
      if (waits) this.aside.push(contender);
      return !waits;
    });
    this.queue = behind;
    this.next = 0;
    if (hold.owner !== undefined || this.node.pool.backfill?.candidates === "QueueOrder") return;
    behind.forEach((contender, place) => {
      contender.ranks = [contender.facts.likelyMs, place];
      contender.rankedAt = otherwise;
    });
    behind.sort(compare);
    this.isFixed = true;
  }

  /** There is room again: whoever waited anyhow is tried after all. */
  bringBack(): void {
    for (const contender of this.aside.splice(0)) {
      contender.end = undefined;
      if (this.isFixed) {
        contender.ranks = [contender.facts.likelyMs, Number.POSITIVE_INFINITY];
        contender.rankedAt = otherwise;
      }
      this.push(contender);
    }
  }

  /** Whether one goes before `head`, as things stand now. */
  isBefore(head: Contender): (contender: Contender) => boolean {
    const ranks = this.chain.ranksOf(head);
    return (each) => (compareRanks(this.chain.ranksOf(each), ranks) || byAge(each.facts, head.facts)) < 0;
  }

  /** The same by the order alone: that it is the head that has the hold now puts nobody behind it who was in front. */
  isInFront(head: Contender): (contender: Contender) => boolean {
    const held = this.chain.leadingRanks;
    const byOrder = (each: Contender): Ranks => this.chain.ranksOf(each).with(held, 1);
    const ranks = byOrder(head);
    return (each) => (compareRanks(byOrder(each), ranks) || byAge(each.facts, head.facts)) < 0;
  }

  /** Whether one goes before the other by priority or age, as they stood when the plan began. */
  leads(one: Contender, other: Contender): boolean {
    const count = this.chain.leadingRanks;
    return compareRanks(one.ranks.slice(0, count), other.ranks.slice(0, count)) < 0;
  }

  /** Those of the line that `stays` keeps, in their order as things stand at the end of the plan. */
  atLast(stays: (contender: Contender) => boolean): readonly Contender[] {
    const staying = this.contenders.filter(stays);
    if (this.contest.changes === 0) return staying;
    const moved = staying.filter((contender) => this.mayMove(contender));
    for (const contender of moved) this.rank(contender);
    return moved.length === 0 ? staying : staying.sort(compare);
  }

  /** The first moment after `now` at which somebody begins to stand in front by age. */
  nextAgeing(now: number): number | undefined {
    const { maxWaitMs } = this.node.pool;
    if (maxWaitMs === undefined) return undefined;
    let next: number | undefined;
    this.contenders.forEach(({ waitingSince, end }) => {
      const agesAt = waitingSince + maxWaitMs;
      if (end?.kind !== "Served" && agesAt > now && (next === undefined || agesAt < next)) next = agesAt;
    });
    return next;
  }

  /** All that are left, in their order; nobody has a turn any more. */
  private rest(): readonly Contender[] {
    const rest = this.queue.slice(this.next);
    this.next = this.queue.length;
    if (this.again.size === 0 && !rest.some((contender) => this.mayMove(contender))) return rest;
    for (const contender of rest) this.again.push(contender);
    const inOrder: Contender[] = [];
    for (let next = this.peek(); next !== undefined; next = this.peek()) {
      inOrder.push(next);
      this.pop();
    }
    return inOrder;
  }

  private first(): Contender | undefined {
    const first = this.queue[this.next];
    const again = this.again.peek();
    if (first === undefined || again === undefined) return first ?? again;
    return isBefore(again, first) ? again : first;
  }

  private rank(contender: Contender): void {
    contender.ranks = this.chain.ranksOf(contender);
    contender.rankedAt = this.contest.changes;
    contender.rankedWith = contender.taken;
  }

  /** Where the order does not move, only what it has taken itself moves somebody's rank. */
  private mayMove({ rankedAt, rankedWith, taken }: Contender): boolean {
    return this.moves || rankedAt === otherwise || rankedWith > 0 || taken > 0;
  }
}

function isBefore(a: Contender, b: Contender): boolean {
  return compare(a, b) < 0;
}

function compare(a: Contender, b: Contender): number {
  return compareRanks(a.ranks, b.ranks) || byAge(a.facts, b.facts);
}

export interface Lines {
  readonly lines: readonly Line[];
  /** Tasks that stand in no line, with the reason where they need one. */
  readonly idle: readonly Idle[];
}

/** A line that is being formed. */
class Forming {
  readonly node: PoolNode;
  readonly contest: Contest;
  readonly fit: Fit;
  readonly tasks: Task[] = [];
  readonly contenders: Contender[] = [];

  constructor(node: PoolNode, contest: Contest, fit: Fit) {
    this.node = node;
    this.contest = contest;
    this.fit = fit;
  }
}

/** A line for every pool of the tree, also where nobody stands in it. */
export function formLines(snapshot: Snapshot, all: readonly Facts[], tree: Tree, ledger: Ledger, now: number): Lines {
  const { pools } = snapshot;
  const field = { ledger, kinds: () => kindsOf(snapshot) };
  const named = placementNames.filter((name) => pools.some(({ placement }) => placement === name));
  const fits = new Map(named.map((name) => [name, new Fit(ledger, placements[name].prepare(field), now)]));
  const forming = new Map<string, Forming>();
  for (const { name, placement } of pools) {
    const node = tree.nodes.get(name);
    const fit = fits.get(placement);
    if (node === undefined || fit === undefined) continue;
    const contest = openContest(node.pool, ledger.amountsOf(node.capacity), now);
    forming.set(name, new Forming(node, contest, fit));
  }
  const problems = new Map(tree.problems.map(({ pool, message }) => [pool, message]));
  const idle: Idle[] = [];
  all.forEach((facts) => {
    const { task, pool } = facts;
    const line = forming.get(pool);
    line?.tasks.push(task);
    const known = line === undefined ? undefined : facts.standing;
    const state = known ?? standing(task, line !== undefined, problems.get(pool), now);
    if (line === undefined || !isQueued(state)) idle.push(state);
    else line.contenders.push(new Contender(line.contest, facts, state, line.fit.shapeOf(facts)));
  });
  const lines = [...forming.values()].map(({ node, contest, tasks, contenders }) => {
    const own = inOrderToRemember(node.pool, tasks);
    countRunning(contest, own);
    return new Line(node, contest, own, contenders);
  });
  return { lines: lines.sort((a, b) => compareText(a.node.pool.name, b.node.pool.name)), idle };
}
