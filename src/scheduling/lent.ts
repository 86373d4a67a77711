// Who runs on what somebody else has reserved. Does not know who wants it back.
import { add, type Request } from "./ledger.ts";
import { compareText } from "./order/chain.ts";
import type { PoolNode } from "./tree.ts";

/** A place that is taken, by a running shard or for one. */
export interface Holding {
  readonly node: PoolNode;
  readonly request: Request;
  readonly since: number;
  /** Decides between what is equally old. */
  readonly id: string;
}

/**
 * The oldest shards of a pool are on its own reservation, as many as it covers; the others are on lent capacity. What a
 * pool below has reserved is on the reservation of the pool above, too.
 */
export class Lending<T extends Holding> {
  private readonly byPool: ReadonlyMap<PoolNode, readonly T[]>;
  private readonly found = new Map<PoolNode, ReadonlySet<T>>();

  constructor(holdings: readonly T[]) {
    this.byPool = Map.groupBy(holdings, ({ node }) => node);
  }

  /** Whether it is beyond the reservation of the pool, which is its own or one above it. */
  isLent(holding: T, pool: PoolNode): boolean {
    return !this.within(pool).has(holding);
  }

  private within(pool: PoolNode): ReadonlySet<T> {
    let within = this.found.get(pool);
    if (within === undefined) {
      const below = pool.children.map((child) => this.within(child));
      const isBelow = (holding: T): boolean => below.some((each) => each.has(holding));
      const ranked = this.holdingsIn(pool).map((holding) => ({ holding, rank: isBelow(holding) ? 0 : 1 }));
      ranked.sort((a, b) => a.rank - b.rank || byAge(a.holding, b.holding));
      const use = pool.use.map(() => 0);
      const covered = new Set<T>();
      for (const { holding } of ranked) {
        if (!pool.covers(holding.request, 1, use)) continue;
        add(use, holding.request, 1);
        covered.add(holding);
      }
      within = covered;
      this.found.set(pool, within);
    }
    return within;
  }

  private holdingsIn(pool: PoolNode): readonly T[] {
    return [...(this.byPool.get(pool) ?? []), ...pool.children.flatMap((child) => this.holdingsIn(child))];
  }
}

function byAge(a: Holding, b: Holding): number {
  return a.since - b.since || compareText(a.id, b.id);
}
