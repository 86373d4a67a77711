// Small changes that might start a task that waits: a shard ends, a node is opened or added, a limit is raised. Whether
// one does is for the planner to say. Does not know why the task waits.
import { selects, tolerates } from "./constraints.ts";
import { expectedEnd } from "./estimate.ts";
import { withoutActive } from "./forward.ts";
import type { ActiveShard, Node, Pool, Snapshot, Task } from "./model.ts";
import { compareText } from "./order/chain.ts";
import { hasStarted } from "./queue.ts";
import { type Amounts, amountOfText, covers, minus, plus, requestText, times } from "./resources.ts";

export type Change =
  | { readonly kind: "ShardEnds"; readonly task: Task; readonly shard: number; readonly node: string }
  | { readonly kind: "NodeOpened"; readonly node: Node }
  | { readonly kind: "NodeAdded"; readonly node: Node; readonly like: string }
  | { readonly kind: "LimitRaised"; readonly pool: Pool; readonly limit: Amounts };

export function withChange(snapshot: Snapshot, change: Change): Snapshot {
  const { nodes, pools, tasks } = snapshot;
  switch (change.kind) {
    case "ShardEnds":
      return {
        ...snapshot,
        tasks: tasks.map((each) => (each === change.task ? withoutActive(each, [change.shard]) : each)),
      };
    case "NodeOpened":
      return {
        ...snapshot,
        nodes: nodes.map((each) => (each === change.node ? { ...each, cordoned: false, ready: true } : each)),
      };
    case "NodeAdded":
      return { ...snapshot, nodes: [...nodes, change.node] };
    case "LimitRaised":
      return {
        ...snapshot,
        pools: pools.map((each) => (each === change.pool ? { ...each, limit: change.limit } : each)),
      };
  }
}

/** What a person reads; tasks of other namespaces are not named. */
export function changeText(change: Change, reader: Task): string {
  switch (change.kind) {
    case "ShardEnds": {
      const { namespace, name } = change.task;
      const whose = namespace === reader.namespace ? name : "a task of another namespace";
      return `a shard of ${whose} on ${change.node} ends`;
    }
    case "NodeOpened":
      return `${change.node.name} is ready and not cordoned`;
    case "NodeAdded":
      return `a node like ${change.like} is added (${requestText(change.node.allocatable)})`;
    case "LimitRaised": {
      const raised = Object.entries(change.limit).filter(([name, amount]) => amount !== change.pool.limit?.[name]);
      const amounts = raised.map(([name, amount]) => amountOfText(name, amount)).sort();
      return `the limit of ${change.pool.name} is raised to ${amounts.join(" and ")}`;
    }
  }
}

interface RunningShard {
  readonly task: Task;
  readonly shard: ActiveShard;
  readonly at: number;
}

/** The changes of one snapshot that are worth asking the planner about. */
export class Changes {
  private readonly nodes: readonly Node[];
  private readonly pools: ReadonlyMap<string, Pool>;
  /** What shards hold, by node and by pool, descendants included. */
  private readonly onNode = new Map<string, Amounts>();
  private readonly inPool = new Map<Pool, Amounts>();
  /** In the order of their expected ends. */
  private readonly running: readonly RunningShard[];

  constructor({ nodes, pools, tasks }: Snapshot, now: number) {
    this.nodes = nodes;
    this.pools = new Map(pools.map((pool) => [pool.name, pool]));
    const running: RunningShard[] = [];
    for (const task of tasks) {
      const lineage = task.active.length === 0 ? [] : this.lineageOf(task.pool);
      for (const shard of task.active) {
        running.push({ task, shard, at: expectedEnd(task, shard, now) });
        count(this.onNode, shard.node, shard.request);
        for (const pool of lineage) count(this.inPool, pool, shard.request);
      }
    }
    this.running = running.sort(
      (a, b) => a.at - b.at || compareText(a.task.key, b.task.key) || a.shard.shard - b.shard.shard,
    );
  }

  /** One of each kind at most, those that come by themselves first. */
  for(task: Task): readonly Change[] {
    const demand = hasStarted(task) ? 1 : (task.minParallelism ?? 1);
    const limits = this.lineageOf(task.pool).map((pool) => this.limitToRaise(pool, task, demand));
    const changes = [this.shardThatMakesRoom(task), ...limits, this.nodeToOpen(task), this.nodeToAdd(task, demand)];
    return changes.filter((change) => change !== undefined);
  }

  /** The one that ends next of those that leave room for a shard on their node. */
  private shardThatMakesRoom(task: Task): Change | undefined {
    const open = this.nodes.filter((node) => node.ready && !node.cordoned && admits(node, task));
    const byName = new Map(open.map((node) => [node.name, node]));
    const next = this.running.find(({ shard }) => {
      const node = byName.get(shard.node);
      if (node === undefined) return false;
      const free = minus(minus(node.allocatable, node.foreign), this.onNode.get(node.name) ?? {});
      return covers(plus(free, shard.request), task.request);
    });
    return next && { kind: "ShardEnds", task: next.task, shard: next.shard.shard, node: next.shard.node };
  }

  private limitToRaise(pool: Pool, task: Task, demand: number): Change | undefined {
    if (pool.limit === undefined) return undefined;
    const needed = plus(this.inPool.get(pool) ?? {}, times(task.request, demand));
    const limit = Object.fromEntries(
      Object.entries(pool.limit).map(([name, amount]) => [name, Math.max(amount, needed[name] ?? 0)]),
    );
    return covers(pool.limit, limit) ? undefined : { kind: "LimitRaised", pool, limit };
  }

  private nodeToOpen(task: Task): Change | undefined {
    const closed = this.nodes.filter((node) => (!node.ready || node.cordoned) && admits(node, task));
    const node = smallest(
      closed.filter(({ allocatable, foreign }) => covers(minus(allocatable, foreign), task.request)),
    );
    return node && { kind: "NodeOpened", node };
  }

  /** One more of the smallest kind that there is and that could hold what must start together. */
  private nodeToAdd(task: Task, demand: number): Change | undefined {
    const together = times(task.request, demand);
    const like = smallest(this.nodes.filter((node) => admits(node, task) && covers(node.allocatable, together)));
    if (like === undefined) return undefined;
    const taken = new Set(this.nodes.map(({ name }) => name));
    let name = `${like.name}-more`;
    while (taken.has(name)) name = `${name}-more`;
    return { kind: "NodeAdded", node: { ...like, name, foreign: {}, ready: true, cordoned: false }, like: like.name };
  }

  /** From the pool up; a ring of parents ends where it began. */
  private lineageOf(name: string): readonly Pool[] {
    const lineage: Pool[] = [];
    for (
      let pool = this.pools.get(name);
      pool !== undefined && !lineage.includes(pool);
      pool = this.pools.get(pool.parent ?? "")
    ) {
      lineage.push(pool);
    }
    return lineage;
  }
}

function count<K>(held: Map<K, Amounts>, key: K, request: Amounts): void {
  held.set(key, plus(held.get(key) ?? {}, request));
}

function admits(node: Node, { constraints, excludedNodes }: Task): boolean {
  const isExcluded = excludedNodes.some((each) => each.node === node.name);
  return !isExcluded && selects(constraints, node) && tolerates(constraints, node.taints);
}

function smallest(nodes: readonly Node[]): Node | undefined {
  const size = ({ allocatable }: Node): number => (allocatable.cpu ?? 0) + (allocatable.memory ?? 0) / 2 ** 22;
  let found: Node | undefined;
  for (const node of nodes) {
    const order = found === undefined ? -1 : size(node) - size(found) || compareText(node.name, found.name);
    if (order < 0) found = node;
  }
  return found;
}
