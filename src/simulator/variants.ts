// Every policy beside the one that is written: the same pools with one thing changed. Does not run them.
import { type Backfill, type OrderName, orderNames, type Pool, placementNames } from "../scheduling/index.ts";

export interface Variant {
  /** `as-written`, or what was changed: `order=ShortestJob`. */
  readonly name: string;
  readonly pools: readonly Pool[];
}

const backfills: readonly Backfill["policy"][] = ["None", "BestEffort", "Easy", "Conservative"];

/** The pools as they are written first, then one change at a time; a change that changes nothing is left out. */
export function variantsOf(pools: readonly Pool[], nodeCount: number): readonly Variant[] {
  const changed = (name: string, change: (pool: Pool) => Pool): Variant => ({ name, pools: pools.map(change) });
  const variants = [
    ...orderNames.map((name) => changed(`order=${name}`, (pool) => ({ ...pool, order: orderWith(pool.order, name) }))),
    ...backfills.map((policy) =>
      changed(`backfill=${policy}`, (pool) => ({
        ...pool,
        backfill: { policy, candidates: pool.backfill?.candidates ?? "ShortestFirst" },
      })),
    ),
    // On one node there is nothing to choose.
    ...(nodeCount < 2 ? [] : placementNames).map((placement) =>
      changed(`placement=${placement}`, (pool) => ({ ...pool, placement })),
    ),
  ];
  const written = textOf(pools);
  return [{ name: "as-written", pools }, ...variants.filter((variant) => textOf(variant.pools) !== written)];
}

/** What people rank by priority stays ranked by it: the comparison takes the place of what decides among equals. */
function orderWith(order: readonly OrderName[], name: OrderName): readonly OrderName[] {
  const decidesFirst = order[0] === "Priority" && order.length > 1 && name !== "Priority";
  return decidesFirst ? ["Priority", name] : [name];
}

/** FirstCome is what every chain ends with, written or not. */
function textOf(pools: readonly Pool[]): string {
  return JSON.stringify(
    pools.map(({ order, backfill, placement }) => [order.filter((name) => name !== "FirstCome"), backfill, placement]),
  );
}
