// What a pool has, holds and has left, by resource. Does not know who holds it.
import type { ResourceUsage } from "./decision.ts";
import type { Ledger } from "./ledger.ts";
import type { PoolNode, Tree } from "./tree.ts";

/** Of the root: one line a resource that a node offers, a pool names or a shard asks for, by name. */
export function usageOf({ rooms, resources, allocated }: Ledger, root: PoolNode | undefined): readonly ResourceUsage[] {
  return resources
    .map((name, index) => {
      let capacity = 0;
      let foreign = 0;
      let free = 0;
      for (const room of rooms) {
        capacity += room.allocatable[index] ?? 0;
        foreign += room.node.foreign[name] ?? 0;
        if (room.usable) free += Math.max(0, room.free[index] ?? 0);
      }
      if (root !== undefined) free = Math.min(free, root.leftUnderLimits(index));
      return { name, capacity, reserved: root?.drawn[index] ?? 0, foreign, allocated: allocated[index] ?? 0, free };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Of the pools below the root, by name: what each may use at most, and what is left of that. */
export function childUsageOf(
  { nodes, root }: Tree,
  { resources }: Ledger,
  ofRoot: readonly ResourceUsage[],
): Readonly<Record<string, readonly ResourceUsage[]>> | undefined {
  if (nodes.size < 2) return undefined;
  const indexOf = new Map(resources.map((name, index) => [name, index]));
  const children = [...nodes.values()].filter((node) => node !== root);
  return Object.fromEntries(
    children.map((node) => [
      node.pool.name,
      ofRoot.map(({ name, free }) => {
        const index = indexOf.get(name) ?? -1;
        return {
          name,
          capacity: node.capacity[index] ?? 0,
          reserved: node.reserved[index] ?? 0,
          foreign: 0,
          allocated: node.use[index] ?? 0,
          free: Math.min(free, node.leftUnderLimits(index)),
        };
      }),
    ]),
  );
}
