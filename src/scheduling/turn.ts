// The contest for places: whose turn it is, what each takes, and who has to wait for what. Knows the tree, the lines and
// the holds by what they answer; has no words for people.
import { type Hold, makeHold, mayPass, sparesTaken } from "./backfill.ts";
import type { Contender } from "./contender.ts";
import type { Start } from "./decision.ts";
import { expectationOf } from "./estimate.ts";
import { fitsOnceOursEnd, neverFits } from "./fit.ts";
import { add, type Ledger, type NodeRoom } from "./ledger.ts";
import type { Line } from "./line.ts";
import { countStarts } from "./memory.ts";
import type { Backfill, Task } from "./model.ts";
import { compareText } from "./order/chain.ts";
import type { Preemption } from "./preemption.ts";
import { inTime, type Release } from "./releases.ts";
import { type PoolNode, weightedShare } from "./tree.ts";

/**
 * Served: it has all that it may take. Promised: places are kept for the rest until what stops there has ended. NoRoom: the next shard fits nowhere now. Limited: the limit of the pool `at` is
 * reached. Held: it fits, but would delay the task of `hold`. Behind: it was not tried, since `head` waits. NeverFits:
 * no node, or the limit of the pool `at`, could ever hold one shard.
 */
export type TurnEnd =
  | { readonly kind: "Served" }
  | { readonly kind: "Promised" }
  | { readonly kind: "NoRoom" }
  | { readonly kind: "Limited"; readonly at: PoolNode }
  | { readonly kind: "Held"; readonly hold: Hold }
  | { readonly kind: "Behind"; readonly head: Contender }
  | { readonly kind: "NeverFits"; readonly at?: PoolNode };

export type TurnEnds = ReadonlyMap<Contender, TurnEnd>;

export interface Outcome {
  /** In the order of the turns. */
  readonly starts: readonly Start[];
  readonly ends: TurnEnds;
}

/** What a backfill policy means: whether anybody passes a task that waits, and whether its place is kept meanwhile. */
const passing: Readonly<Record<Backfill["policy"], { readonly letsPass: boolean; readonly holds: boolean }>> = {
  None: { letsPass: false, holds: false },
  BestEffort: { letsPass: true, holds: false },
  Easy: { letsPass: true, holds: true },
};

/** Gives turns until nobody is left who could take something. `running` is asked for only where a hold is made. */
export function takeTurns(
  root: PoolNode | undefined,
  lines: readonly Line[],
  ledger: Ledger,
  running: () => readonly Release[],
  preemption: Preemption,
): Outcome {
  return root === undefined
    ? { starts: [], ends: new Map() }
    : new Turns(root, lines, ledger, running, preemption).run();
}

class Turns {
  private readonly root: PoolNode;
  private readonly lines: ReadonlyMap<PoolNode, Line>;
  private readonly isAlone: boolean;
  private readonly starts: Start[] = [];
  private readonly ledger: Ledger;
  private readonly ends = new Map<Contender, TurnEnd>();
  private readonly holds: Hold[] = [];
  /** Pools below which nobody has a turn any more, and the task that waits there. */
  private readonly closed = new Map<PoolNode, Contender>();
  private readonly started: Release[] = [];
  private readonly running: () => readonly Release[];
  private readonly preemption: Preemption;

  constructor(
    root: PoolNode,
    lines: readonly Line[],
    ledger: Ledger,
    running: () => readonly Release[],
    preemption: Preemption,
  ) {
    this.running = running;
    this.preemption = preemption;
    this.root = root;
    this.lines = new Map(lines.map((line) => [line.node, line]));
    this.isAlone = lines.filter((line) => line.peek()).length === 1;
    this.ledger = ledger;
  }

  run(): Outcome {
    for (const line of this.lines.values()) {
      for (const contender of line.contenders) if (contender.wanted === 0) this.settle(contender);
    }
    for (let line = this.next(this.root); line !== undefined; line = this.next(this.root)) this.serve(line);
    for (const line of this.lines.values()) this.leaveBehind(line);
    return { starts: this.starts, ends: this.ends };
  }

  /** Top down: pools below their reservation first, then by weighted dominant share, then by name; own tasks go first. */
  private next(node: PoolNode): Line | undefined {
    if (this.closed.has(node)) return undefined;
    const own = this.lines.get(node);
    let best = own?.peek() ? own : undefined;
    if (node.children.length === 0) return best;
    let bestRanks: readonly [number, number, string] = [1, weightedShare(node.ownUse, undefined, node.capacity), ""];
    for (const child of node.children) {
      const line = this.next(child);
      const request = line?.peek()?.shape.request;
      if (line === undefined || request === undefined) continue;
      const share = weightedShare(child.use, child.reserved, node.capacity, child.pool.shares);
      const ranks = [child.keepsWithin(request) ? 0 : 1, share, child.pool.name] as const;
      const order = ranks[0] - bestRanks[0] || ranks[1] - bestRanks[1] || compareText(ranks[2], bestRanks[2]);
      if (best === undefined || order < 0) [best, bestRanks] = [line, ranks];
    }
    return best;
  }

  private serve(line: Line): void {
    const contender = line.peek();
    line.pop();
    if (contender === undefined) return;
    const never = this.neverFits(contender, line.node);
    if (never) {
      this.ends.set(contender, never);
      return;
    }
    this.redeem(contender, line.node);
    if (contender.wanted === 0 || contender.isGathering) {
      this.settle(contender);
      return;
    }
    // Alone and in a fixed order it takes all at once: nobody could come between.
    const takesAll = this.isAlone && !line.moves && !contender.isAged;
    const refusal = this.start(contender, line.node, takesAll ? contender.wanted : contender.demand);
    if (refusal !== undefined && !this.preempt(line, contender)) this.refuse(line, contender, refusal);
    else if (contender.wanted > 0 && !contender.isGathering) line.push(contender);
    else this.settle(contender);
  }

  private settle(contender: Contender): void {
    this.ends.set(contender, { kind: contender.claims.length > 0 ? "Promised" : "Served" });
  }

  private neverFits({ shape }: Contender, node: PoolNode): TurnEnd | undefined {
    const at = node.neverWithin(shape.request);
    if (at) return { kind: "NeverFits", at };
    // Without any node nothing is known of what could fit: the pool is not ready, and nobody needs to act on the task.
    return this.ledger.rooms.length > 0 && neverFits(shape) ? { kind: "NeverFits" } : undefined;
  }

  /** Starts up to `count` shards; the first few together or not at all, where the task wants it so. */
  private start(contender: Contender, node: PoolNode, count: number): TurnEnd | undefined {
    const { shape, task, contest, demand, isAged } = contender;
    const checkpoint = this.ledger.checkpoint();
    const rooms: NodeRoom[] = [];
    let refusal: TurnEnd | undefined;
    while (rooms.length < count && refusal === undefined) {
      const room = this.roomFor(contender, node);
      if ("kind" in room) {
        refusal = room;
      } else {
        const endsAt = contest.now + expectationOf(task).likelyMs;
        this.ledger.reserve(room, shape.request, node.uses, sparesTaken(this.holds, room, node, endsAt));
        rooms.push(room);
      }
    }
    if (rooms.length < demand) {
      this.ledger.rollback(checkpoint);
      return refusal;
    }
    countStarts(contest, task, rooms.length);
    this.send(contender, node, rooms, isAged);
    return refusal;
  }

  private send(contender: Contender, node: PoolNode, rooms: readonly NodeRoom[], byAge: boolean): void {
    for (const room of rooms) {
      const start = contender.start(room, byAge);
      this.starts.push(start);
      this.started.push(releaseOf(contender, node, room, start.shard));
    }
  }

  /** Starts what an earlier plan, or this one, has made room for, where the room is free by now. */
  private redeem(contender: Contender, node: PoolNode): void {
    if (contender.claims.length === 0) return;
    this.send(contender, node, this.preemption.redeem(contender, node), contender.hasWaitedLong);
  }

  /** Else whom may it preempt? Only for a task that goes first: who passes another stops nobody. */
  private preempt(line: Line, contender: Contender): boolean {
    if (line.hold !== undefined) return false;
    const { shape, contest, task } = contender;
    const endsAt = contest.now + expectationOf(task).likelyMs;
    const mayUse = (room: NodeRoom): boolean => mayPass(this.holds, room, line.node, shape.request, endsAt);
    const before = contender.claims.length;
    const displaced = this.preemption.makeRoom(contender, line.node, mayUse);
    if (displaced === undefined) return false;
    const rooms = contender.claims.slice(before);
    countStarts(contest, task, rooms.length);
    for (const room of rooms) {
      for (const spare of sparesTaken(this.holds, room, line.node, endsAt)) add(spare, shape.request, -1);
    }
    for (const other of displaced) if (this.ends.delete(other)) this.lineOf(other)?.push(other);
    this.redeem(contender, line.node);
    return true;
  }

  private lineOf(contender: Contender): Line | undefined {
    return [...this.lines.values()].find(({ contest }) => contest === contender.contest);
  }

  private roomFor({ shape, task, contest }: Contender, node: PoolNode): NodeRoom | TurnEnd {
    const limit = node.limitedBy(shape.request);
    if (limit) return { kind: "Limited", at: limit };
    if (this.holds.length === 0) return shape.candidates.best() ?? { kind: "NoRoom" };
    const endsAt = contest.now + expectationOf(task).likelyMs;
    const room = shape.candidates.best((each) => mayPass(this.holds, each, node, shape.request, endsAt));
    if (room) return room;
    const refused = shape.candidates.best();
    const hold = refused && this.holds.find((each) => !mayPass([each], refused, node, shape.request, endsAt));
    return hold ? { kind: "Held", hold } : { kind: "NoRoom" };
  }

  private refuse(line: Line, contender: Contender, refusal: TurnEnd): void {
    this.ends.set(contender, refusal);
    // What no end of our own shards would help holds nobody up.
    if (!fitsOnceOursEnd(contender.shape, contender.demand)) return;
    const { letsPass, holds } = passing[line.node.pool.backfill?.policy ?? "None"];
    if (!letsPass) this.closed.set(refusal.kind === "Limited" ? refusal.at : this.root, contender);
    // Below its reservation it has a hold in any case: nothing more is lent there, whoever passes in its own pool.
    const owner = holds ? undefined : ownerOf(line.node, contender);
    if (line.hold !== undefined || !(holds || (letsPass && owner))) return;
    const hold = makeHold(contender, line.node, this.releasesFor(contender, line), this.holds, this.ledger, owner);
    if (hold === undefined) return;
    this.holds.push(hold);
    line.passBehind(hold);
  }

  /** What is kept for a task is its own, whoever waits in front. */
  private leaveBehind(line: Line): void {
    for (let contender = line.peek(); contender !== undefined; contender = line.peek()) {
      line.pop();
      this.redeem(contender, line.node);
      if (contender.wanted === 0) {
        this.settle(contender);
        continue;
      }
      const closing = line.node.lineage().find((node) => this.closed.has(node));
      const head = closing && this.closed.get(closing);
      const never = this.neverFits(contender, line.node);
      this.ends.set(contender, never ?? { kind: "Behind", head: head ?? contender });
    }
  }

  /** A task before the head fills its own places again before they free. */
  private releasesFor(head: Contender, line: Line): readonly Release[] {
    const before = new Map<Task, number>();
    for (const contender of line.contenders) {
      const left = contender.queued.startable - contender.taken;
      if (left > 0 && this.ends.get(contender)?.kind === "Served" && line.isBefore(contender, head)) {
        before.set(contender.task, left);
      }
    }
    const running = this.running().map((release) =>
      release.active && this.preemption.isLeaving(release.active) ? { ...release, at: head.contest.now } : release,
    );
    const kept = [...this.lines.values()].flatMap(({ node, contenders }) =>
      contenders.flatMap((each) => each.claims.map((room, i) => releaseOf(each, node, room, -1 - i))),
    );
    return inTime([...running, ...this.started, ...kept], (task) => before.get(task) ?? 0);
  }
}

/** The highest pool that its start would keep within its reservation: others lend it what it has reserved. */
function ownerOf(node: PoolNode, { shape, demand }: Contender): PoolNode | undefined {
  const below = node.lineage().slice(0, -1);
  return below.findLast((each) => each.covers(shape.request, demand, each.use));
}

function releaseOf({ contest, task, shape }: Contender, node: PoolNode, room: NodeRoom, shard: number): Release {
  const { likelyMs, limitMs } = expectationOf(task);
  return { at: contest.now + (limitMs ?? likelyMs), task, shard, room, node, request: shape.request };
}
