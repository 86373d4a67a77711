// The stores as they are now → the snapshot that a plan is made from, and what else apply and report need to know of the
// pools and of each task. One synchronous read; starts, stops and writes nothing. Pools, tasks and attempts are rooms of
// `observed/`.
import { cappedSum } from "../api/amount.ts";
import type { ResourcePool } from "../api/resource-pool.ts";
import { isObserved } from "../api/task-conditions.ts";
import { earliest, type Node, type QueueMemory, type Snapshot } from "../scheduling/index.ts";
import {
  modelPool,
  type ObservedPool,
  type ObservedRoot,
  type ObservedTree,
  observePools,
  observeRoot,
  poolNamesOf,
  tasksOf,
  treeState,
} from "./observed/pools.ts";
import { nextMoment, type ObservedTask, observeTask, type TaskInput } from "./observed/task.ts";
import type { Stores } from "./stores.ts";

export interface Observed {
  /** Under which name the tree is planned; a pool of that name need not be there. */
  readonly root: string;
  /** The root itself, where there is one. */
  readonly pool: ObservedRoot | undefined;
  /** All pools of the tree, the root among them, by name. */
  readonly pools: ReadonlyMap<string, ObservedPool>;
  /** All but those asleep. */
  readonly tasks: readonly ObservedTask[];
  /** By pool, the UIDs of those that have finished and of which nothing is left to do: as they are when it is asked. */
  readonly asleep: readonly Pick<ReadonlyMap<string, unknown>, "size" | "keys">[];
  /** Those of `tasks` that have not finished, or of which something is left all the same: on a long day few of all. */
  readonly going: readonly ObservedTask[];
  /** The same, by key. */
  readonly byKey: ReadonlyMap<string, ObservedTask>;
  readonly snapshot: Snapshot;
  /** The first moment at which time alone changes something that the planner does not see. */
  readonly wakeAt?: number;
}

export interface ObserveInput extends TaskInput {
  /** What a queue remembers from its last plan; absent: what stands in its status. */
  readonly queueMemory?: (pool: ResourcePool) => QueueMemory | undefined;
}

export function observe(input: ObserveInput, root: string, now: number): Observed {
  const { stores, queueMemory = () => undefined } = input;
  const pools = observePools(stores, root);
  const pool = observeRoot(stores, pools.get(root));
  const opens = Map.groupBy(pool?.openStarts ?? [], (start) => start.taskUid);
  const tree: ObservedTree = { root: pool, pools, state: treeState(stores, root, pool, pools) };
  const names = poolNamesOf(stores, root);
  let wakeAt = earliest(...names.map((name) => stores.tasksByPool.wakeDue(name, now)));
  const tasks: ObservedTask[] = [];
  for (const object of tasksOf(stores, names)) {
    const task = observeTask(input, object, tree, opens.get(object.metadata.uid) ?? [], now);
    tasks.push(task);
    wakeAt = earliest(wakeAt, nextMoment(task, now));
  }
  const going = tasks.filter(isGoing);
  const nodes = withForeign(stores, pool?.nodes ?? [], going);
  return {
    root,
    pool: pool && { ...pool, nodes },
    pools,
    tasks,
    asleep: names.map((name) => stores.tasksByPool.asleep(name)),
    going,
    byKey: new Map(going.map((task) => [task.key, task])),
    snapshot: {
      pools: [...pools.values()].flatMap((each) => modelPool(each, queueMemory) ?? []),
      nodes,
      tasks: going.flatMap((task) => task.model ?? []),
    },
    ...(wakeAt !== undefined && { wakeAt }),
  };
}

function isGoing({ object, stage, model, open, ended, memory }: ObservedTask): boolean {
  if (stage.kind !== "Finished" || model !== undefined || open.length > 0) return true;
  // A change of its spec that asks for nothing is still to be answered.
  if (!isObserved(object)) return true;
  return ended.length > 0 && memory?.work !== undefined;
}

/** What Pods hold on the nodes that no attempt of ours accounts for: other people's, other pools', kube's duplicates. */
function withForeign(stores: Stores, nodes: readonly Node[], tasks: readonly ObservedTask[]): readonly Node[] {
  const accounted = new Set<string>();
  for (const task of tasks) {
    if (task.model === undefined) continue;
    for (const { pod } of task.active) if (pod !== undefined) accounted.add(pod);
  }
  return nodes.map((node) => {
    const foreign = stores.pods.byIndex("node", node.name).filter(({ metadata }) => !accounted.has(metadata.uid));
    return { ...node, foreign: cappedSum(foreign.map(({ request }) => request)) };
  });
}
