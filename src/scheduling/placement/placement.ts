// What a placement policy is: it gets a node on which the shard fits and says how good that node is. Does not know the
// other nodes, nor whose shard it is.
import type { NodeRoom, Request } from "../ledger.ts";

export interface PlacementPolicy {
  readonly name: string;
  /** The highest goes; ties are the caller's, who takes the lowest name in plain string order. */
  readonly score: (node: NodeRoom, request: Request) => number;
}

/** What would be left of the request's dominant resource, as a share of the node: 0 when the shard fills it. */
export function shareLeft({ free, allocatable }: NodeRoom, { indexes, amounts }: Request): number {
  let dominant = 0;
  let left = 1;
  for (let i = 0; i < indexes.length; i += 1) {
    const resource = indexes[i] ?? 0;
    const amount = amounts[i] ?? 0;
    const whole = allocatable[resource] ?? 0;
    if (amount / whole > dominant) {
      dominant = amount / whole;
      left = ((free[resource] ?? 0) - amount) / whole;
    }
  }
  return left;
}
