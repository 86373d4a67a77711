// The contest for places: whose turn it is, what each takes, and who has to wait for what. Knows the tree, the lines and
// the holds by what they answer; has no words for people.
import { delayedBy, type Hold, makeHold, type Promised, sparesTaken } from "./backfill.ts";
import type { Contender } from "./contender.ts";
import type { Start } from "./decision.ts";
import { ExpectedEnds, releaseOf } from "./expected-ends.ts";
import type { Shape } from "./fit.ts";
import { add, type Ledger, type NodeRoom } from "./ledger.ts";
import type { Line } from "./line.ts";
import { countStarts } from "./memory.ts";
import type { Backfill, Task } from "./model.ts";
import { compareText } from "./order/chain.ts";
import type { Preemption } from "./preemption.ts";
import type { Releases } from "./releases.ts";
import { Slots } from "./slots.ts";
import { type PoolNode, weightedShare } from "./tree.ts";

/**
 * Served: it has all that it may take. Promised: places are kept for the rest until what stops there has ended. NoRoom:
 * the next shard fits nowhere now. Limited: the limit of the pool `at` is reached. Held: it fits, but would delay the
 * task of `hold`. Behind: it was not tried, since `head` waits. NeverFits: no node, or the limit of the pool `at`, could
 * ever hold one shard.
 */
export type TurnEnd =
  | { readonly kind: "Served" }
  | { readonly kind: "Promised" }
  | { readonly kind: "NoRoom" }
  | { readonly kind: "Limited"; readonly at: PoolNode }
  | { readonly kind: "Held"; readonly hold: Hold }
  | { readonly kind: "Behind"; readonly head: Contender }
  | { readonly kind: "NeverFits"; readonly at?: PoolNode };

const served: TurnEnd = { kind: "Served" };
const noRoom: TurnEnd = { kind: "NoRoom" };

/** Classes, since they live as long as the plan and lead to all of it. */
class Limited {
  readonly kind = "Limited";
  readonly at: PoolNode;

  constructor(at: PoolNode) {
    this.at = at;
  }
}

class HeldBack {
  readonly kind = "Held";
  readonly hold: Hold;

  constructor(hold: Hold) {
    this.hold = hold;
  }
}

class Behind {
  readonly kind = "Behind";
  readonly head: Contender;

  constructor(head: Contender) {
    this.head = head;
  }
}

/** What a backfill policy means: whether anybody passes a task that waits, and whether its place is kept meanwhile. */
const passing: Readonly<
  Record<Backfill["policy"], { readonly letsPass: boolean; readonly holdsFor?: "Head" | "Each" }>
> = {
  None: { letsPass: false },
  BestEffort: { letsPass: true },
  Easy: { letsPass: true, holdsFor: "Head" },
  Conservative: { letsPass: true, holdsFor: "Each" },
};

/**
 * Gives turns until nobody is left who could take something, and leaves with each contender how they ended. The starts
 * come in the order of the turns. `running` is asked for only where a hold is made.
 */
export function takeTurns(
  root: PoolNode | undefined,
  lines: readonly Line[],
  ledger: Ledger,
  running: () => Releases,
  preemption: Preemption,
): readonly Start[] {
  return root === undefined ? [] : new Turns(root, lines, ledger, running, preemption).run();
}

class Turns {
  private readonly root: PoolNode;
  private readonly lines: ReadonlyMap<PoolNode, Line>;
  private readonly isAlone: boolean;
  private readonly starts: Start[] = [];
  private readonly ledger: Ledger;
  private readonly holds: Hold[] = [];
  private readonly slots: Slots;
  /** By shape, the earliest end of a shard that may pass nowhere. Room only shrinks: nor may one that ends later. */
  private readonly refused = new Map<Line, Map<Shape, number>>();
  private readonly heldBy = new Map<Hold, TurnEnd>();
  /** Pools below which nobody has a turn any more, and the task that waits there. */
  private readonly closed = new Map<PoolNode, Contender>();
  /** Lines of which a task waits in front: who comes next passes it. */
  private readonly passed = new Set<Line>();
  /** Who has had all that it may take, though a place given up may have brought it back into its line. */
  private readonly settled: Contender[] = [];
  private readonly ends: ExpectedEnds;
  private readonly preemption: Preemption;

  constructor(root: PoolNode, lines: readonly Line[], ledger: Ledger, running: () => Releases, preemption: Preemption) {
    this.ends = new ExpectedEnds(running, preemption);
    this.preemption = preemption;
    this.root = root;
    this.lines = new Map(lines.map((line) => [line.node, line]));
    this.isAlone = lines.filter((line) => line.peek()).length === 1;
    this.ledger = ledger;
    const now = lines[0]?.contest.now ?? 0;
    this.slots = new Slots(this.holds, ledger, now, () => this.ends.releases());
  }

  run(): readonly Start[] {
    for (const line of this.lines.values()) {
      for (const contender of line.full) if (contender.claims.length === 0) this.settle(contender);
      if (passingOf(line).holdsFor) this.slots.restore(line, this.isAlone && !holdsForEach(line));
    }
    for (let line = this.next(this.root); line !== undefined; line = this.next(this.root)) this.serve(line);
    for (const line of this.lines.values()) this.leaveBehind(line);
    this.tellWhoIsOpen();
    for (const line of this.lines.values()) if (passingOf(line).holdsFor) this.slots.leave(line);
    return this.starts;
  }

  /**
   * Where something is held otherwise than before, a pass more may find a hold that moves, or somebody who passes after all.
   * Where each pool has one hold, which later plans keep, that is asked at once: it costs less than a pass. Of many, of an
   * order that moves, and of what is on its way out, only the pass itself knows.
   */
  private tellWhoIsOpen(): void {
    const lines = [...this.lines.values()];
    const isUnknown = lines.some((line) => line.moves || holdsForEach(line)) || this.preemption.leavers.size > 0;
    const areOwned = this.holds.some(({ owner }) => owner !== undefined);
    const isKnown = !isUnknown && !areOwned;
    // A start may change whose turn comes first: before the task that lends no more, or within a reservation.
    const mayTurn = this.starts.length > 0 && (areOwned || (isKnown && lines.some((line) => this.slots.lendTo(line))));
    if (isKnown && !mayTurn && !this.slots.haveChanged) return;
    const held = lines.filter((line) => this.slots.holdBack(line));
    if (held.length === 0) return;
    const isMoving = !isKnown || this.wouldAnyMove(lines);
    for (const line of held) line.isOpen = isMoving || this.letsSomebodyPass(line);
    for (const line of held) line.mayTurn = mayTurn && line.isOpen;
  }

  /** As the next pass finds them: all are kept since this one. */
  private wouldAnyMove(lines: readonly Line[]): boolean {
    for (const { contender, node, at, placed } of [...this.holds]) {
      this.slots.lift(contender);
      this.slots.keep(contender, node, at, placed);
    }
    return lines.some((line) => this.slots.ofLine(line).some((hold) => this.wouldMove(hold, line)));
  }

  /** Or its task would start. */
  private wouldMove(hold: Hold, line: Line): boolean {
    const { contender, node, at, placed } = hold;
    this.slots.lift(contender);
    this.refused.delete(line);
    const isRoom = !("kind" in this.roomFor(contender, line));
    const promised = isRoom ? undefined : this.promise(contender, line, hold);
    this.slots.keep(contender, node, at, placed);
    return promised?.at !== at || !placed.every((room, i) => room === promised.placed[i]);
  }

  private letsSomebodyPass(line: Line): boolean {
    this.refused.delete(line);
    return line.contenders.some((contender) => {
      if (contender.end?.kind !== "Held") return false;
      const found = this.roomFor(contender, line);
      if (!("kind" in found)) return true;
      contender.end = found;
      if (found.kind === "Held") this.passesNowhere(contender, line);
      return false;
    });
  }

  /** Top down: pools below their reservation first, then by weighted dominant share, then by name; own tasks go first. */
  private next(node: PoolNode): Line | undefined {
    if (this.closed.has(node)) return undefined;
    const own = this.lines.get(node);
    let best = own && this.front(own) ? own : undefined;
    if (node.children.length === 0) return best;
    let bestWithin = 1;
    let bestShare = weightedShare(node.ownUse, undefined, node.capacity);
    let bestName = "";
    for (let i = 0; i < node.children.length; i += 1) {
      const child = node.children[i] as PoolNode;
      const line = this.next(child);
      const request = line?.peek()?.shape.request;
      if (line === undefined || request === undefined) continue;
      const share = weightedShare(child.use, child.reserved, node.capacity, child.pool.shares);
      const within = child.keepsWithin(request) ? 0 : 1;
      const order = within - bestWithin || share - bestShare || compareText(child.pool.name, bestName);
      if (best !== undefined && order >= 0) continue;
      best = line;
      bestWithin = within;
      bestShare = share;
      bestName = child.pool.name;
    }
    return best;
  }

  /** The first that could start something if places were free: what could not does not decide whose turn its pool has. */
  private front(line: Line): Contender | undefined {
    for (let contender = line.peek(); contender !== undefined; contender = line.peek()) {
      const { shape, demand, claims } = contender;
      const at = line.node.neverWithin(shape.request, demand);
      if (claims.length > 0 || (at === undefined && shape.placesOnceOursEnd >= demand)) return contender;
      line.pop();
      contender.end = this.neverFits(contender, line.node) ?? (at ? new Limited(at) : noRoom);
    }
    return undefined;
  }

  private serve(line: Line): void {
    const contender = line.peek();
    line.pop();
    if (contender === undefined) return;
    const had = this.slots.lift(contender);
    this.redeem(contender, line.node);
    if (contender.wanted === 0 || contender.isGathering) {
      this.settle(contender);
      return;
    }
    // Alone and in a fixed order it takes all at once: nobody could come between. Who stands in front by age or by a hold
    // does so until something of it starts, and an older task may come next.
    const takesAll = this.isAlone && !line.moves && !contender.isAged && !contender.isHead;
    const count = takesAll ? contender.wanted : contender.demand;
    const before = contender.taken;
    let refusal = this.start(contender, line, count);
    const promised = contender.taken > before ? undefined : had;
    // What is on its way out counts as free at once, and may take its time: what was promised on it stands meanwhile.
    const mayBreak = holdsForEach(line) || this.preemption.leavers.size > 0;
    const isAtHand = mayBreak && promised !== undefined && this.slots.isAtHand(promised);
    if (promised !== undefined && promised.at <= contender.contest.now && holdsForEach(line) && !isAtHand) {
      this.slots.breakBehind(line, contender);
      refusal = this.start(contender, line, count);
    }
    if (refusal !== undefined && this.preemption.leavers.size > 0 && this.slots.isOverdue(contender) && !isAtHand) {
      this.slots.breakLater(contender);
    }
    if (refusal !== undefined && !this.preempt(line, contender)) this.refuse(line, contender, refusal, promised);
    else if (contender.wanted > 0 && !contender.isGathering) line.push(contender);
    else this.settle(contender);
  }

  private settle(contender: Contender): void {
    contender.end = contender.claims.length > 0 ? { kind: "Promised" } : served;
    this.settled.push(contender);
  }

  private neverFits({ shape }: Contender, node: PoolNode): TurnEnd | undefined {
    const at = node.neverWithin(shape.request);
    if (at) return { kind: "NeverFits", at };
    // Without any node nothing is known of what could fit: the pool is not ready, and nobody needs to act on the task.
    return this.ledger.rooms.length > 0 && shape.neverFits ? { kind: "NeverFits" } : undefined;
  }

  /** Starts up to `count` shards; the first few together or not at all, where the task wants it so. */
  private start(contender: Contender, line: Line, count: number): TurnEnd | undefined {
    const { shape, task, contest, demand, likelyEnd, isAged } = contender;
    const { node } = line;
    const checkpoint = this.ledger.checkpoint();
    const rooms: NodeRoom[] = [];
    let refusal: TurnEnd | undefined;
    while (rooms.length < count && refusal === undefined) {
      const room = this.roomFor(contender, line);
      if ("kind" in room) {
        refusal = room;
      } else {
        this.ledger.reserve(room, shape.request, node.uses, sparesTaken(this.holds, room, node, likelyEnd));
        rooms.push(room);
      }
    }
    if (rooms.length === 0 && refusal?.kind === "Held") this.passesNowhere(contender, line);
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
      const release = releaseOf(contender, node, room, start.shard);
      this.starts.push(start);
      this.ends.add(release);
      this.slots.started(release);
    }
  }

  /** Starts what an earlier plan, or this one, has made room for, where the room is free by now. */
  private redeem(contender: Contender, node: PoolNode): void {
    if (contender.claims.length === 0) return;
    this.send(contender, node, this.preemption.redeem(contender, node), contender.hasWaitedLong);
    this.slots.forget();
  }

  /** Else whom may it preempt? Only for a task that goes first: who passes another stops nobody. */
  private preempt(line: Line, contender: Contender): boolean {
    if (this.passed.has(line)) return false;
    const { shape, contest, task, likelyEnd } = contender;
    const take = (rooms: readonly NodeRoom[], factor: 1 | -1): void => {
      for (const room of rooms) {
        for (const spare of sparesTaken(this.holds, room, line.node, likelyEnd)) add(spare, shape.request, factor);
      }
    };
    const mayUse = (room: NodeRoom, beside: readonly NodeRoom[]): boolean => {
      take(beside, -1);
      const may = delayedBy(this.holds, room, line.node, shape.request, likelyEnd) === undefined;
      take(beside, 1);
      return may;
    };
    const before = contender.claims.length;
    const displaced = this.preemption.makeRoom(contender, line.node, mayUse);
    if (displaced === undefined) return false;
    const rooms = contender.claims.slice(before);
    countStarts(contest, task, rooms.length);
    take(rooms, -1);
    // Places given back are room again.
    if (displaced.length > 0) {
      this.refused.clear();
      for (const each of this.lines.values()) each.bringBack();
    }
    this.slots.forget();
    for (const other of displaced) {
      other.contest.changes += 1;
      if (other.end === undefined) continue;
      other.end = undefined;
      this.lineOf(other)?.push(other);
    }
    this.redeem(contender, line.node);
    return true;
  }

  private lineOf(contender: Contender): Line | undefined {
    return [...this.lines.values()].find(({ contest }) => contest === contender.contest);
  }

  private roomFor({ shape, likelyEnd }: Contender, line: Line): NodeRoom | TurnEnd {
    const { node } = line;
    const limit = node.limitedBy(shape.request);
    if (limit) return new Limited(limit);
    const best = shape.candidates.best();
    if (best === undefined) return noRoom;
    const hold = delayedBy(this.holds, best, node, shape.request, likelyEnd);
    if (hold === undefined) return best;
    const refusedFrom = this.refused.get(line)?.get(shape) ?? Number.POSITIVE_INFINITY;
    const room = likelyEnd < refusedFrom ? this.otherRoomFor(shape, node, likelyEnd) : undefined;
    return room ?? this.heldFor(hold);
  }

  /** The best of those where it delays nothing. Makes a function, and does nothing else: to make none costs, too. */
  private otherRoomFor({ candidates, request }: Shape, node: PoolNode, likelyEnd: number): NodeRoom | undefined {
    return candidates.best((room) => delayedBy(this.holds, room, node, request, likelyEnd) === undefined);
  }

  /** One for all whom it holds back. */
  private heldFor(hold: Hold): TurnEnd {
    const known = this.heldBy.get(hold);
    if (known !== undefined) return known;
    const end = new HeldBack(hold);
    this.heldBy.set(hold, end);
    return end;
  }

  private passesNowhere({ shape, likelyEnd }: Contender, line: Line): void {
    // Each was asked without its own hold, so what refused one says nothing of the next.
    if (holdsForEach(line)) return;
    const ofLine = this.refused.get(line) ?? new Map<Shape, number>();
    this.refused.set(line, ofLine.set(shape, Math.min(likelyEnd, ofLine.get(shape) ?? likelyEnd)));
  }

  private refuse(line: Line, contender: Contender, refusal: TurnEnd, had: Hold | undefined): void {
    contender.end = refusal;
    const { letsPass, holdsFor } = passingOf(line);
    if (holdsFor === "Each") {
      const slot = this.slots.make(contender, line, this.ends.refills(this.waitingBefore(contender, line)), had);
      line.hold ??= slot;
      if (slot) this.passed.add(line);
      return;
    }
    // One for which no end of shards makes room is passed over: then the next is the head.
    const isFirst = !this.passed.has(line);
    if (!holdsFor) this.passed.add(line);
    if (!letsPass) this.closed.set(refusal.kind === "Limited" ? refusal.at : this.root, contender);
    // Below its reservation it has a hold in any case: nothing more is lent there, whoever passes in its own pool.
    const owner = holdsFor || refusal.kind === "Limited" ? undefined : ownerOf(line.node, contender);
    if (line.hold !== undefined || !(holdsFor || (letsPass && isFirst && owner))) return;
    const kept = this.promise(contender, line, had);
    if (kept === undefined) return;
    const hold = this.slots.put(contender, line.node, kept.at, kept.placed, { owner });
    this.passed.add(line);
    const known = new Map<Shape, TurnEnd | undefined>();
    line.passBehind(hold, (each) => {
      if (!known.has(each.shape)) known.set(each.shape, this.waitsAnyhow(each, line.node));
      const end = each.claims.length === 0 ? known.get(each.shape) : undefined;
      if (end !== undefined) each.end = end;
      return end !== undefined;
    });
  }

  /** A promise that stands is kept as it is, unless it may be made anew, no later. */
  private promise(contender: Contender, line: Line, had: Hold | undefined): Promised | undefined {
    const releases = this.ends.releases(this.waitingBefore(contender, line));
    const { now } = contender.contest;
    const isPromise = had !== undefined && had.at > now;
    const until = isPromise ? had.at : undefined;
    const atHand = had !== undefined && this.slots.isAtHand(had) ? { at: now, placed: had.placed } : undefined;
    const made = atHand ? undefined : makeHold(contender, line.node, releases, this.holds, had, until);
    const isSooner = isPromise && had.at < (made?.at ?? Number.POSITIVE_INFINITY);
    return atHand ?? (isSooner ? had : made);
  }

  /** Why nothing of its shape could start now, whoever goes first. */
  private waitsAnyhow(contender: Contender, node: PoolNode): TurnEnd | undefined {
    const never = this.neverFits(contender, node);
    if (never) return never;
    const limit = node.limitedBy(contender.shape.request);
    if (limit) return new Limited(limit);
    return contender.shape.candidates.best() === undefined ? noRoom : undefined;
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
      contender.end = never ?? new Behind(head ?? contender);
    }
  }

  /** A task before the head fills its own places again before they free: so many shards of each. */
  private waitingBefore(head: Contender, line: Line): ReadonlyMap<Task, number> {
    const before = new Map<Task, number>();
    const isInFront = line.isInFront(head);
    for (const contender of this.settled) {
      if (contender.contest !== line.contest || contender.end?.kind !== "Served") continue;
      const left = contender.queued.startable - contender.taken;
      if (left > 0 && isInFront(contender)) before.set(contender.task, left);
    }
    return before;
  }
}

function passingOf({ node }: Line): (typeof passing)[Backfill["policy"]] {
  return passing[node.pool.backfill?.policy ?? "None"];
}

function holdsForEach(line: Line): boolean {
  return passingOf(line).holdsFor === "Each";
}

/** The highest pool that its start would keep within its reservation: others lend it what it has reserved. */
function ownerOf(node: PoolNode, { shape, demand }: Contender): PoolNode | undefined {
  return node.belowRoot().findLast((each) => each.covers(shape.request, demand, each.use));
}
