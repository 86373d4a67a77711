// Which pools belong together: a root, or the name under which a tree without one is known, and all pools below it. Pure;
// does not know what a pool has or says beyond its parent.
import { parentOf, type ResourcePool } from "../api/resource-pool.ts";

export interface PoolTrees {
  /** Under which name the tree of a pool is planned; a name that no pool has is its own. */
  rootOf(pool: string): string;
  /** All pools of the tree, by name. */
  poolsOf(root: string): readonly ResourcePool[];
  readonly roots: ReadonlySet<string>;
}

/**
 * A tree is known by its root; where a parent is missing by that parent's name, so that whoever creates it finds them;
 * where parents go round in a circle by the lowest name in it.
 */
export function poolTrees(pools: readonly ResourcePool[]): PoolTrees {
  const parents = new Map(pools.map((pool) => [pool.metadata.name, parentOf(pool)]));
  const known = new Map<string, string>();
  const rootOf = (name: string): string => {
    const way: string[] = [];
    let at = name;
    let root = known.get(at);
    while (root === undefined) {
      way.push(at);
      const parent = parents.get(at);
      if (parent === undefined) root = at;
      else if (way.includes(parent)) root = way.slice(way.indexOf(parent)).reduce((a, b) => (a < b ? a : b));
      else {
        at = parent;
        root = known.get(at);
      }
    }
    for (const each of way) known.set(each, root);
    return root;
  };
  const byName = [...pools].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const trees = Map.groupBy(byName, ({ metadata }) => rootOf(metadata.name));
  return { rootOf, poolsOf: (root) => trees.get(root) ?? [], roots: new Set(trees.keys()) };
}
