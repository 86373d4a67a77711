// The queue of one pool while its tasks contend for places. Knows the order of its tasks; does not know what is free.
import type { Hold } from "./backfill.ts";
import { Contender, type Contest } from "./contender.ts";
import { expectationOf } from "./estimate.ts";
import { Fit } from "./fit.ts";
import { Heap } from "./heap.ts";
import type { Ledger } from "./ledger.ts";
import { openContest } from "./memory.ts";
import type { Snapshot, Task } from "./model.ts";
import { byAge, compareRanks, compareText, type Ranks, ranksOf } from "./order/chain.ts";
import { orders } from "./order/index.ts";
import type { Order } from "./order/order.ts";
import { placementNames, placements } from "./placement/index.ts";
import { type Idle, isQueued, type Queued, standing } from "./queue.ts";
import type { PoolNode, Tree } from "./tree.ts";
import type { TurnEnds } from "./turn.ts";

interface Entry {
  readonly contender: Contender;
  readonly ranks: Ranks;
}

export class Line {
  readonly node: PoolNode;
  readonly contest: Contest;
  /** All tasks of the pool, those included that have nothing to start. */
  readonly tasks: readonly Task[];
  /** All that stand or stood in the line. */
  readonly contenders: readonly Contender[];
  /** Set once a task in front waits for its place: from then on whoever comes next passes it. */
  hold: Hold | undefined;
  private readonly chain: readonly Order[];
  private readonly heap = new Heap<Entry>(isBefore);
  private rank = (contender: Contender): Ranks => ranksOf(this.chain, contender);

  constructor(node: PoolNode, contest: Contest, tasks: readonly Task[], contenders: readonly Contender[]) {
    this.node = node;
    this.contest = contest;
    this.tasks = tasks;
    this.contenders = contenders;
    this.chain = node.pool.order.map((name) => orders[name]);
    for (const contender of contenders) if (contender.wanted > 0) this.push(contender);
  }

  /** A start may change who is next. */
  get moves(): boolean {
    return this.chain.some(({ moves }) => moves);
  }

  get remembers(): boolean {
    return this.chain.some(({ remembers }) => remembers !== undefined);
  }

  /** The contender whose turn it is. */
  peek(): Contender | undefined {
    for (let top = this.heap.peek(); top !== undefined; top = this.heap.peek()) {
      // A start elsewhere in the line may have moved its rank; within a plan that is always backwards.
      const ranks = this.rank(top.contender);
      if (compareRanks(ranks, top.ranks) === 0) return top.contender;
      this.heap.pop();
      this.heap.push({ contender: top.contender, ranks });
    }
    return undefined;
  }

  pop(): void {
    this.heap.pop();
  }

  push(contender: Contender): void {
    this.heap.push({ contender, ranks: this.rank(contender) });
  }

  /** The task in front has its place kept; those behind it pass, from now on, as the pool wants them tried. */
  passBehind(hold: Hold): void {
    this.hold = hold;
    if (hold.owner !== undefined || this.node.pool.backfill?.candidates === "QueueOrder") return;
    const places = new Map<Contender, Ranks>();
    for (let next = this.peek(); next !== undefined; next = this.peek()) {
      places.set(next, [expectationOf(next.task).likelyMs, places.size]);
      this.pop();
    }
    this.rank = (contender) => places.get(contender) ?? [];
    for (const contender of places.keys()) this.push(contender);
  }

  /** Whether `a` goes before `b`, as things stand now. */
  isBefore(a: Contender, b: Contender): boolean {
    return isBefore(this.entryOf(a), this.entryOf(b));
  }

  sorted(contenders: readonly Contender[]): readonly Contender[] {
    return contenders
      .map((contender) => this.entryOf(contender))
      .sort((a, b) => (isBefore(a, b) ? -1 : 1))
      .map(({ contender }) => contender);
  }

  /** The first moment after `now` at which somebody begins to stand in front by age. */
  nextAgeing(ends: TurnEnds, now: number): number | undefined {
    const { maxWaitMs } = this.node.pool;
    if (maxWaitMs === undefined) return undefined;
    let next: number | undefined;
    for (const contender of this.contenders) {
      const agesAt = contender.waitingSince + maxWaitMs;
      if (ends.get(contender)?.kind !== "Served" && agesAt > now) next = Math.min(next ?? agesAt, agesAt);
    }
    return next;
  }

  private entryOf(contender: Contender): Entry {
    return { contender, ranks: ranksOf(this.chain, contender) };
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return (compareRanks(a.ranks, b.ranks) || byAge(a.contender.task, b.contender.task)) < 0;
}

export interface Lines {
  readonly lines: readonly Line[];
  /** Tasks that stand in no line, with the reason where they need one. */
  readonly idle: readonly Idle[];
}

/** A line for every pool of the tree, also where nobody stands in it. */
export function formLines({ pools, tasks }: Snapshot, tree: Tree, ledger: Ledger, now: number): Lines {
  const idle: Idle[] = [];
  const queued = new Map<string, Queued[]>();
  const byKey = [...tasks].sort((a, b) => compareText(a.key, b.key));
  for (const task of byKey) {
    const problem = tree.problems.find(({ pool }) => pool === task.pool)?.message;
    const state = standing(task, tree.nodes.get(task.pool)?.pool, problem, now);
    if (!isQueued(state)) idle.push(state);
    else if (queued.get(task.pool)?.push(state) === undefined) queued.set(task.pool, [state]);
  }
  const ofPool = Map.groupBy(byKey, ({ pool }) => pool);
  const fits = new Map(placementNames.map((name) => [name, new Fit(ledger, placements[name], now)]));
  const lines = pools.flatMap(({ name, placement }) => {
    const node = tree.nodes.get(name);
    const fit = fits.get(placement);
    if (node === undefined || fit === undefined) return [];
    const own = ofPool.get(name) ?? [];
    const contest = openContest(node.pool, own, ledger.amountsOf(node.capacity), now);
    const contenders = (queued.get(name) ?? []).map((each) => new Contender(contest, each, fit.shapeOf(each.task)));
    return [new Line(node, contest, own, contenders)];
  });
  return { lines: lines.sort((a, b) => compareText(a.node.pool.name, b.node.pool.name)), idle };
}
