// What is free on each node so far in this plan. Amounts lie in arrays by interned resource, so that a reservation costs
// the same on a small and on a large cluster. Does not know tasks, queues or policies.
import type { Facts } from "./facts.ts";
import { Memo, type Reading } from "./memo.ts";
import type { ActiveShard, Node, Snapshot, Task } from "./model.ts";
import { compareText } from "./order/chain.ts";
import { type Amounts, checkedAmount } from "./resources.ts";

/** What one shard asks for: parallel lists of resource index and amount, zeros left out. Read too often to be boxed. */
export interface Request {
  readonly indexes: readonly number[];
  readonly amounts: Float64Array;
}

/**
 * A node with its room, by resource index. A class, as all of which a plan makes many: literals that live through a
 * collection of what is young are put with what is old from then on, and keep there all of their plan that they lead to.
 */
export class NodeRoom {
  readonly node: Node;
  readonly index: number;
  readonly allocatable: Float64Array;
  /** Allocatable minus what foreign Pods and our shards hold; below 0 where a node shrank or was overfilled. */
  readonly free: Float64Array;
  /** What would be free if no shard of ours ran. */
  readonly emptied: Float64Array;
  /** Ready and not cordoned; taints are between the node and the shard. */
  readonly usable: boolean;

  constructor(node: Node, index: number, allocatable: Float64Array, emptied: Float64Array, free: Float64Array) {
    this.node = node;
    this.index = index;
    this.allocatable = allocatable;
    this.free = free;
    this.emptied = emptied;
    this.usable = node.ready && !node.cordoned;
  }

  /** The same node with something else free. */
  with(free: Float64Array): NodeRoom {
    return new NodeRoom(this.node, this.index, this.allocatable, this.emptied, free);
  }
}

/** What a shard holds; one on a vanished node has no room. */
export class Held {
  readonly task: Task;
  readonly active: ActiveShard;
  readonly room: NodeRoom | undefined;
  readonly request: Request;

  constructor(task: Task, active: ActiveShard, room: NodeRoom | undefined, request: Request) {
    this.task = task;
    this.active = active;
    this.room = room;
    this.request = request;
  }
}

export class Ledger {
  /** By name in plain string order: the lower index is the lower name. */
  readonly rooms: readonly NodeRoom[];
  readonly resources: readonly string[];
  /** By resource index; what shards hold on vanished nodes included. */
  readonly allocated: Float64Array;
  /** Of all that runs, as it stood when the plan began. */
  readonly held: readonly Held[];
  /** Indexes of the rooms that changed, in order, so that a reader need only look at what is new to it. */
  readonly changes: number[] = [];
  private readonly byName: ReadonlyMap<string, NodeRoom>;
  private readonly named = new Set<string>();
  private readonly indexOf: ReadonlyMap<string, number>;
  private readonly requests = new Map<Amounts, Request>();
  private readonly log: Reservation[] = [];
  private readonly memo: Memo;

  constructor({ pools, nodes, tasks }: Snapshot, memo: Memo = new Memo(), { all, moving }: Reading = memo.read(tasks)) {
    this.memo = memo;
    for (const { reservation = {}, limit = {} } of pools) {
      this.intern(reservation);
      this.intern(limit);
    }
    for (const { allocatable, foreign } of nodes) {
      this.intern(allocatable);
      this.intern(foreign);
    }
    this.internAsked(all, moving);
    // In one order whatever came first: a sum of fractions over resources depends on it.
    this.resources = [...this.named].sort(compareText);
    this.indexOf = new Map(this.resources.map((name, index) => [name, index]));
    this.allocated = new Float64Array(this.resources.length);
    this.rooms = this.roomsOf(nodes);
    this.byName = new Map(this.rooms.map((room) => [room.node.name, room]));
    this.held = this.holdAll(moving);
  }

  roomNamed(name: string): NodeRoom | undefined {
    return this.byName.get(name);
  }

  /** Amounts never change: what was read from an object once holds. */
  requestOf(amounts: Amounts): Request {
    return this.requestLike(this.memo.firstLike(amounts));
  }

  private requestLike(amounts: Amounts): Request {
    let request = this.requests.get(amounts);
    if (request === undefined) {
      const asked = Object.entries(amounts)
        .filter(([, amount]) => amount !== 0)
        .map(([resource, amount]) => ({ index: this.indexOf.get(resource) ?? -1, amount }))
        .sort((a, b) => a.index - b.index);
      request = {
        indexes: asked.map(({ index }) => index),
        amounts: Float64Array.from(asked, ({ amount }) => amount),
      };
      this.requests.set(amounts, request);
    }
    return request;
  }

  /** By resource index; `absent` where the amounts name nothing. */
  vectorOf(amounts: Amounts, absent: number): Float64Array {
    const vector = new Float64Array(this.resources.length);
    for (let i = 0; i < vector.length; i += 1) vector[i] = amounts[this.resources[i] ?? ""] ?? absent;
    return vector;
  }

  amountsOf(vector: Float64Array): Amounts {
    return Object.fromEntries(this.resources.map((resource, index) => [resource, vector[index] ?? 0]));
  }

  /** Holds the request on the node until a rollback, and counts it in each of `uses`, down in each of `spares`. */
  reserve(
    room: NodeRoom,
    request: Request,
    uses: readonly Float64Array[] = [],
    spares: readonly Float64Array[] = [],
  ): void {
    this.occupy(room, request, 1);
    addToEach(uses, request, 1);
    addToEach(spares, request, -1);
    this.log.push(new Reservation(room, request, uses, spares));
  }

  /** Keeps the place for a shard that does not run yet, or gives it back: it takes room, and is not allocated. */
  keep(room: NodeRoom, request: Request, uses: readonly Float64Array[], direction: 1 | -1): void {
    add(room.free, request, -direction);
    addToEach(uses, request, direction);
    this.changes.push(room.index);
  }

  checkpoint(): number {
    return this.log.length;
  }

  /** Gives back all that was reserved since the checkpoint. */
  rollback(checkpoint: number): void {
    while (this.log.length > checkpoint) {
      const entry = this.log.pop();
      if (entry === undefined) return;
      this.occupy(entry.room, entry.request, -1);
      addToEach(entry.uses, entry.request, -1);
      addToEach(entry.spares, entry.request, 1);
    }
  }

  private holdAll(moving: readonly Facts[]): readonly Held[] {
    const held: Held[] = [];
    for (let i = 0; i < moving.length; i += 1) {
      const { task, ask } = moving[i] as Facts;
      const ofTask = this.requestLike(ask.request);
      for (let at = 0; at < task.active.length; at += 1) {
        const active = task.active[at] as ActiveShard;
        const request = active.request === task.request ? ofTask : this.requestOf(active.request);
        const room = this.byName.get(active.node);
        add(this.allocated, request, 1);
        if (room) add(room.free, request, -1);
        held.push(new Held(task, active, room, request));
      }
    }
    return held;
  }

  private occupy(room: NodeRoom | undefined, request: Request, direction: 1 | -1): void {
    // Sums over a cluster may pass 2^53 bytes; a rounded byte in a total misleads nobody, so totals are not checked.
    add(this.allocated, request, direction);
    if (room === undefined) return;
    add(room.free, request, direction === 1 ? -1 : 1);
    this.changes.push(room.index);
  }

  /** Pushed one by one: what `map` returns is laid out otherwise once it is compiled, and all that reads it starts anew. */
  private roomsOf(nodes: readonly Node[]): readonly NodeRoom[] {
    const rooms: NodeRoom[] = [];
    for (const node of [...nodes].sort((a, b) => compareText(a.name, b.name))) {
      rooms.push(this.roomOf(node, rooms.length));
    }
    return rooms;
  }

  private roomOf(node: Node, index: number): NodeRoom {
    const allocatable = this.vectorOf(node.allocatable, 0);
    const emptied = allocatable.slice();
    for (let i = 0; i < emptied.length; i += 1) {
      emptied[i] = (emptied[i] ?? 0) - (node.foreign[this.resources[i] ?? ""] ?? 0);
    }
    return new NodeRoom(node, index, allocatable, emptied, emptied.slice());
  }

  private intern(amounts: Amounts): void {
    for (const resource in amounts) {
      checkedAmount(amounts[resource] ?? 0, resource);
      this.named.add(resource);
    }
  }

  /** What tasks and shards ask for: each amount once, however many ask for it. */
  private internAsked(all: readonly Facts[], moving: readonly Facts[]): void {
    const known = new Set<Amounts>();
    for (let i = 0; i < all.length; i += 1) known.add((all[i] as Facts).ask.request);
    for (const { task } of moving) {
      for (const { request } of task.active) if (request !== task.request) known.add(this.memo.firstLike(request));
    }
    for (const amounts of known) this.intern(amounts);
  }
}

class Reservation {
  readonly room: NodeRoom;
  readonly request: Request;
  readonly uses: readonly Float64Array[];
  readonly spares: readonly Float64Array[];

  constructor(room: NodeRoom, request: Request, uses: readonly Float64Array[], spares: readonly Float64Array[]) {
    this.room = room;
    this.request = request;
    this.uses = uses;
    this.spares = spares;
  }
}

/** Adds the request `factor` times to a vector by resource index. */
export function add(vector: Float64Array, { indexes, amounts }: Request, factor: number): void {
  for (let i = 0; i < indexes.length; i += 1) {
    const resource = indexes[i] ?? 0;
    vector[resource] = (vector[resource] ?? 0) + factor * (amounts[i] ?? 0);
  }
}

/** The same to each of several vectors. */
export function addToEach(vectors: readonly Float64Array[], request: Request, factor: number): void {
  for (let i = 0; i < vectors.length; i += 1) add(vectors[i] as Float64Array, request, factor);
}

/** Whether the request fits in what is given; what is not asked for does not matter, even where it is overdrawn. */
export function fits({ indexes, amounts }: Request, free: Float64Array): boolean {
  for (let i = 0; i < indexes.length; i += 1) {
    if ((amounts[i] ?? 0) > (free[indexes[i] ?? 0] ?? 0)) return false;
  }
  return true;
}

/** How many such requests fit in what is free. */
export function timesIn({ indexes, amounts }: Request, free: Float64Array): number {
  let times = Number.POSITIVE_INFINITY;
  for (let i = 0; i < indexes.length; i += 1) {
    times = Math.min(times, Math.floor((free[indexes[i] ?? 0] ?? 0) / (amounts[i] ?? 1)));
  }
  return Math.max(0, times);
}

/** How many such requests fit, with the part of one more; 0 where not even one fits. */
export function copiesIn({ indexes, amounts }: Request, free: Float64Array): number {
  let times = indexes.length === 0 ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < indexes.length; i += 1) {
    times = Math.min(times, (free[indexes[i] ?? 0] ?? 0) / (amounts[i] ?? 1));
  }
  return times < 1 ? 0 : times;
}
