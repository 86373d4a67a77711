// The node that a policy prefers, a heap for each kind of pod: only nodes that have changed since the kind came last are
// rated again. The scheme of the planner's own candidates, over FGD's nodes.
import { Heap } from "../../src/scheduling/heap.ts";
import { type FgdNode, fitsIn, type NodeState } from "./fgd-node.ts";
import type { FgdPolicy, Rating } from "./fgd-policies.ts";
import type { PodKind } from "./fgd-trace.ts";

interface Candidate {
  readonly node: FgdNode;
  readonly rank: number;
  /** The state in which it was rated. */
  readonly state: NodeState;
  readonly rating: Rating;
}

interface Line {
  readonly heap: Heap<Candidate>;
  /** How many changes it knows, and the policy's epoch in which it was filled. */
  seen: number;
  epoch: number;
}

export class FgdChoice {
  private readonly nodes: readonly FgdNode[];
  private readonly policy: FgdPolicy;
  private readonly lines = new Map<PodKind, Line>();
  /** Ranks of the nodes that have changed, in order. */
  private readonly changes: number[] = [];
  private readonly rankOf: ReadonlyMap<FgdNode, number>;

  /** `nodes` in the order in which ties prefer them. */
  constructor(nodes: readonly FgdNode[], policy: FgdPolicy) {
    this.nodes = nodes;
    this.policy = policy;
    this.rankOf = new Map(nodes.map((node, rank) => [node, rank]));
  }

  changed(node: FgdNode): void {
    this.changes.push(this.rankOf.get(node) ?? 0);
  }

  best(kind: PodKind): Candidate | undefined {
    const line = this.lines.get(kind) ?? { heap: new Heap(isBetter), seen: 0, epoch: -1 };
    this.lines.set(kind, line);
    const epoch = this.policy.epoch?.() ?? 0;
    if (line.epoch !== epoch || this.changes.length - line.seen > this.nodes.length) {
      line.heap.clear();
      for (let rank = 0; rank < this.nodes.length; rank += 1) this.consider(line, kind, rank);
    } else {
      for (const rank of new Set(this.changes.slice(line.seen))) this.consider(line, kind, rank);
    }
    line.epoch = epoch;
    line.seen = this.changes.length;
    for (let top = line.heap.peek(); top !== undefined; top = line.heap.peek()) {
      if (top.node.state === top.state) return top;
      line.heap.pop();
    }
    return undefined;
  }

  private consider(line: Line, kind: PodKind, rank: number): void {
    const node = this.nodes[rank];
    if (node === undefined || !fitsIn(kind, node.state)) return;
    line.heap.push({ node, rank, state: node.state, rating: this.policy.rate(node, kind) });
  }
}

function isBetter(a: Candidate, b: Candidate): boolean {
  return a.rating.score > b.rating.score || (a.rating.score === b.rating.score && a.rank < b.rank);
}
