// Holds: the place that is kept for a task which waits in front, and who may use it meanwhile. EASY, over nodes, several
// resources and limits at once. Does not know in which order candidates are tried.
import type { Contender } from "./contender.ts";
import { add, fits, type Ledger, type NodeRoom, type Request, timesIn } from "./ledger.ts";
import type { Release, Walk } from "./releases.ts";
import type { PoolNode } from "./tree.ts";

export interface Hold {
  readonly contender: Contender;
  readonly node: PoolNode;
  /** T: when the task in front is expected to start. */
  readonly at: number;
  /** When the place is expected to be free again. */
  readonly until: number;
  /** By room index: what the held nodes are expected to have left at T beyond what the hold needs. */
  readonly spareOf: ReadonlyMap<number, Float64Array>;
  /** The same for each limit above the task. */
  readonly limitSpareOf: ReadonlyMap<PoolNode, Float64Array>;
  readonly placed: readonly NodeRoom[];
  /** Set: the place is kept from those alone who would borrow it from this pool. Absent: from everybody. */
  readonly owner: PoolNode | undefined;
  /** Set: kept since an earlier plan on what no reservation of its own covers. Who is within one need not wait for it. */
  readonly isLent?: boolean;
}

/** When, and where. */
export type Promised = Pick<Hold, "at" | "placed">;

/**
 * Walks the releases, the earliest first, until the task's demand (its next shards that must start together) fits on
 * nodes and under every limit. Earlier holds stay held, until what is to start there is expected to end. Undefined when
 * that never comes: such a task holds nothing. It is not expected before the time of the hold that it `had`, so that what
 * is free by then need not be put in order, and after `until` nobody asks for it.
 */
export function makeHold(
  contender: Contender,
  node: PoolNode,
  walkReleases: () => Walk,
  earlier: readonly Hold[],
  ledger: Ledger,
  had?: Promised,
  until: number = Number.POSITIVE_INFINITY,
  from: number = had?.at ?? Number.NEGATIVE_INFINITY,
): Promised | undefined {
  const { shape, demand } = contender;
  const { request } = shape;
  const free = new Later(ledger);
  const spare = new Map(node.limits.map((each) => [each, each.limit.map((limit, i) => limit - (each.use[i] ?? 0))]));
  for (const hold of earlier) {
    for (const room of hold.placed) add(free.of(room.index), hold.contender.shape.request, -1);
    for (const each of hold.node.limits) {
      const left = spare.get(each);
      if (left) add(left, hold.contender.shape.request, -hold.placed.length);
    }
  }
  /** What is left under the limits that a shard of the pool counts against. */
  const above = new Map<PoolNode | undefined, readonly Float64Array[]>();
  const leftAbove = (pool: PoolNode | undefined): readonly Float64Array[] => {
    let left = above.get(pool);
    if (left === undefined) {
      left = (pool?.limits ?? []).flatMap((each) => spare.get(each) ?? []);
      above.set(pool, left);
    }
    return left;
  };
  const walk = withEndsOf(earlier, walkReleases());
  let next = walk();
  const take = (release: Freed): void => {
    for (const left of leftAbove(release.node)) add(left, release.request, 1);
    const index = release.room?.index ?? -1;
    if (shape.isOpen[index]) add(free.of(index), release.request, 1);
    next = walk();
  };
  const countOn = (index: number): number => Math.min(demand, timesIn(request, free.at(index)));
  const fitsUnder = (): boolean => [...spare.values()].every((left) => timesIn(request, left) >= demand);
  const isEnough = (): boolean =>
    fitsUnder() && shape.open.reduce((room, { index }) => room + countOn(index), 0) >= demand;
  const hold = (at: number): Promised => {
    return { at, placed: placedOn(contender, ({ index }) => free.at(index), had?.placed) };
  };

  while (next && next.at < from) take(next);
  if (isEnough()) {
    if (from === Number.NEGATIVE_INFINITY) return hold(contender.contest.now);
    return makeHold(contender, node, walkReleases, earlier, ledger, had, undefined, Number.NEGATIVE_INFINITY);
  }
  while (next?.at === from) take(next);
  if (isEnough()) return hold(from);

  let room = shape.open.reduce((sum, { index }) => sum + countOn(index), 0);
  while (next && next.at <= until) {
    const release: Freed = next;
    const index = release.room?.index ?? -1;
    const before = shape.isOpen[index] ? countOn(index) : 0;
    take(release);
    if (shape.isOpen[index]) room += countOn(index) - before;
    // All that is free at one moment counts together.
    const isWhole = next?.at !== release.at;
    if (isWhole && room >= demand && fitsUnder()) return hold(release.at);
  }
  return undefined;
}

/** What is expected to be free again at a moment. */
type Freed = Pick<Release, "at" | "room" | "node" | "request">;

/** The releases, and the ends of what the holds are for, the earliest first. */
function withEndsOf(holds: readonly Hold[], walk: Walk): () => Freed | undefined {
  if (holds.length === 0) return walk;
  const ends = holds.flatMap(({ contender, node, until, placed }) =>
    placed.map((room): Freed => ({ at: until, room, node, request: contender.shape.request })),
  );
  ends.sort((a, b) => b.at - a.at);
  let release = walk();
  return () => {
    const end = ends.at(-1);
    if (end !== undefined && !(release && release.at < end.at)) return ends.pop();
    const first = release;
    release = walk();
    return first;
  };
}

/**
 * Names the nodes at T by the pool's own placement, as they will be then: those that the task had, if they do. A plan that
 * repeats the last one would else keep other nodes, and start somebody on those that it gives up.
 */
export function placedOn(
  { shape, demand }: Contender,
  freeOn: (room: NodeRoom) => Float64Array,
  had: readonly NodeRoom[] = [],
): readonly NodeRoom[] {
  const { request, open, placement } = shape;
  const timesOn = Map.groupBy(had, (room) => room);
  const fitsAgain = [...timesOn].every(([room, times]) => timesIn(request, freeOn(room)) >= times.length);
  if (had.length === demand && fitsAgain) return had;
  const left = new Map<NodeRoom, Float64Array>();
  const placed: NodeRoom[] = [];
  while (placed.length < demand) {
    let best: NodeRoom | undefined;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (const room of open) {
      const free = left.get(room) ?? freeOn(room);
      if (!fits(request, free)) continue;
      const score = placement.score({ ...room, free }, request);
      if (best === undefined || score > bestScore) [best, bestScore] = [room, score];
    }
    if (best === undefined) break;
    const free = left.get(best) ?? freeOn(best).slice();
    add(free, request, -1);
    left.set(best, free);
    placed.push(best);
  }
  return placed;
}

/** Whether such a shard may start on the node without delaying anything that is held. */
export function mayPass(
  holds: readonly Hold[],
  room: NodeRoom,
  node: PoolNode,
  request: Request,
  endsAt: number,
): boolean {
  return holds.every(
    (hold) =>
      endsAt <= hold.at ||
      !binds(hold, node, request) ||
      sparesOf(hold, room, node).every((spare) => fits(request, spare)),
  );
}

/** Who is within a reservation of its own borrows nothing. */
function binds({ owner, isLent, node: holder }: Hold, node: PoolNode, request: Request): boolean {
  if (owner === undefined && (!isLent || node === holder)) return true;
  const below = node.lineage();
  if (owner !== undefined && below.includes(owner)) return false;
  return !below.slice(0, -1).some((each) => each.keepsWithin(request));
}

/** What such a start takes away from what the holds have left: of all holds that it outlasts. */
export function sparesTaken(holds: readonly Hold[], room: NodeRoom, node: PoolNode, endsAt: number): Float64Array[] {
  return holds.flatMap((hold) => (endsAt <= hold.at ? [] : sparesOf(hold, room, node)));
}

function sparesOf(hold: Hold, room: NodeRoom, node: PoolNode): Float64Array[] {
  const onNode = hold.spareOf.get(room.index);
  const spares = onNode === undefined ? [] : [onNode];
  for (const each of node.limits) {
    const left = hold.limitSpareOf.get(each);
    if (left) spares.push(left);
  }
  return spares;
}

/** What the nodes will have free at a later moment; a node that nothing has changed is not copied. */
class Later {
  private readonly ledger: Ledger;
  private readonly changed = new Map<number, Float64Array>();

  constructor(ledger: Ledger) {
    this.ledger = ledger;
  }

  /** To be read only. */
  at(index: number): Float64Array {
    return this.changed.get(index) ?? this.ledger.rooms[index]?.free ?? new Float64Array();
  }

  /** To be changed. */
  of(index: number): Float64Array {
    let free = this.changed.get(index);
    if (free === undefined) {
      free = this.at(index).slice();
      this.changed.set(index, free);
    }
    return free;
  }
}
