// Small changes that might start a task that waits: a shard ends, a node is opened or added, a limit is raised. Whether
// one does is for the planner to say. Does not know why the task waits.
import { lastingTaints, selects, tolerates } from "./constraints.ts";
import { expectedEnd } from "./estimate.ts";
import { withoutActive } from "./forward.ts";
import { Holdings } from "./holdings.ts";
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
        nodes: nodes.map((each) => (each === change.node ? opened(each) : each)),
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
  private readonly held: Holdings;
  /** In the order of their expected ends. */
  private readonly running: readonly RunningShard[];

  constructor(snapshot: Snapshot, now: number) {
    this.nodes = snapshot.nodes;
    this.held = new Holdings(snapshot);
    const running = snapshot.tasks.flatMap((task) =>
      task.active.map((shard): RunningShard => ({ task, shard, at: expectedEnd(task, shard, now) })),
    );
    this.running = running.sort(
      (a, b) => a.at - b.at || compareText(a.task.key, b.task.key) || a.shard.shard - b.shard.shard,
    );
  }

  /** One of each kind at most, those that come by themselves first. */
  for(task: Task): readonly Change[] {
    const demand = hasStarted(task) ? 1 : (task.minParallelism ?? 1);
    const limits = this.held.lineageOf(task.pool).map((pool) => this.limitToRaise(pool, task, demand));
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
      return covers(plus(this.held.freeOn(node), shard.request), task.request);
    });
    return next && { kind: "ShardEnds", task: next.task, shard: next.shard.shard, node: next.shard.node };
  }

  private limitToRaise(pool: Pool, task: Task, demand: number): Change | undefined {
    if (pool.limit === undefined) return undefined;
    const needed = plus(this.held.inPool(pool), times(task.request, demand));
    const limit = Object.fromEntries(
      Object.entries(pool.limit).map(([name, amount]) => [name, Math.max(amount, needed[name] ?? 0)]),
    );
    return covers(pool.limit, limit) ? undefined : { kind: "LimitRaised", pool, limit };
  }

  private nodeToOpen(task: Task): Change | undefined {
    const closed = this.nodes.filter((node) => (!node.ready || node.cordoned) && admits(opened(node), task));
    const node = smallest(
      closed.filter(({ allocatable, foreign }) => covers(minus(allocatable, foreign), task.request)),
    );
    return node && { kind: "NodeOpened", node };
  }

  /** One more of the smallest kind that there is and that could hold what must start together. */
  private nodeToAdd(task: Task, demand: number): Change | undefined {
    const together = times(task.request, demand);
    const like = smallest(
      this.nodes.filter((node) => admits(opened(node), task) && covers(node.allocatable, together)),
    );
    if (like === undefined) return undefined;
    const [node] = moreLike(like, this.nodes, 1);
    return node && { kind: "NodeAdded", node, like: like.name };
  }
}

/** Kubernetes taints a node that is cordoned or not ready, and takes that back with it. */
function opened(node: Node): Node {
  return { ...node, cordoned: false, ready: true, taints: lastingTaints(node) };
}

export function admits(node: Node, { constraints, excludedNodes }: Task): boolean {
  const isExcluded = excludedNodes.some((each) => each.node === node.name);
  return !isExcluded && selects(constraints, node) && tolerates(constraints, node.taints);
}

/** So many more nodes like one that is there. What foreign Pods hold on each node of its kind, they will hold there too. */
export function moreLike(like: Node, nodes: readonly Node[], count: number): readonly Node[] {
  const { allocatable } = like;
  const alike = nodes.filter((node) => covers(node.allocatable, allocatable) && covers(allocatable, node.allocatable));
  const foreign = alike.map((node) => node.foreign).reduce(leastOf, like.foreign);
  const taken = new Set(nodes.map(({ name }) => name));
  const more: Node[] = [];
  for (let number = 1; more.length < count; number += 1) {
    const name = `${like.name}-more-${number}`;
    const labels = Object.hasOwn(like.labels, hostname) ? { ...like.labels, [hostname]: name } : like.labels;
    if (!taken.has(name)) more.push({ ...opened(like), name, labels, foreign });
  }
  return more;
}

const hostname = "kubernetes.io/hostname";

function leastOf(a: Amounts, b: Amounts): Amounts {
  return Object.fromEntries(Object.entries(a).map(([name, amount]) => [name, Math.min(amount, b[name] ?? 0)]));
}

function smallest(nodes: readonly Node[]): Node | undefined {
  return [...nodes].sort(bySize)[0];
}

/** Ties go to the lowest name. */
export function bySize(a: Node, b: Node): number {
  const size = ({ allocatable }: Node): number => (allocatable.cpu ?? 0) + (allocatable.memory ?? 0) / 2 ** 22;
  return size(a) - size(b) || compareText(a.name, b.name);
}
