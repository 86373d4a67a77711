// What shards hold, by node and by pool. Does not know who waits, nor what may start.
import type { Node, Pool, Snapshot } from "./model.ts";
import { type Amounts, minus, plus } from "./resources.ts";

export class Holdings {
  private readonly pools: ReadonlyMap<string, Pool>;
  private readonly byNode = new Map<string, Amounts>();
  private readonly byPool = new Map<Pool, Amounts>();

  constructor({ pools, tasks }: Pick<Snapshot, "pools" | "tasks">) {
    this.pools = new Map(pools.map((pool) => [pool.name, pool]));
    for (const { pool, active } of tasks) {
      const lineage = active.length === 0 ? [] : this.lineageOf(pool);
      for (const { node, request } of active) {
        count(this.byNode, node, request);
        for (const each of lineage) count(this.byPool, each, request);
      }
    }
  }

  /** What neither shards nor foreign Pods hold of it. */
  freeOn({ name, allocatable, foreign }: Node): Amounts {
    return minus(minus(allocatable, foreign), this.byNode.get(name) ?? {});
  }

  isEmpty({ name }: Node): boolean {
    return !this.byNode.has(name);
  }

  /** By its own tasks and those of the pools below it. */
  inPool(pool: Pool): Amounts {
    return this.byPool.get(pool) ?? {};
  }

  /** From the pool up; a ring of parents ends where it began. */
  lineageOf(name: string): readonly Pool[] {
    const lineage: Pool[] = [];
    for (
      let pool = this.pools.get(name);
      pool !== undefined && !lineage.includes(pool);
      pool = this.pools.get(pool.parent ?? "")
    ) {
      lineage.push(pool);
    }
    return lineage;
  }
}

function count<K>(held: Map<K, Amounts>, key: K, request: Amounts): void {
  held.set(key, plus(held.get(key) ?? {}, request));
}
