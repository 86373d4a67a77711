// The pools of one tree as they are now: what is in force in each, which nodes are the root's, and what the planner sees
// of them. Does not know what runs there.
import { amountsOf } from "../../api/amount.ts";
import { type EffectivePool, effectivePool } from "../../api/effective-pool.ts";
import { nodeOf } from "../../api/node.ts";
import type { OpenStart } from "../../api/open-starts.ts";
import type { PooledTask } from "../../api/pooled-task.ts";
import type { Problem } from "../../api/problem.ts";
import { readMemory } from "../../api/queue-memory.ts";
import { parentOf, type ResourcePool, type ResourcePoolSpec, sharesOf } from "../../api/resource-pool.ts";
import type { Node, Pool, QueueMemory } from "../../scheduling/index.ts";
import type { PoolFacts } from "../engine-choice.ts";
import { type Ownership, ownNodes } from "../node-ownership.ts";
import { type PoolTrees, poolTrees } from "../pool-trees.ts";
import type { NodeView, Stores } from "../stores.ts";
import { openStartsIn, poolSpec } from "./specs.ts";

export interface ObservedPool {
  readonly object: ResourcePool;
  readonly spec: ResourcePoolSpec | undefined;
  /** What is in force; absent where its spec, or that of an ancestor, cannot be read, and where it has no root. */
  readonly effective: EffectivePool | undefined;
  readonly problems: readonly Problem[];
  /** Itself, its parent, and so on up. */
  readonly lineage: readonly ObservedPool[];
}

export interface ObservedRoot extends ObservedPool {
  readonly nodes: readonly Node[];
  /** Names of nodes that an older pool has, by that pool. */
  readonly overlaps: ReadonlyMap<string, readonly string[]>;
  /** Of all tasks of the tree. */
  readonly openStarts: readonly OpenStart[];
}

/** The tree of pools that a task belongs to. */
export interface ObservedTree {
  /** The same object as long as everything is the same that a task without a place sees of the tree. */
  readonly state: object;
  readonly root: ObservedRoot | undefined;
  readonly pools: ReadonlyMap<string, ObservedPool>;
}

export function treesOf({ pools }: Pick<Stores, "pools">): PoolTrees {
  return poolTrees(pools.list());
}

/** Of all pools of a tree, or of a pool that is not there and is named all the same. */
export function poolNamesOf(stores: Pick<Stores, "pools">, root: string): readonly string[] {
  const trees = treesOf(stores);
  if (trees.rootOf(root) !== root) return [];
  return [...new Set([root, ...trees.poolsOf(root).map(({ metadata }) => metadata.name)])].sort();
}

/** The tasks of these pools that are awake. */
export function tasksOf({ tasksByPool }: Pick<Stores, "tasksByPool">, pools: readonly string[]): readonly PooledTask[] {
  return pools.flatMap((name) => [...tasksByPool.awake(name)]);
}

/** From the root downwards; pools that do not lead to it stand alone, with nothing in force. */
export function observePools(stores: Pick<Stores, "pools">, root: string): ReadonlyMap<string, ObservedPool> {
  const objects = treesOf(stores).poolsOf(root);
  const children = Map.groupBy(objects, parentOf);
  const pools = new Map<string, ObservedPool>();
  const add = (object: ResourcePool, parent: ObservedPool | undefined): void => {
    const { name } = object.metadata;
    const parsed = poolSpec(object);
    const hasPlace = parentOf(object) === undefined || parent?.effective !== undefined;
    const lineage: ObservedPool[] = [];
    const pool = {
      object,
      spec: parsed.ok ? parsed.spec : undefined,
      effective: parsed.ok && hasPlace ? effectivePool(name, parsed.spec, parent?.effective) : undefined,
      problems: parsed.ok ? [] : parsed.problems,
      lineage,
    };
    lineage.push(pool, ...(parent?.lineage ?? []));
    pools.set(name, pool);
    if (parent !== undefined || hasPlace) for (const child of children.get(name) ?? []) add(child, pool);
  };
  for (const object of children.get(undefined) ?? []) add(object, undefined);
  for (const object of objects) if (!pools.has(object.metadata.name)) add(object, undefined);
  return pools;
}

export function observeRoot(
  stores: Pick<Stores, "pools" | "nodes">,
  pool: ObservedPool | undefined,
): ObservedRoot | undefined {
  if (pool === undefined || parentOf(pool.object) !== undefined) return undefined;
  const ownership = ownershipOf(stores);
  const { name } = pool.object.metadata;
  return {
    ...pool,
    nodes: (ownership.nodes.get(name) ?? []).map(({ node }) => ({ ...nodeOf(node), foreign: {} })),
    overlaps: ownership.overlaps.get(name) ?? new Map(),
    openStarts: openStartsIn(pool.object),
  };
}

interface OwnableNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly node: NodeView;
}

/** Nodes are a root's; pools that cannot be read own nothing. */
export function ownershipOf(stores: Pick<Stores, "pools" | "nodes">): Ownership<OwnableNode> {
  const readable = stores.pools.list().filter((pool) => parentOf(pool) === undefined && poolSpec(pool).ok);
  const nodes = stores.nodes
    .list()
    .map((node) => ({ name: node.metadata.name, labels: node.metadata.labels ?? {}, node }));
  return ownNodes(readable, nodes);
}

/** A pool that cannot be read has no place in the plan; one without a root has, so that the plan says why. */
export function modelPool(
  { object, spec, effective }: ObservedPool,
  queueMemory: (pool: ResourcePool) => QueueMemory | undefined,
): Pool | undefined {
  if (spec === undefined) return undefined;
  const { name, uid, creationTimestamp } = object.metadata;
  const { order, placement, backfill, maxWaitSeconds, preemption } = effective ?? effectivePool(name, spec);
  const parent = parentOf(object);
  const memory = queueMemory(object) ?? readMemory(object.status?.queue);
  return {
    name,
    uid,
    created: Date.parse(creationTimestamp),
    order,
    placement,
    backfill,
    maxWaitMs: maxWaitSeconds * 1000,
    preemption,
    ...(parent !== undefined && { parent, shares: sharesOf(spec.shares) }),
    ...(spec.reservation !== undefined && { reservation: amountsOf(spec.reservation) }),
    ...(spec.limit !== undefined && { limit: amountsOf(spec.limit) }),
    ...(spec.expandableReservation !== undefined && { expandableReservation: spec.expandableReservation }),
    ...(memory !== undefined && { memory }),
  };
}

/** Of the root, whose nodes all pools of the tree use. */
export function poolFactsOf(root: ObservedRoot | undefined): PoolFacts | undefined {
  if (root?.effective === undefined) return undefined;
  return { name: root.object.metadata.name, sharing: root.effective.sharing, nodes: root.nodes };
}

/** Of every tree that has none: nothing is kept by a name that only tasks know. */
const withoutPools = {};
const states = new WeakMap<object, Map<string, { readonly parts: readonly unknown[]; readonly state: object }>>();

/**
 * What is in force in the pools, whether there are nodes, and which where it matters: taints decide how the Pods of a pool
 * of its own nodes come to them.
 */
export function treeState(
  stores: Stores,
  name: string,
  root: ObservedRoot | undefined,
  pools: ReadonlyMap<string, ObservedPool>,
): object {
  if (pools.size === 0) {
    states.get(stores)?.delete(name);
    return withoutPools;
  }
  const parts: unknown[] = [root?.object.metadata.uid, (root?.nodes.length ?? 0) > 0];
  for (const { object } of pools.values()) parts.push(object.metadata.uid, object.metadata.generation);
  if (root?.effective?.sharing === "Exclusive")
    parts.push(...root.nodes.map((node) => stores.nodes.get({ name: node.name })));
  const ofStores =
    states.get(stores) ?? new Map<string, { readonly parts: readonly unknown[]; readonly state: object }>();
  states.set(stores, ofStores);
  const known = ofStores.get(name);
  if (known?.parts.length === parts.length && known.parts.every((part, i) => part === parts[i])) return known.state;
  const state = {};
  ofStores.set(name, { parts, state });
  return state;
}
