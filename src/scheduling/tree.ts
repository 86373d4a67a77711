// The tree of pools: reservation, limit, shares and expandable, as vSphere means them. Says what a pool may still take and
// whose turn it is between siblings. Does not know nodes, nor the order inside a pool.
import type { TreeProblem } from "./decision.ts";
import { add, type Held, type Ledger, type Request } from "./ledger.ts";
import type { Pool, Snapshot } from "./model.ts";
import { compareText } from "./order/chain.ts";

/** vSphere's Normal; Low is half of it, High twice. A parent's own tasks count as one Normal child. */
const normalShares = 4000;

export class PoolNode {
  readonly pool: Pool;
  readonly parent: PoolNode | undefined;
  readonly children: PoolNode[] = [];
  /** By resource index, like all below: what its tasks and its descendants' hold. */
  readonly use: Float64Array;
  /** What its own tasks hold. */
  readonly ownUse: Float64Array;
  readonly limit: Float64Array;
  /** What of its reservation has been paid; a root's is its capacity. */
  readonly reserved: Float64Array;
  /** What of that has gone to its children's reservations, or to theirs. */
  readonly drawn: Float64Array;
  /** Of the root, but for limits on the way. */
  readonly capacity: Float64Array;
  /** The uses that one of its tasks' starts adds to: its own and all ancestors'. */
  readonly uses: readonly Float64Array[];
  /** Of itself and its ancestors, those that have a limit at all. */
  readonly limits: readonly PoolNode[];
  private readonly podsIndex: number;
  private readonly upward: readonly PoolNode[];

  constructor(pool: Pool, parent: PoolNode | undefined, rootCapacity: Float64Array, ledger: Ledger) {
    this.pool = pool;
    this.parent = parent;
    this.upward = parent === undefined ? [this] : [this, ...parent.upward];
    const above = parent?.limits ?? [];
    this.limits = pool.limit === undefined ? above : [this, ...above];
    this.use = ledger.vectorOf({}, 0);
    this.ownUse = ledger.vectorOf({}, 0);
    this.drawn = ledger.vectorOf({}, 0);
    this.limit = ledger.vectorOf(pool.limit ?? {}, Number.POSITIVE_INFINITY);
    this.capacity = (parent?.capacity ?? rootCapacity).map((amount, i) => Math.min(amount, this.limit[i] ?? 0));
    this.reserved = parent === undefined ? Float64Array.from(rootCapacity) : ledger.vectorOf({}, 0);
    this.podsIndex = ledger.resources.indexOf("pods");
    this.uses = [this.ownUse, ...this.lineage().map(({ use }) => use)];
    parent?.children.push(this);
  }

  /** Itself, its parent, and so on up to the root. */
  lineage(): readonly PoolNode[] {
    return this.upward;
  }

  /** The same but for the root, whose reservation is all that there is. */
  belowRoot(): readonly PoolNode[] {
    return this.upward.slice(0, -1);
  }

  /** The nearest pool up the tree whose limit does not leave room for `count` such requests. */
  limitedBy(request: Request, count = 1): PoolNode | undefined {
    for (let i = 0; i < this.limits.length; i += 1) {
      const pool = this.limits[i] as PoolNode;
      if (!leaves(request, count, pool.limit, pool.use)) return pool;
    }
    return undefined;
  }

  /** The nearest pool up the tree whose limit is smaller than `count` such requests. */
  neverWithin(request: Request, count = 1): PoolNode | undefined {
    for (let i = 0; i < this.limits.length; i += 1) {
      const pool = this.limits[i] as PoolNode;
      if (!leaves(request, count, pool.limit)) return pool;
    }
    return undefined;
  }

  /** What of the resource may still be used before the nearest limit, its own or an ancestor's; at least 0. */
  leftUnderLimits(resource: number): number {
    const left = this.limits.map(({ use, limit }) => (limit[resource] ?? 0) - (use[resource] ?? 0));
    return Math.max(0, Math.min(Number.POSITIVE_INFINITY, ...left));
  }

  /** With this request its use would still be within what it has reserved. */
  keepsWithin(request: Request): boolean {
    return this.covers(request, 1, this.use);
  }

  /** The same for `count` requests and another use. Pods count only where they are reserved. */
  covers({ indexes, amounts }: Request, count: number, use: Float64Array): boolean {
    // No function: it is asked for each pool at each turn.
    for (let i = 0; i < indexes.length; i += 1) {
      const resource = indexes[i] ?? 0;
      const isFree = resource === this.podsIndex && this.pool.reservation?.pods === undefined;
      if (!isFree && (use[resource] ?? 0) + count * (amounts[i] ?? 0) > (this.reserved[resource] ?? 0)) return false;
    }
    return true;
  }
}

/** DRF (NSDI'11), weighted: the largest share of the parent's capacity that is used above the reservation, ÷ shares. */
export function weightedShare(
  use: Float64Array,
  reserved: Float64Array | undefined,
  parentCapacity: Float64Array,
  shares: number = normalShares,
): number {
  let largest = 0;
  for (let i = 0; i < use.length; i += 1) {
    const above = (use[i] ?? 0) - (reserved?.[i] ?? 0);
    if (above > 0) largest = Math.max(largest, above / (parentCapacity[i] ?? 0));
  }
  return largest / shares;
}

export interface Tree {
  readonly root: PoolNode | undefined;
  readonly nodes: ReadonlyMap<string, PoolNode>;
  readonly problems: readonly TreeProblem[];
}

/** Older pools come first wherever there is a choice: whose parent is found, whose reservation is paid. */
export function plantTree({ pools }: Snapshot, ledger: Ledger): Tree {
  const byAge = [...pools].sort((a, b) => a.created - b.created || compareText(a.name, b.name));
  const first = byAge.find(({ parent }) => parent === undefined);
  if (first === undefined)
    return { root: undefined, nodes: new Map(), problems: byAge.map((pool) => orphan(pool, byAge)) };
  const capacity = capacityOf(ledger);
  const root = new PoolNode(first, undefined, capacity, ledger);
  const nodes = new Map([[first.name, root]]);
  const problems: TreeProblem[] = [];
  // The oldest whose parent has its place already, again and again: older pools are paid first, but after their parents.
  for (let next = nextIn(byAge, nodes); next !== undefined; next = nextIn(byAge, nodes)) {
    const node = new PoolNode(next.pool, next.parent, capacity, ledger);
    nodes.set(next.pool.name, node);
    problems.push(...payReservation(node, ledger));
  }
  for (const pool of byAge) if (!nodes.has(pool.name)) problems.push(orphan(pool, byAge));
  for (let i = 0; i < ledger.held.length; i += 1) {
    const { task, request } = ledger.held[i] as Held;
    const own = nodes.get(task.pool)?.ownUse;
    if (own) add(own, request, 1);
  }
  for (const node of [...nodes.values()].reverse()) {
    addAll(node.use, node.ownUse);
    if (node.parent) addAll(node.parent.use, node.use);
  }
  return { root, nodes, problems };
}

function nextIn(
  byAge: readonly Pool[],
  nodes: ReadonlyMap<string, PoolNode>,
): { readonly pool: Pool; readonly parent: PoolNode } | undefined {
  for (const pool of byAge) {
    const parent = pool.parent === undefined ? undefined : nodes.get(pool.parent);
    if (parent !== undefined && !nodes.has(pool.name)) return { pool, parent };
  }
  return undefined;
}

/** Draws on the parent's reservation, then up the tree as far as each pool on the way is expandable. */
function payReservation(node: PoolNode, ledger: Ledger): TreeProblem[] {
  const wanted = ledger.vectorOf(node.pool.reservation ?? {}, 0);
  const lineage = node.parent?.lineage() ?? [];
  const end = lineage.findIndex(({ pool }) => pool.expandableReservation === false);
  const payers = end < 0 ? lineage : lineage.slice(0, end + 1);
  const missing: string[] = [];
  wanted.forEach((amount, i) => {
    payers.forEach((payer, above) => {
      const left = (payer.reserved[i] ?? 0) - (payer.drawn[i] ?? 0);
      const paid = Math.max(0, Math.min(amount - (node.reserved[i] ?? 0), left));
      payer.drawn[i] = (payer.drawn[i] ?? 0) + paid;
      node.reserved[i] = (node.reserved[i] ?? 0) + paid;
      // What passes through a pool on the way is reserved for that pool too, or its siblings would have it first.
      for (const between of payers.slice(0, above)) {
        between.reserved[i] = (between.reserved[i] ?? 0) + paid;
        between.drawn[i] = (between.drawn[i] ?? 0) + paid;
      }
    });
    if ((node.reserved[i] ?? 0) < amount) missing.push(ledger.resources[i] ?? "");
  });
  const last = payers.at(-1);
  if (missing.length === 0 || last === undefined) return [];
  const message = `${last.pool.name} has too little left of ${missing.sort().join(", ")} to pay for the reservation`;
  return [{ pool: node.pool.name, reason: "ReservationNotCovered", message }];
}

/** Why a pool has no place: its ancestors end at one that is not there, or at one that was passed before. */
function orphan({ name, parent }: Pool, pools: readonly Pool[]): TreeProblem {
  const byName = new Map(pools.map((each) => [each.name, each]));
  const way = [name];
  for (let next = parent; next !== undefined; next = byName.get(next)?.parent) {
    const last = way.at(-1) ?? name;
    if (!byName.has(next)) {
      const below = last === name ? "" : `${last}, above it, is a child of ${next}, and `;
      return { pool: name, reason: "ParentNotFound", message: `${below}there is no pool ${next}` };
    }
    if (way.includes(next)) {
      const circle = [...way.slice(way.indexOf(next)), next].join(" is below ");
      return { pool: name, reason: "ParentCycle", message: `its ancestors lead to no root: ${circle}` };
    }
    way.push(next);
  }
  return { pool: name, reason: "ParentNotFound", message: "it has no parent, and another pool is the root" };
}

function capacityOf(ledger: Ledger): Float64Array {
  const capacity = ledger.vectorOf({}, 0);
  for (const { emptied } of ledger.rooms) {
    for (let i = 0; i < capacity.length; i += 1) capacity[i] = (capacity[i] ?? 0) + Math.max(0, emptied[i] ?? 0);
  }
  return capacity;
}

function addAll(sum: Float64Array, more: Float64Array): void {
  for (let i = 0; i < sum.length; i += 1) sum[i] = (sum[i] ?? 0) + (more[i] ?? 0);
}

/** Whether the limit leaves room for `count` such requests beside what is used; nothing used, where no use is given. */
function leaves({ indexes, amounts }: Request, count: number, limit: Float64Array, use?: Float64Array): boolean {
  for (let i = 0; i < indexes.length; i += 1) {
    const resource = indexes[i] ?? 0;
    if (count * (amounts[i] ?? 0) > (limit[resource] ?? 0) - (use?.[resource] ?? 0)) return false;
  }
  return true;
}
