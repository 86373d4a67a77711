// What nodes and limits will have left at a later moment, as far as anybody knows. Does not know who asks. What is done
// for each place that frees is small on purpose: it is done tens of thousands of times a plan.
import type { Hold } from "./backfill.ts";
import { add, addToEach, type NodeRoom } from "./ledger.ts";
import type { Release } from "./releases.ts";
import type { PoolNode } from "./tree.ts";

export class Later {
  /** By room index: the nodes that are asked about. */
  private readonly asked: readonly boolean[];
  /** By room index; a node that nothing has changed is not copied. */
  private readonly changed: (Float64Array | undefined)[];
  private readonly limits: ReadonlyMap<PoolNode, Float64Array>;
  /** Of those limits, the ones that a shard of the pool counts against. */
  private readonly above = new Map<PoolNode | undefined, readonly Float64Array[]>();

  constructor(asked: readonly boolean[], limits: readonly PoolNode[]) {
    this.asked = asked;
    this.changed = new Array<Float64Array | undefined>(asked.length).fill(undefined);
    this.limits = new Map(limits.map((pool) => [pool, pool.limit.map((limit, i) => limit - (pool.use[i] ?? 0))]));
  }

  /** By resource index; to be read only. */
  on({ index, free }: NodeRoom): Float64Array {
    return this.changed[index] ?? free;
  }

  /** The same, to be changed. */
  of(room: NodeRoom): Float64Array {
    let free = this.changed[room.index];
    if (free === undefined) {
      free = room.free.slice();
      this.changed[room.index] = free;
    }
    return free;
  }

  under(pool: PoolNode): Float64Array | undefined {
    return this.limits.get(pool);
  }

  take({ contender, node, placed }: Pick<Hold, "contender" | "node" | "placed">): void {
    const { request } = contender.shape;
    for (const room of placed) if (this.asked[room.index]) add(this.of(room), request, -1);
    addToEach(this.countingFor(node), request, -placed.length);
  }

  give({ room, node, request }: Release): void {
    addToEach(this.countingFor(node), request, 1);
    if (room !== undefined && this.asked[room.index]) add(this.of(room), request, 1);
  }

  giveUntil(at: number, freed: readonly Release[]): void {
    for (let i = 0; i < freed.length; i += 1) {
      const release = freed[i] as Release;
      if (release.at <= at) this.give(release);
    }
  }

  /** Gives what frees before the moment, and returns what frees at it. */
  giveBefore(at: number, freed: readonly Release[]): readonly Release[] {
    const then: Release[] = [];
    for (let i = 0; i < freed.length; i += 1) {
      const release = freed[i] as Release;
      if (release.at < at) this.give(release);
      else if (release.at <= at) then.push(release);
    }
    return then;
  }

  private countingFor(node: PoolNode | undefined): readonly Float64Array[] {
    return this.above.get(node) ?? this.findAbove(node);
  }

  /** By itself: a function that makes another one costs an object each time that it is called. */
  private findAbove(node: PoolNode | undefined): readonly Float64Array[] {
    const counting = (node?.limits ?? []).flatMap((pool) => this.limits.get(pool) ?? []);
    this.above.set(node, counting);
    return counting;
  }
}
