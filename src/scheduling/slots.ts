// Conservative backfill: each of the tasks in front has a slot of its own, a hold with an end, which later plans keep and
// only ever improve. Does not know whose turn it is.
import { type Hold, placedOn } from "./backfill.ts";
import type { Contender } from "./contender.ts";
import { expectationOf } from "./estimate.ts";
import { Later } from "./later.ts";
import { add, fits, type Ledger, type NodeRoom, type Request, timesIn } from "./ledger.ts";
import type { Line } from "./line.ts";
import type { Freeing, Refill, Release } from "./releases.ts";
import type { Amounts } from "./resources.ts";
import { firstFit, Track } from "./timeline.ts";
import type { PoolNode } from "./tree.ts";

/** More tasks of a pool have no hold: who is far behind is promised little that would last. */
const defaultHoldsMax = 100;

export class Slots {
  /** Those of all heads too, in the order in which they were made. */
  private readonly holds: Hold[];
  private readonly ledger: Ledger;
  private readonly now: number;
  private readonly releases: () => Freeing;
  private readonly tracks = new Map<Place, Track>();
  /** Lines of which nothing has ended since the last plan. */
  private readonly settled = new Set<Line>();
  /** Of those that are held since an earlier plan: whose moment has passed. */
  private readonly overdue = new Set<Contender>();
  /** Those that have been taken back and are not held again as they were: what they took from others is theirs again. */
  private readonly given = new Map<Contender, Hold>();
  /** Those that no earlier plan has left so. */
  private readonly fresh = new Set<Contender>();
  /** What was free when the plan began, and is once all have had their turn. */
  private atFirst: Amounts | undefined;
  private atLast: Amounts | undefined;
  private releasing: Map<Place, Release[]> | undefined;

  /** `releases`: of all that runs, has started in this plan, or has a place kept. */
  constructor(holds: Hold[], ledger: Ledger, now: number, releases: () => Freeing) {
    this.now = now;
    this.holds = holds;
    this.ledger = ledger;
    this.releases = releases;
  }

  /**
   * What earlier plans have promised to those of the line that still wait, unless somebody came in front of them. Where
   * nobody contends with it, a head is promised anew whenever something ends or somebody comes: time alone moves nothing.
   */
  restore(line: Line, isAlone: boolean): void {
    const { node, contenders, contest } = line;
    const { holds, free: before, usedAt = 0 } = node.pool.memory ?? {};
    const kept = new Map(holds?.map((hold) => [hold.task, hold]));
    if (kept.size === 0) return;
    this.atFirst ??= this.free();
    if (before && Object.entries(this.atFirst).every(([name, free]) => free <= (before[name] ?? 0)))
      this.settled.add(line);
    if (isAlone && !(this.settled.has(line) && contenders.every(({ task }) => task.created <= usedAt))) return;
    const waits = ({ wanted, shape, demand }: Contender): boolean =>
      wanted > 0 && shape.placesOnceOursEnd >= demand && node.neverWithin(shape.request, demand) === undefined;
    let newcomer: Contender | undefined;
    let unseen = kept.size;
    let count = 0;
    for (const contender of contenders) {
      if (unseen === 0) break;
      const hold = kept.get(contender.task.uid);
      if (hold === undefined) newcomer ??= waits(contender) ? contender : undefined;
      else unseen -= 1;
      if (hold === undefined || count >= maxOf(line) || !waits(contender)) continue;
      // Only priority and age put somebody in front of what is promised: an order that moves breaks no promise.
      if (newcomer !== undefined && line.leads(newcomer, contender)) break;
      const placed = hold.nodes.slice(0, contender.demand).flatMap((name) => this.ledger.roomNamed(name) ?? []);
      if (placed.length < contender.demand || !placed.every((room) => contender.shape.open.includes(room))) continue;
      this.keep(contender, node, Math.max(hold.at, contest.now), placed);
      this.fresh.delete(contender);
      if (hold.at < contest.now) this.overdue.add(contender);
      count += 1;
    }
  }

  /** What is held since an earlier plan: a start within a reservation waits for no promise that is made of what is lent. */
  keep(contender: Contender, node: PoolNode, at: number, placed: readonly NodeRoom[]): void {
    this.put(contender, node, at, placed, { isLent: isLent(contender, node) });
  }

  /** Takes back what is held for the task, so that it may find something better. */
  lift(contender: Contender): Hold | undefined {
    const index = this.holds.findIndex((hold) => hold.contender === contender);
    const hold = this.holds[index];
    if (hold === undefined) return undefined;
    this.takeFrom(hold, -1);
    this.holds.splice(index, 1);
    this.given.set(contender, hold);
    return hold;
  }

  /** A promise that was due is not kept, so the room is not what it was thought to be: those behind are promised anew. */
  breakBehind(line: Line, head: Contender): void {
    const isBefore = line.isBefore(head);
    for (const { contender } of [...this.holds]) {
      if (contender.contest === line.contest && !isBefore(contender)) this.lift(contender);
    }
  }

  /** What is late goes on being next: what other pools were promised for later is promised anew, in their turn. */
  breakLater({ contest }: Contender): void {
    for (const { contender, at } of [...this.holds]) {
      if (contender.contest !== contest && contender.end === undefined && at > contest.now) this.lift(contender);
    }
  }

  /** Something is held that no earlier plan has held so, or is not held any more. */
  get haveChanged(): boolean {
    return this.fresh.size > 0 || this.given.size > 0;
  }

  /** Whether somebody of the line who is within a reservation waits for a promise that is made of what is lent. */
  lendTo({ contenders, node }: Line): boolean {
    if (!node.belowRoot().some(({ pool }) => pool.reservation)) return false;
    return contenders.some(
      ({ end, shape }) => end?.kind === "Held" && !isLent({ shape }, node) && isLent(end.hold.contender, end.hold.node),
    );
  }

  /** Whether one of another pool, or one of its own that may move since something else is held otherwise, holds somebody back. */
  holdBack(line: Line): boolean {
    const gains = this.gains(line);
    return line.contenders.some(
      ({ end }) => end?.kind === "Held" && (gains || end.hold.contender.contest !== line.contest),
    );
  }

  private gains(line: Line): boolean {
    const own = this.ofLine(line);
    const moved = [...this.given.values(), ...this.holds.filter(({ contender }) => this.fresh.has(contender))];
    return moved.some(({ contender, node, placed }) =>
      own.some(
        (hold) =>
          hold.contender !== contender &&
          (placed.some(({ index }) => hold.contender.shape.isOpen[index]) ||
            node.limits.some((pool) => hold.limitSpareOf.has(pool))),
      ),
    );
  }

  /** The moment of what is held has come, and all that its places lack is about to be free: it stands. */
  isAtHand({ contender, node, at, placed }: Hold): boolean {
    if (at > this.now) return false;
    const { request } = contender.shape;
    const left = this.leftAt([...placed, ...node.limits], this.now);
    const isRoomOn = (room: NodeRoom): boolean => {
      const free = left.get(room) ?? none;
      const isRoom = fits(request, free);
      add(free, request, -1);
      return isRoom;
    };
    return (
      placed.every(isRoomOn) && node.limits.every((pool) => timesIn(request, left.get(pool) ?? none) >= placed.length)
    );
  }

  isOverdue(contender: Contender): boolean {
    return this.overdue.has(contender);
  }

  /**
   * The earliest slot that leaves all others as they are, or the one that it had if that is no later. `refills` are the
   * places that tasks in front of it fill again. Undefined where it never comes, or enough tasks of the line have theirs.
   */
  make(contender: Contender, line: Line, refills: readonly Refill[], had: Hold | undefined): Hold | undefined {
    if (this.ofLine(line).length >= maxOf(line)) return undefined;
    const { shape, demand, contest } = contender;
    // As long as nothing ends, nothing can come earlier but by what others left behind when they moved: it may wait.
    if (had !== undefined && had.at > contest.now && this.settled.has(line)) {
      return this.put(contender, line.node, had.at, had.placed);
    }
    if (had !== undefined && this.isAtHand(had)) return this.put(contender, line.node, contest.now, had.placed);
    const lengthMs = lengthOf(contender);
    this.refill(refills, -1);
    const rooms = shape.open.map((room) => this.trackOf(room));
    const limits = line.node.limits.map((pool) => this.trackOf(pool));
    const at = firstFit(shape.request, demand, lengthMs, contest.now, rooms, limits);
    const stands = had !== undefined && had.at > contest.now && had.at <= (at ?? Number.POSITIVE_INFINITY);
    const placed = stands || at === undefined ? [] : this.place(contender, at, at + lengthMs, had?.placed);
    this.refill(refills, 1);
    if (stands) return this.put(contender, line.node, had.at, had.placed);
    return at === undefined ? undefined : this.put(contender, line.node, at, placed);
  }

  /** For the next plan to keep. */
  leave(line: Line): void {
    const holds = this.ofLine(line).filter(({ owner }) => owner === undefined);
    if (holds.length === 0) return;
    this.atLast ??= this.free();
    line.slots = { holds, free: this.atLast };
  }

  /** On all nodes that may take a shard. */
  free(): Amounts {
    const sum = this.ledger.vectorOf({}, 0);
    for (const { free, usable } of this.ledger.rooms) {
      for (let i = 0; usable && i < sum.length; i += 1) sum[i] = (sum[i] ?? 0) + (free[i] ?? 0);
    }
    return this.ledger.amountsOf(sum);
  }

  ofLine(line: Line): readonly Hold[] {
    return this.holds.filter(({ contender }) => contender.contest === line.contest);
  }

  /** A shard has started: its place is taken until then. */
  started(release: Release): void {
    const { room, node, request, at } = release;
    for (const place of placesOf(room, node)) {
      this.tracks.get(place)?.change(request, this.now, at, -1);
      if (this.releasing) note(this.releasing, place, release);
    }
  }

  /** What is free has changed in another way. */
  forget(): void {
    this.tracks.clear();
    this.releasing = undefined;
  }

  private place(
    contender: Contender,
    at: number,
    until: number,
    had: readonly NodeRoom[] | undefined,
  ): readonly NodeRoom[] {
    const free = new Map(contender.shape.open.map((room) => [room, this.trackOf(room).leastDuring(at, until)]));
    return placedOn(contender, (room) => free.get(room) ?? none, had);
  }

  /**
   * What others may take, beyond the slot, is what is left of its places when it begins: the same whether it is newly made
   * or kept, or the next plan would start what this one refuses.
   */
  put(
    contender: Contender,
    node: PoolNode,
    at: number,
    placed: readonly NodeRoom[],
    { owner, isLent = false }: { readonly owner?: PoolNode | undefined; readonly isLent?: boolean } = {},
  ): Hold {
    const slot = { contender, node, at, until: at + lengthOf(contender), placed };
    // Many slots share the timeline of a place; one head asks for one moment.
    if (node.pool.backfill?.policy === "Conservative")
      for (const place of [...placed, ...node.limits]) this.trackOf(place);
    const left = this.leftAt([...placed, ...node.limits], at);
    const { request } = contender.shape;
    for (const room of placed) add(left.get(room) ?? none, request, -1);
    for (const pool of node.limits) add(left.get(pool) ?? none, request, -placed.length);
    this.takeFrom(slot, 1);
    const before = this.given.get(contender);
    if (before?.at === at && before.placed.every((room, i) => room === placed[i])) this.given.delete(contender);
    else this.fresh.add(contender);
    const spareOf = new Map(placed.map((room) => [room.index, left.get(room) ?? none]));
    const limitSpareOf = new Map(node.limits.map((pool) => [pool, left.get(pool) ?? none]));
    const hold: Hold = { ...slot, spareOf, limitSpareOf, owner, isLent };
    this.holds.push(hold);
    return hold;
  }

  /** What each of the places is expected to have left then, beyond what is held. */
  private leftAt(places: readonly Place[], at: number): ReadonlyMap<Place, Float64Array | undefined> {
    const left = new Map<Place, Float64Array | undefined>();
    for (const place of places) left.set(place, this.tracks.get(place)?.at(at).slice());
    const untold = places.filter((place) => left.get(place) === undefined);
    if (untold.length > 0) {
      const later = this.laterAt(at, untold);
      for (const place of untold) left.set(place, "free" in place ? later.of(place) : later.under(place));
    }
    return left;
  }

  private laterAt(at: number, places: readonly Place[]): Later {
    const asked = new Array<boolean>(this.ledger.rooms.length).fill(false);
    for (const place of places) if ("free" in place) asked[place.index] = true;
    const limits = places.filter((place) => "limits" in place);
    const later = new Later(asked, limits);
    for (const hold of this.holds) if (hold.at <= at && at < hold.until) later.take(hold);
    for (const freed of this.releases().all) later.giveUntil(at, freed);
    return later;
  }

  /** From what is free over time, and from what other holds that begin meanwhile have left. */
  private takeFrom({ contender, node, at, until, placed }: Slot, factor: 1 | -1): void {
    const { request } = contender.shape;
    const others = this.holds.filter((other) => at <= other.at && other.at < until);
    for (const room of placed) {
      this.tracks.get(room)?.change(request, at, until, -factor);
      for (const { spareOf } of others) take(spareOf.get(room.index), request, factor);
    }
    for (const pool of node.limits) {
      this.tracks.get(pool)?.change(request, at, until, -factor * placed.length);
      for (const { limitSpareOf } of others) take(limitSpareOf.get(pool), request, factor * placed.length);
    }
  }

  private refill(refills: readonly Refill[], factor: 1 | -1): void {
    for (const { release, until } of refills) {
      const { room, node, request, at } = release;
      for (const place of placesOf(room, node)) this.trackOf(place).change(request, at, until, factor);
    }
  }

  private trackOf(place: Place): Track {
    let track = this.tracks.get(place);
    if (track === undefined) {
      track = this.lay(place);
      this.tracks.set(place, track);
    }
    return track;
  }

  private lay(place: Place): Track {
    const track = new Track(this.now, freeIn(place));
    for (const { request, at } of this.releasingOf(place)) track.change(request, at, Number.POSITIVE_INFINITY, 1);
    for (const hold of this.holds) {
      const count = countIn(hold, place);
      if (count > 0) track.change(hold.contender.shape.request, hold.at, hold.until, -count);
    }
    return track;
  }

  private releasingOf(place: Place): readonly Release[] {
    if (this.releasing === undefined) {
      this.releasing = new Map();
      for (const release of this.releases().all.flat()) {
        for (const each of placesOf(release.room, release.node)) note(this.releasing, each, release);
      }
    }
    return this.releasing.get(place) ?? [];
  }
}

type Place = NodeRoom | PoolNode;
type Slot = Pick<Hold, "contender" | "node" | "at" | "until" | "placed">;

const none = new Float64Array();

/** Whether no reservation covers its next shard. */
function isLent({ shape }: Pick<Contender, "shape">, node: PoolNode): boolean {
  return !node.belowRoot().some((each) => each.keepsWithin(shape.request));
}

/** Now, in a vector of its own. */
function freeIn(place: Place): Float64Array {
  return "free" in place ? place.free.slice() : place.limit.map((limit, i) => limit - (place.use[i] ?? 0));
}

/** How many places of the hold are there, or count there. */
function countIn({ placed, node }: Hold, place: Place): number {
  if (!("free" in place)) return node.lineage().includes(place) ? placed.length : 0;
  let count = 0;
  for (const room of placed) if (room === place) count += 1;
  return count;
}

function note(map: Map<Place, Release[]>, place: Place, release: Release): void {
  if (map.get(place)?.push(release) === undefined) map.set(place, [release]);
}

function placesOf(room: NodeRoom | undefined, node: PoolNode | undefined): readonly Place[] {
  const limits = node === undefined ? [] : node.limits;
  return room === undefined ? limits : [room, ...limits];
}

function lengthOf({ task }: Contender): number {
  const { likelyMs, limitMs } = expectationOf(task);
  return Math.max(1, limitMs ?? likelyMs);
}

function maxOf({ node }: Line): number {
  const { policy, holdsMax = defaultHoldsMax } = node.pool.backfill ?? {};
  return policy === "Conservative" ? holdsMax : 1;
}

function take(vector: Float64Array | undefined, request: Request, count: number): void {
  if (vector) add(vector, request, -count);
}
