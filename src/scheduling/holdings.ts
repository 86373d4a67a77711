// What shards hold, by node and by pool. Does not know who waits, nor what may start.
import type { Node, Pool, Snapshot } from "./model.ts";
import { type Amounts, checkedAmount, minus } from "./resources.ts";

export class Holdings {
  private readonly pools: ReadonlyMap<string, Pool>;
  private readonly byNode = new Map<string, Sum>();
  private readonly byPool = new Map<Pool, Sum>();

  constructor({ pools, tasks }: Pick<Snapshot, "pools" | "tasks">) {
    this.pools = new Map(pools.map((pool) => [pool.name, pool]));
    for (const { pool, active } of tasks) {
      if (active.length === 0) continue;
      const ofTask: Sum = {};
      for (const { node, request } of active) {
        addTo(sumIn(this.byNode, node), request);
        addTo(ofTask, request);
      }
      for (const each of this.lineageOf(pool)) addTo(sumIn(this.byPool, each), ofTask);
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

/** Added up in place: there are thousands of shards. */
type Sum = Record<string, number>;

function sumIn<K>(held: Map<K, Sum>, key: K): Sum {
  let sum = held.get(key);
  if (sum === undefined) {
    sum = {};
    held.set(key, sum);
  }
  return sum;
}

function addTo(sum: Sum, request: Amounts): void {
  for (const name in request) sum[name] = checkedAmount((sum[name] ?? 0) + (request[name] ?? 0), name);
}
