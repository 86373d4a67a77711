// Which shards, or kept places, have to give way so that a task finds room: the cheapest that suffice. Does not know who may
// be asked to, nor what is done about it.
import { cheapestSet, type Option } from "./cheapest.ts";
import type { Contender } from "./contender.ts";
import { add, fits, type NodeRoom, type Request } from "./ledger.ts";
import type { Holding } from "./lent.ts";
import type { ActiveShard, Task } from "./model.ts";
import { compareText } from "./order/chain.ts";
import type { PoolNode } from "./tree.ts";

/** What may have to give way: a running shard, or a place that is kept for a shard of `claimant`. */
export interface Victim extends Holding {
  readonly task: Task;
  readonly room: NodeRoom;
  readonly shard?: ActiveShard;
  readonly claimant?: Contender;
  /** Its age has started it. */
  readonly byAge: boolean;
  /** What is lost with it. */
  readonly ranMs: number;
}

/** Whether a place there, beside those that it would take already, delays nobody who goes first. */
export type MayUse = (room: NodeRoom, beside: readonly NodeRoom[]) => boolean;
export type Vectors<K> = Map<K, Float64Array>;

export class VictimSearch {
  private readonly leaving: Vectors<NodeRoom | PoolNode>;
  private readonly alive: ReadonlyMap<Task, number>;
  private readonly now: number;

  /** `leaving`: what is on its way out, on nodes and in pools; `alive`: running shards of each task that nothing stops yet. */
  constructor(leaving: Vectors<NodeRoom | PoolNode>, alive: ReadonlyMap<Task, number>, now: number) {
    this.leaving = leaving;
    this.alive = alive;
    this.now = now;
  }

  /** Place by place, each time the cheapest; what turns out not to be needed is left running. */
  find(
    { shape, demand }: Contender,
    node: PoolNode,
    candidates: readonly Victim[],
    mayUse: MayUse,
  ): { readonly rooms: readonly NodeRoom[]; readonly victims: Victim[] } | undefined {
    const { request } = shape;
    const slack: Vectors<NodeRoom | PoolNode> = new Map();
    const slackIn = (where: NodeRoom | PoolNode): Float64Array => {
      let vector = slack.get(where);
      if (vector === undefined) {
        const free = "free" in where ? where.free : slackOf(where);
        vector = sum(free, this.leaving.get(where));
        slack.set(where, vector);
      }
      return vector;
    };
    const byRoom = Map.groupBy(candidates, ({ room }) => room);
    const lineage = node.lineage();
    const chosen = new Set<Victim>();
    const rooms: NodeRoom[] = [];
    while (rooms.length < demand) {
      const limits = lineage.filter((each) => !fits(request, slackIn(each)));
      const left = limits.length > 0 ? candidates.filter((each) => !chosen.has(each)) : [];
      // Where all of them together make no room under a limit, no node need be asked.
      if (limits.some((limit) => !suffice(left.filter(isIn(limit)), slackIn(limit), request))) return undefined;
      const underLimits = limits.map((limit) => [limit, slackIn(limit)] as const);
      /** The same for every node that has room itself. */
      const forLimits = limits.length > 0 ? this.cheapest(left, candidates, chosen, request, underLimits) : [];
      let best: { readonly room: NodeRoom; readonly victims: readonly Victim[]; readonly score: number } | undefined;
      for (const room of shape.open) {
        if (!mayUse(room, rooms)) continue;
        const hasRoom = fits(request, slackIn(room));
        const there = hasRoom ? [] : (byRoom.get(room) ?? []).filter((each) => !chosen.has(each));
        if (!hasRoom && !suffice(there, slackIn(room), request)) continue;
        const near = limits.length > 0 ? left : there;
        const short = [[room, slackIn(room)] as const, ...underLimits];
        const victims = hasRoom ? forLimits : this.cheapest(near, candidates, chosen, request, short);
        if (victims === undefined) continue;
        const score = shape.placement.score(room.with(slackIn(room)), request);
        const order = best === undefined ? -1 : this.compare(victims, best.victims) || best.score - score;
        if (order < 0) best = { room, victims, score };
      }
      if (best === undefined) return undefined;
      for (const victim of best.victims) {
        chosen.add(victim);
        for (const where of placesOf(victim)) add(slackIn(where), victim.request, 1);
      }
      for (const where of [best.room, ...lineage]) add(slackIn(where), request, -1);
      rooms.push(best.room);
    }
    const needed = [...lineage, ...new Set(rooms)];
    for (const victim of [...chosen].sort((a, b) => b.ranMs - a.ranMs || compareText(a.id, b.id))) {
      const isSpare =
        (victim.task.minParallelism ?? 1) <= 1 &&
        placesOf(victim).every((where) => !needed.includes(where) || leaves(slackIn(where), victim.request, request));
      if (!isSpare) continue;
      chosen.delete(victim);
      for (const where of placesOf(victim)) add(slackIn(where), victim.request, -1);
    }
    return { rooms, victims: [...chosen] };
  }

  /** The cheapest of them that make up for all that is short; none where nothing is. */
  private cheapest(
    near: readonly Victim[],
    candidates: readonly Victim[],
    chosen: ReadonlySet<Victim>,
    request: Request,
    short: readonly (readonly [NodeRoom | PoolNode, Float64Array])[],
  ): readonly Victim[] | undefined {
    const needs = short.flatMap(([where, slack]) =>
      request.indexes.flatMap((resource, i) => {
        const amount = (request.amounts[i] ?? 0) - (slack[resource] ?? 0);
        return amount > 0 ? [{ where, resource, amount }] : [];
      }),
    );
    if (needs.length === 0) return [];
    const options = near
      .map((victim): Option<Victim> => {
        const places = placesOf(victim);
        const gives = needs.map(({ where, resource }) =>
          places.includes(where) ? (victim.request.amounts[victim.request.indexes.indexOf(resource)] ?? 0) : 0,
        );
        return { item: victim, cost: victim.ranMs, gives };
      })
      .filter(({ gives }) => gives.some((amount) => amount > 0))
      .sort((a, b) => a.cost - b.cost || b.item.since - a.item.since || compareText(a.item.id, b.item.id));
    return cheapestSet(
      options,
      needs.map(({ amount }) => amount),
      (items) => this.whole(items, candidates, chosen),
      lostIn,
      (a, b) => this.compare(a, b) < 0,
    );
  }

  /** A task is left with its minimum at least, or with nothing: its other shards go too, if they may. */
  private whole(
    items: readonly Victim[],
    candidates: readonly Victim[],
    chosen: ReadonlySet<Victim>,
  ): readonly Victim[] | undefined {
    const more: Victim[] = [];
    for (const [task, own] of Map.groupBy(items, ({ task }) => task)) {
      const { minParallelism = 1 } = task;
      const running = own.filter(({ shard }) => shard !== undefined);
      if (minParallelism <= 1 || running.length === 0) continue;
      const ofTask = candidates.filter((each) => each.task === task && each.shard !== undefined);
      const left = (this.alive.get(task) ?? 0) - ofTask.filter((each) => chosen.has(each)).length - running.length;
      if (left === 0 || left >= minParallelism) continue;
      const others = ofTask.filter((each) => !chosen.has(each) && !running.includes(each));
      if (others.length < left) return undefined;
      more.push(...others);
    }
    return more.length === 0 ? items : [...items, ...more];
  }

  /** 1 the least lost work, 2 the fewest tasks, 3 the youngest, 4 by UID. */
  private compare(a: readonly Victim[], b: readonly Victim[]): number {
    return (
      lostIn(a) - lostIn(b) ||
      tasksIn(a) - tasksIn(b) ||
      this.ageOf(a) - this.ageOf(b) ||
      a.length - b.length ||
      compareText(idsOf(a), idsOf(b))
    );
  }

  private ageOf(victims: readonly Victim[]): number {
    return victims.reduce((sum, { since, shard }) => sum + (shard === undefined ? 0 : this.now - since), 0);
  }
}

export function slackOf({ limit, use }: PoolNode): Float64Array {
  return limit.map((amount, i) => amount - (use[i] ?? 0));
}

export function sum(a: Float64Array, b: Float64Array | undefined): Float64Array {
  return a.map((amount, i) => amount + (b?.[i] ?? 0));
}

function placesOf({ room, node }: Victim): readonly (NodeRoom | PoolNode)[] {
  return [room, ...node.lineage()];
}

/** Without the victim's amounts, nothing of what the request asks for is overdrawn. */
function leaves(slack: Float64Array, taken: Request, { indexes }: Request): boolean {
  return indexes.every((resource) => {
    return (slack[resource] ?? 0) - (taken.amounts[taken.indexes.indexOf(resource)] ?? 0) >= 0;
  });
}

function isIn(pool: PoolNode): (victim: Victim) => boolean {
  return ({ node }) => node.lineage().includes(pool);
}

/** Whether the request would fit where all of them were gone. */
function suffice(victims: readonly Victim[], slack: Float64Array, request: Request): boolean {
  const without = slack.slice();
  for (const victim of victims) add(without, victim.request, 1);
  return fits(request, without);
}

function lostIn(victims: readonly Victim[]): number {
  return victims.reduce((sum, { ranMs }) => sum + ranMs, 0);
}

function tasksIn(victims: readonly Victim[]): number {
  return new Set(victims.map(({ task }) => task)).size;
}

function idsOf(victims: readonly Victim[]): string {
  return victims
    .map(({ id }) => id)
    .sort()
    .join();
}
