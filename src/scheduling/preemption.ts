// Preemption: for whom shards stop, so that a task which waits in front may start, and the places that are kept for it until
// they have ended. Does not know whose turn it is, nor which victims are the cheapest.
import type { Contender } from "./contender.ts";
import type { Stop } from "./decision.ts";
import { add, fits, type Ledger, type NodeRoom, type Request } from "./ledger.ts";
import { Lending } from "./lent.ts";
import type { Line } from "./line.ts";
import { countKept } from "./memory.ts";
import type { ActiveShard, Snapshot, Task } from "./model.ts";
import { compareText } from "./order/chain.ts";
import { orders } from "./order/index.ts";
import type { PoolNode, Tree } from "./tree.ts";
import { type MayUse, slackOf, sum, type Vectors, type Victim, VictimSearch } from "./victims.ts";

/** A younger shard is stopped only where nothing else suffices: it has hardly begun, and might have ended soon. */
export const youngMs = 60_000;

type Why = "Preempted" | "Reclaimed";

export class Preemption {
  readonly stops: Stop[] = [];
  /** Shards that are on their way out, so that their places are about to be free. */
  readonly leavers: Set<ActiveShard> = new Set();
  /** For whom places are kept, and in which pool. */
  readonly claimants: Map<Contender, PoolNode> = new Map();
  private readonly ledger: Ledger;
  private readonly now: number;
  /** Running shards, and places that are kept; what is gone is no longer among them. */
  private readonly victims: Set<Victim>;
  /** Who is on lent capacity, as long as no place is newly kept. */
  private lending: Lending<Victim> | undefined;
  /** Running shards of each task that nothing stops yet. */
  private readonly alive = new Map<Task, number>();
  /** What is on its way out, and what is kept for others, on nodes and in pools. */
  private readonly leaving: Vectors<NodeRoom | PoolNode> = new Map();
  private readonly claimed: Vectors<NodeRoom | PoolNode> = new Map();
  /** Whether anybody may have to give way. */
  readonly isOn: boolean;

  constructor(
    { pools, tasks }: Snapshot,
    { nodes }: Tree,
    ledger: Ledger,
    stops: readonly Stop[],
    lines: readonly Line[],
    now: number,
  ) {
    this.ledger = ledger;
    this.now = now;
    this.isOn = pools.some(
      ({ preemption, memory }) =>
        preemption?.withinPool === "LowerPriority" || preemption?.reclaim === "Always" || memory?.claims,
    );
    this.victims = new Set(this.isOn ? this.watch(tasks, nodes, stops) : []);
    for (const line of this.isOn ? lines : []) this.restore(line);
  }

  /** The shards that may have to give way; what stops anyhow is about to leave. */
  private watch(tasks: readonly Task[], nodes: Tree["nodes"], stops: readonly Stop[]): Victim[] {
    const stopped = new Set(stops.map(({ task, shard, attempt }) => `${task}/${shard}/${attempt}`));
    return tasks.flatMap((task) => {
      const node = nodes.get(task.pool);
      const started = new Set(node?.pool.memory?.byAge);
      return task.active.flatMap((shard): Victim[] => {
        const room = this.ledger.roomNamed(shard.node);
        const request = this.ledger.requestOf(shard.request);
        if (shard.state === "Stopping" || stopped.has(`${task.key}/${shard.shard}/${shard.attempt}`)) {
          this.leave(shard, node, room, request);
          return [];
        }
        this.alive.set(task, (this.alive.get(task) ?? 0) + 1);
        if (node === undefined || room === undefined) return [];
        const ranMs = shard.state === "Running" ? Math.max(0, this.now - shard.since) : 0;
        const id = `${task.uid}/${shard.shard}/${shard.attempt}`;
        const byAge = started.has(`${task.uid}/${shard.shard}`);
        return [{ task, node, room, request, since: shard.since, id, shard, byAge, ranMs }];
      });
    });
  }

  /** Places kept by an earlier plan, as long as what leaves there will make room for them. */
  private restore({ node, contenders }: Line): void {
    const claims = new Map(node.pool.memory?.claims?.map((claim) => [claim.task, claim]));
    for (const contender of claims.size === 0 ? [] : contenders) {
      const minimum = contender.demand;
      const { nodes = [], since } = claims.get(contender.task.uid) ?? {};
      contender.claimedSince = since;
      for (const name of nodes) {
        const room = this.ledger.roomNamed(name);
        if (contender.wanted <= 0 || room === undefined || !contender.shape.open.includes(room)) continue;
        if (fitsBeside(this.leaving, contender.shape.request, room, node)) this.claim(contender, node, room);
      }
      if (contender.claims.length < minimum) this.giveBack(contender, node);
      countKept(contender.contest, contender.task, contender.claims.length);
    }
  }

  /**
   * Takes for a task, of the places kept for it, those that are free by now: as many as must start together, or none.
   * The places of others do not count against it: what leaves their nodes makes room for them too.
   */
  redeem(contender: Contender, node: PoolNode): readonly NodeRoom[] {
    const { request } = contender.shape;
    const kept = contender.claims;
    this.giveBack(contender, node);
    const ready: NodeRoom[] = [];
    const checkpoint = this.ledger.checkpoint();
    for (const room of kept) {
      if (!fitsBeside(this.claimed, request, room, node)) continue;
      this.ledger.reserve(room, request, node.uses);
      ready.push(room);
    }
    if (ready.length < contender.demand) {
      this.ledger.rollback(checkpoint);
      ready.length = 0;
    }
    const left = [...kept];
    for (const room of ready) left.splice(left.indexOf(room), 1);
    for (const room of left) this.claim(contender, node, room);
    return ready;
  }

  /**
   * Finds places for the next shards of a task that must start together, by stopping the cheapest shards that suffice, and
   * keeps them for it. Says whose places it took.
   */
  makeRoom(contender: Contender, node: PoolNode, mayUse: MayUse): readonly Contender[] | undefined {
    if (!this.isOn) return undefined;
    const reasons = this.giveWay(contender, node);
    const search = new VictimSearch(this.leaving, this.alive, this.now);
    const all = [...reasons.keys()];
    const old = all.filter(({ claimant, since }) => claimant !== undefined || this.now - since >= youngMs);
    const found =
      search.find(contender, node, old, mayUse) ??
      (old.length < all.length ? search.find(contender, node, all, mayUse) : undefined);
    if (found === undefined || (found.victims.length === 0 && !isOn(node))) return undefined;
    // In one order, whatever the order in which the objects came.
    found.victims.sort((a, b) => compareText(a.id, b.id));
    for (const victim of found.victims) this.remove(victim, reasons.get(victim) ?? "Preempted", contender);
    for (const room of found.rooms) this.claim(contender, node, room);
    return found.victims.flatMap(({ claimant }) => claimant ?? []);
  }

  /** Who has to give way to the task, and why. A kept place gives way whether or not running shards are stopped. */
  private giveWay({ task, shape, demand }: Contender, node: PoolNode): ReadonlyMap<Victim, Why> {
    const found = new Map<Victim, Why>();
    const { withinPool, reclaim } = node.pool.preemption ?? {};
    // Where priority does not come first in the order, who is stopped for it would go first again.
    const byPriority = orders[node.pool.order[0] ?? "FirstCome"].band !== undefined;
    const lineage = node.lineage();
    /** For each ancestor, whether the pool below it that leads here would keep within its reservation. */
    const owns = lineage.slice(0, -1).map((each) => each.covers(shape.request, demand, each.use));
    for (const victim of this.victims) {
      if (victim.task === task) continue;
      const isKept = victim.claimant !== undefined;
      if (victim.node === node) {
        const isByAge = victim.claimant?.hasWaitedLong ?? victim.byAge;
        const isLower = victim.task.priority < task.priority && !isByAge;
        if (isLower && byPriority && (isKept || withinPool === "LowerPriority")) found.set(victim, "Preempted");
      } else if ((isKept || reclaim === "Always") && this.isBorrowed(victim, lineage, owns)) {
        found.set(victim, "Reclaimed");
      }
    }
    return found;
  }

  /** Whether it is on what a pool of the lineage has reserved: beyond the reservation of its own branch of the tree. */
  private isBorrowed(victim: Victim, lineage: readonly PoolNode[], owns: readonly boolean[]): boolean {
    let branch: PoolNode | undefined;
    for (const each of victim.node.lineage()) {
      const at = lineage.indexOf(each);
      if (at >= 0) {
        this.lending ??= new Lending([...this.victims]);
        return owns[at - 1] === true && (branch === undefined || this.lending.isLent(victim, branch));
      }
      branch = each;
    }
    return false;
  }

  private remove(victim: Victim, why: Why, { task: beneficiary }: Contender): void {
    const { task, shard, claimant, node, room, request } = victim;
    if (claimant !== undefined) {
      // The places of shards that start together are worth nothing one by one.
      if (claimant.isGathering) this.giveBack(claimant, node);
      else this.drop(claimant, node, room);
    }
    if (shard === undefined) return;
    this.victims.delete(victim);
    this.leave(shard, node, room, request);
    this.alive.set(task, (this.alive.get(task) ?? 0) - 1);
    const { shard: number, attempt } = shard;
    const stop = { kind: "stop", task: task.key, shard: number, attempt, node: room.node.name, why } as const;
    this.stops.push({ ...stop, for: beneficiary.key });
  }

  private leave(shard: ActiveShard, node: PoolNode | undefined, room: NodeRoom | undefined, request: Request): void {
    this.leavers.add(shard);
    if (room) add(this.vectorIn(this.leaving, room), request, 1);
    for (const each of node?.lineage() ?? []) add(this.vectorIn(this.leaving, each), request, 1);
  }

  private claim(contender: Contender, node: PoolNode, room: NodeRoom): void {
    const { task, shape } = contender;
    const id = `${task.uid}/kept/${contender.claims.length}`;
    contender.keep(room);
    contender.claimedSince ??= this.now;
    this.claimants.set(contender, node);
    this.keep(contender, node, room, 1);
    // Nobody has run there yet: it is younger than all that does.
    const since = Number.MAX_SAFE_INTEGER;
    const kept = { task, node, room, request: shape.request, since, id, byAge: false, ranMs: 0 };
    this.victims.add({ ...kept, claimant: contender });
    this.lending = undefined;
  }

  private drop(contender: Contender, node: PoolNode, room: NodeRoom): void {
    if (!contender.claims.includes(room)) return;
    contender.giveUp(room);
    if (contender.claims.length === 0) this.claimants.delete(contender);
    this.keep(contender, node, room, -1);
    for (const victim of this.victims) {
      if (victim.claimant !== contender || victim.room !== room) continue;
      this.victims.delete(victim);
      return;
    }
  }

  private giveBack(contender: Contender, node: PoolNode): void {
    for (const room of contender.claims) this.drop(contender, node, room);
  }

  private keep({ shape: { request } }: Contender, node: PoolNode, room: NodeRoom, direction: 1 | -1): void {
    this.ledger.keep(room, request, node.uses, direction);
    for (const where of [room, ...node.lineage()]) add(this.vectorIn(this.claimed, where), request, direction);
  }

  private vectorIn<K>(vectors: Vectors<K>, key: K): Float64Array {
    let vector = vectors.get(key);
    if (vector === undefined) {
      vector = this.ledger.vectorOf({}, 0);
      vectors.set(key, vector);
    }
    return vector;
  }
}

/** Whether it fits where that much more is free, on the node and under the limits. */
function fitsBeside(more: Vectors<NodeRoom | PoolNode>, request: Request, room: NodeRoom, node: PoolNode): boolean {
  return (
    fits(request, sum(room.free, more.get(room))) &&
    node.lineage().every((each) => fits(request, sum(slackOf(each), more.get(each))))
  );
}

function isOn({ pool: { preemption } }: PoolNode): boolean {
  return preemption?.withinPool === "LowerPriority" || preemption?.reclaim === "Always";
}
