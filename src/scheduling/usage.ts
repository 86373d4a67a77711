// What a pool has, holds and has left, by resource. Does not know who holds it.
import type { ResourceUsage } from "./decision.ts";
import type { Ledger } from "./ledger.ts";

/** One line a resource that a node offers or a shard asks for, by name. */
export function usageOf({ rooms, resources, allocated }: Ledger): readonly ResourceUsage[] {
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
      return { name, capacity, foreign, allocated: allocated[index] ?? 0, free };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
