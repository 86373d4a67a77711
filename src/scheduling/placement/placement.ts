// What a placement policy is: it gets a node on which the shard fits and says how good that node is. Does not know whose
// shard it is.
import type { Kind } from "../kinds.ts";
import type { Ledger, NodeRoom, Request } from "../ledger.ts";

export interface PlacementPolicy {
  readonly name: string;
  /** It looks at the kinds of shards that the tree's pools usually have, which their queues then remember. */
  readonly learns: boolean;
  /** Called once a plan. */
  readonly prepare: (field: Field) => Scoring;
}

/** What a policy may know beside the node that it scores. */
export interface Field {
  readonly ledger: Ledger;
  /** The most frequent first; looked up when somebody asks. */
  readonly kinds: () => readonly Kind[];
}

export interface Scoring {
  /** The highest goes; ties are the caller's, who takes the lowest name in plain string order. */
  readonly score: Score;
  /** Moves on when scores given before do not compare with new ones, though their nodes are as they were. */
  readonly epoch: number;
}

export type Score = (node: NodeRoom, request: Request) => number;
export type NamedPlacement<Name extends string> = PlacementPolicy & { readonly name: Name };

/** A policy that needs to know the node alone. */
export function local<Name extends string>(name: Name, score: Score): NamedPlacement<Name> {
  return { name, learns: false, prepare: () => ({ score, epoch: 0 }) };
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
