// What is in force in a pool: what it says itself, else its parent, else what a root has that says nothing. Pure.
import type { Backfill, OrderName, PlacementName, Preemption } from "../scheduling/index.ts";
import type { Quantities } from "./amount.ts";
import type { StopPolicy } from "./pool-words.ts";
import type { ResourcePoolSpec } from "./resource-pool.ts";

export interface EffectivePool {
  readonly order: readonly OrderName[];
  readonly backfill: Backfill;
  readonly maxWaitSeconds: number;
  readonly preemption: Preemption;
  readonly placement: PlacementName;
  readonly defaultRequests: Quantities;
  /** Of the root, whose nodes they are. */
  readonly sharing: "Shared" | "Exclusive";
  /** The strictest of its own and its ancestors', and whose that is. */
  readonly stop: { readonly policy: StopPolicy; readonly pool: string };
}

const defaults: Omit<EffectivePool, "stop"> = {
  order: ["Priority", "FirstCome"],
  backfill: { policy: "Easy", candidates: "ShortestFirst" },
  maxWaitSeconds: 86_400,
  preemption: { withinPool: "Never", reclaim: "Never" },
  placement: "BinPack",
  defaultRequests: { cpu: "1" },
  sharing: "Shared",
};

const strictness: Readonly<Record<StopPolicy, number>> = { None: 0, Stop: 1, StopAndDrain: 2 };

export function effectivePool(name: string, spec: ResourcePoolSpec, parent?: EffectivePool): EffectivePool {
  const inherited = parent ?? defaults;
  const { queue = {}, stopPolicy } = spec;
  const isStricter = parent === undefined || strictness[stopPolicy] > strictness[parent.stop.policy];
  return {
    order: queue.order ?? inherited.order,
    backfill: { ...inherited.backfill, ...queue.backfill },
    maxWaitSeconds: queue.maxWaitSeconds ?? inherited.maxWaitSeconds,
    preemption: { ...inherited.preemption, ...queue.preemption },
    placement: spec.placement ?? inherited.placement,
    defaultRequests: spec.defaultRequests ?? inherited.defaultRequests,
    sharing: spec.sharing ?? inherited.sharing,
    stop: isStricter ? { policy: stopPolicy, pool: name } : parent.stop,
  };
}
