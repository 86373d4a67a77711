// Holds: the place that is kept for a task which waits in front, and who may use it meanwhile. EASY, over nodes, several
// resources and limits at once. Does not know in which order candidates are tried.
import type { Contender } from "./contender.ts";
import { Later } from "./later.ts";
import { add, fits, type NodeRoom, type Request, timesIn } from "./ledger.ts";
import { type Freeing, Release, type Walk } from "./releases.ts";
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
 * Goes on in time, from one release to the next, until the task's demand (its next shards that must start together) fits
 * on nodes and under every limit. Earlier holds stay held, until what is to start there is expected to end. Undefined when
 * that never comes: such a task holds nothing. It is not expected before the time of the hold that it `had`, so that what
 * is free by then need not be put in order, and after `until` nobody asks for it.
 */
export function makeHold(
  contender: Contender,
  node: PoolNode,
  freeing: Freeing,
  earlier: readonly Hold[],
  had?: Promised,
  until: number = Number.POSITIVE_INFINITY,
  from: number = had?.at ?? Number.NEGATIVE_INFINITY,
): Promised | undefined {
  const { shape, demand } = contender;
  const { request } = shape;
  const later = new Later(shape.isOpen, node.limits);
  for (const hold of earlier) later.take(hold);
  const ends = endsOf(earlier);
  const countOn = (room: NodeRoom): number => Math.min(demand, timesIn(request, later.on(room)));
  const fitsUnder = (): boolean =>
    node.limits.every((pool) => timesIn(request, later.under(pool) ?? pool.limit) >= demand);
  const countAll = (): number => shape.open.reduce((count, room) => count + countOn(room), 0);
  const isEnough = (): boolean => fitsUnder() && countAll() >= demand;
  const hold = (at: number): Promised => {
    return { at, placed: placedOn(contender, (room) => later.on(room), had?.placed) };
  };

  const isKnown = from > Number.NEGATIVE_INFINITY;
  const freed = isKnown ? [...freeing.all, ends] : [];
  const then = freed.flatMap((each) => later.giveBefore(from, each));
  if (isEnough()) {
    if (!isKnown) return hold(contender.contest.now);
    return makeHold(contender, node, freeing, earlier, had, undefined, Number.NEGATIVE_INFINITY);
  }
  for (const release of then) later.give(release);
  if (isEnough()) return hold(from);
  if (until <= from) return undefined;

  let room = countAll();
  const walk = withEnds(ends, freeing.inTime());
  let next = walk();
  while (next && next.at <= from) next = walk();
  while (next && next.at <= until) {
    const release: Release = next;
    const there = release.room && shape.isOpen[release.room.index] ? release.room : undefined;
    const before = there ? countOn(there) : 0;
    later.give(release);
    next = walk();
    if (there) room += countOn(there) - before;
    // All that is free at one moment counts together.
    const isWhole = next?.at !== release.at;
    if (isWhole && room >= demand && fitsUnder()) return hold(release.at);
  }
  return undefined;
}

/** The ends of what the holds are for, the latest first. */
function endsOf(holds: readonly Hold[]): readonly Release[] {
  const ends = holds.flatMap(({ contender: { task, shape }, node, until, placed }) =>
    placed.map((room, i) => new Release(until, task, i, room, node, shape.request)),
  );
  return ends.sort((a, b) => b.at - a.at);
}

/** Both in one walk, the earliest first. */
function withEnds(latestFirst: readonly Release[], walk: Walk): () => Release | undefined {
  const ends = [...latestFirst];
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
    open.forEach((room) => {
      const free = left.get(room) ?? freeOn(room);
      if (!fits(request, free)) return;
      const score = placement.score(room.with(free), request);
      if (best === undefined || score > bestScore) [best, bestScore] = [room, score];
    });
    if (best === undefined) break;
    const free = left.get(best) ?? freeOn(best).slice();
    add(free, request, -1);
    left.set(best, free);
    placed.push(best);
  }
  return placed;
}

/** The first that such a start on the node would delay; undefined where it delays nothing that is held. */
export function delayedBy(
  holds: readonly Hold[],
  room: NodeRoom,
  node: PoolNode,
  request: Request,
  endsAt: number,
): Hold | undefined {
  for (let i = 0; i < holds.length; i += 1) {
    const hold = holds[i] as Hold;
    if (endsAt > hold.at && binds(hold, node, request) && !isSpared(hold, room, node, request)) return hold;
  }
  return undefined;
}

/** The same as of `sparesTaken`, without a list: it is asked thousands of times a plan. */
function isSpared({ spareOf, limitSpareOf }: Hold, room: NodeRoom, node: PoolNode, request: Request): boolean {
  const onNode = spareOf.get(room.index);
  if (onNode !== undefined && !fits(request, onNode)) return false;
  for (let i = 0; i < node.limits.length; i += 1) {
    const left = limitSpareOf.get(node.limits[i] as PoolNode);
    if (left !== undefined && !fits(request, left)) return false;
  }
  return true;
}

/** Who is within a reservation of its own borrows nothing. */
function binds({ owner, isLent, node: holder }: Hold, node: PoolNode, request: Request): boolean {
  if (owner === undefined && (!isLent || node === holder)) return true;
  const below = node.lineage();
  if (owner !== undefined && below.includes(owner)) return false;
  return !below.slice(0, -1).some((each) => each.keepsWithin(request));
}

/** What such a start takes away from what the holds have left: of all holds that it outlasts. */
export function sparesTaken(
  holds: readonly Hold[],
  room: NodeRoom,
  node: PoolNode,
  endsAt: number,
): readonly Float64Array[] {
  const spares: Float64Array[] = [];
  for (let i = 0; i < holds.length; i += 1) {
    const { at, spareOf, limitSpareOf } = holds[i] as Hold;
    if (endsAt <= at) continue;
    const onNode = spareOf.get(room.index);
    if (onNode !== undefined) spares.push(onNode);
    for (let above = 0; above < node.limits.length; above += 1) {
      const left = limitSpareOf.get(node.limits[above] as PoolNode);
      if (left !== undefined) spares.push(left);
    }
  }
  return spares;
}
