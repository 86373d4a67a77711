// A task in the contest for places, with what an order may ask about it. Changes while a plan is made; no other plan sees
// it. Does not know whom it contends with.
import type { Start } from "./decision.ts";
import { expectationOfShard } from "./estimate.ts";
import type { Facts } from "./facts.ts";
import type { Shape } from "./fit.ts";
import type { NodeRoom } from "./ledger.ts";
import type { Pool, Task } from "./model.ts";
import type { Ranks } from "./order/chain.ts";
import { openShards, type Queued, startableShards } from "./queue.ts";
import { type Amounts, dominantShare, plus, times } from "./resources.ts";
import type { TurnEnd } from "./turn.ts";

/** What all contenders of a pool see alike. */
export interface Contest {
  readonly now: number;
  readonly pool: Pool;
  /** Of the pool, without what foreign Pods hold. */
  readonly capacity: Amounts;
  /** Who has waited since then has passed the pool's patience. */
  readonly agedFrom: number;
  /** The UID of the task that had the hold when the last plan was made. */
  readonly head: string | undefined;
  /** Counts what may have moved somebody's place in the line. */
  changes: number;
  /** The number of the turn that comes next. */
  turn: number;
  /** By task UID, the number of its latest turn. */
  readonly turns: Map<string, number>;
  /** By namespace, the decayed use: dominant share × milliseconds. */
  readonly used: Map<string, number>;
}

/** Most have nothing: they share one list. */
const none: readonly never[] = [];

export class Contender {
  readonly contest: Contest;
  readonly facts: Facts;
  readonly queued: Queued;
  readonly shape: Shape;
  /** Places that are kept for it until what was stopped there has ended; changed by `keep` and `giveUp`. */
  claims: readonly NodeRoom[] = none;
  /** When the first of them was kept. */
  claimedSince: number | undefined;
  /** Of its starts, the shards that its age has started. */
  startedByAge: readonly number[] = none;
  /** How its turns ended; set by the contest alone. */
  end: TurnEnd | undefined;
  /** Where it stands in its line, as of so many changes of the contest; set by the line alone. */
  ranks: Ranks = [];
  rankedAt = 0;
  /** How many places it had taken then. */
  rankedWith = 0;
  private started: Start[] | undefined;
  private shards: Iterator<number, undefined> | undefined;
  /** What its shards held before this plan, once an order has asked for it. */
  private running: Amounts | undefined;

  constructor(contest: Contest, facts: Facts, queued: Queued, shape: Shape) {
    this.contest = contest;
    this.facts = facts;
    this.queued = queued;
    this.shape = shape;
  }

  get task(): Task {
    return this.facts.task;
  }

  get starts(): readonly Start[] {
    return this.started ?? none;
  }

  /** Shards that it may start still, its parallelism taken into account, and for which no place is kept. */
  get wanted(): number {
    return Math.min(this.queued.startable, this.queued.places) - this.taken;
  }

  /** Places that it has taken in this plan, or that are kept for it. */
  get taken(): number {
    return this.starts.length + this.claims.length;
  }

  /** How many must start together: its minimum at its first start, as far as it may, one afterwards. */
  get demand(): number {
    const { minParallelism } = this.facts;
    return minParallelism <= 1 || this.hasStarted ? 1 : Math.max(1, Math.min(minParallelism, this.wanted));
  }

  /** Its first shards start together, and their places are not all free yet: nothing of it may start before them. */
  get isGathering(): boolean {
    return this.claims.length > 0 && !this.hasStarted && this.facts.minParallelism > 1;
  }

  keep(room: NodeRoom): void {
    this.claims = [...this.claims, room];
  }

  giveUp(room: NodeRoom): void {
    const at = this.claims.indexOf(room);
    this.claims = this.claims.filter((_, i) => i !== at);
  }

  /** Sends the next of its shards to the node; to be called for no more than are wanted. */
  start({ node }: NodeRoom, byAge: boolean): Start {
    this.shards ??= startableShards(this.task, this.contest.now);
    const shard = this.shards.next();
    if (shard.done) throw new Error(`${this.task.key} has no shard left to start`);
    const start: Start = { kind: "start", task: this.task.key, shard: shard.value, node: node.name };
    if (byAge) this.startedByAge = [...this.startedByAge, shard.value];
    if (this.started === undefined) this.started = [start];
    else this.started.push(start);
    return start;
  }

  /** Past the pool's patience, until something of it starts. */
  get isAged(): boolean {
    return this.taken === 0 && this.hasWaitedLong;
  }

  get hasWaitedLong(): boolean {
    return this.facts.waitingSince <= this.contest.agedFrom;
  }

  get waitingSince(): number {
    return this.facts.waitingSince;
  }

  /** The task that had the hold, until something of it starts: its turn is over then. */
  get isHead(): boolean {
    return this.contest.head === this.facts.uid && this.starts.length === 0;
  }

  get hasStarted(): boolean {
    return this.facts.hasStarted || this.starts.length > 0;
  }

  /** When a shard that starts now is likely to end. */
  get likelyEnd(): number {
    return this.contest.now + this.facts.likelyMs;
  }

  /** Of one shard, as a share of the pool. */
  get requestShare(): number {
    return dominantShare(this.task.request, this.contest.capacity);
  }

  /** Of all that it holds, what starts in this plan included. */
  get heldShare(): number {
    this.running ??= this.task.active.map(({ request }) => request).reduce(plus, {});
    return dominantShare(plus(this.running, times(this.task.request, this.taken)), this.contest.capacity);
  }

  get expectedWorkMs(): number {
    const { active, finished = 0 } = this.task;
    return (openShards(this.task) + active.length + finished) * this.facts.likelyMs;
  }

  /** A shard counts in full until it has ended: else time alone would move its task in the line. */
  get remainingWorkMs(): number {
    const { active } = this.task;
    const running = active.reduce((sum, shard) => sum + expectationOfShard(this.task, shard).likelyMs, 0);
    return openShards(this.task) * this.facts.likelyMs + running;
  }

  /** The number of its latest turn; 0 if it never had one. */
  get latestTurn(): number {
    return this.contest.turns.get(this.task.uid) ?? 0;
  }

  get namespaceUse(): number {
    return this.contest.used.get(this.task.namespace) ?? 0;
  }
}
