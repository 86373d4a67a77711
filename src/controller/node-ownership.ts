// Which pool a node belongs to: one root a node, the older keeps it. Pure.
import type { ResourcePool } from "../api/resource-pool.ts";
import { selectsNode } from "../api/selector.ts";

export interface NamedLabels {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Ownership<N extends NamedLabels> {
  /** By the pool's name. */
  readonly nodes: ReadonlyMap<string, readonly N[]>;
  /** Nodes that a pool selects and an older one has: by the pool's name, then by the older one's. */
  readonly overlaps: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;
}

/**
 * Pools that select nodes come first, by age; what they leave goes to the oldest of those that select none. A pool that
 * selects none means "every node that no other has", so it gives way without a complaint.
 */
export function ownNodes<N extends NamedLabels>(pools: readonly ResourcePool[], nodes: readonly N[]): Ownership<N> {
  const byAge = [...pools].sort(
    (a, b) =>
      Number(!isSelective(a)) - Number(!isSelective(b)) ||
      a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp) ||
      a.metadata.name.localeCompare(b.metadata.name),
  );
  const owner = new Map<string, string>();
  const owned = new Map<string, N[]>();
  const overlaps = new Map<string, Map<string, string[]>>();
  for (const pool of byAge) {
    const { name } = pool.metadata;
    const mine: N[] = [];
    for (const node of nodes) {
      if (!selectsNode(pool.spec, node)) continue;
      const older = owner.get(node.name);
      if (older === undefined) {
        owner.set(node.name, name);
        mine.push(node);
      } else if (isSelective(pool)) {
        const theirs = overlaps.get(name) ?? new Map<string, string[]>();
        theirs.set(older, [...(theirs.get(older) ?? []), node.name]);
        overlaps.set(name, theirs);
      }
    }
    owned.set(name, mine);
  }
  return { nodes: owned, overlaps };
}

function isSelective({ spec }: ResourcePool): boolean {
  return spec.nodeNames !== undefined || spec.nodeSelector !== undefined;
}
