// A pool in motion for the planner's own benchmark: seeded nodes, pools and tasks, and one change after the other, as the
// operator would see them. What does not change stays the same object. Knows no Kubernetes.
import { seededRandom } from "@dsl/kube-operator/testing";
import { withActive, withMemory } from "../src/scheduling/forward.ts";
import {
  type Amounts,
  type Backfill,
  defaultPlacement,
  type Node,
  type Plan,
  type Pool,
  type Snapshot,
  type Task,
} from "../src/scheduling/index.ts";

export interface BusyPoolSize {
  readonly tasks: number;
  readonly nodes: number;
  readonly seed?: number;
  readonly policy?: Backfill["policy"];
  readonly order?: Pool["order"];
  readonly placement?: Pool["placement"];
}

const shardsPerTask = 10;
const gi = 2 ** 30;
const minuteMs = 60_000;
export const benchNow = Date.UTC(2026, 0, 1, 12);

/** What one shard asks for: milli-CPU, Gi, GPUs. Small ones are many, as in published traces. */
const requests: readonly (readonly [number, number, number])[] = [
  [500, 1, 0],
  [1000, 2, 0],
  [1000, 4, 0],
  [2000, 4, 0],
  [2000, 16, 0],
  [4000, 8, 0],
  [4000, 32, 0],
  [8000, 16, 0],
  [8000, 64, 0],
  [16_000, 64, 0],
  [4000, 16, 1],
  [16_000, 64, 4],
];

/** The tree: a root, two faculties, and groups below one of them. */
const tree: readonly (readonly [string, string | undefined, Partial<Pool>])[] = [
  ["lab", undefined, {}],
  ["science", "lab", { shares: 8000 }],
  ["arts", "lab", { shares: 2000 }],
  ["physics", "science", {}],
  ["biology", "science", { expandableReservation: false }],
];

export class BusyPool {
  #pools: readonly Pool[];
  #nodes: readonly Node[];
  /** In the order of their arrival, which is no order that a planner could use. */
  readonly #tasks = new Map<string, Task>();
  readonly #random: () => number;
  readonly #wantedTasks: number;
  #arrived = 0;
  #now = benchNow;

  constructor({ tasks, nodes, seed = 1, ...policy }: BusyPoolSize) {
    this.#random = seededRandom(seed);
    this.#wantedTasks = tasks;
    this.#nodes = Array.from({ length: nodes }, (_, i) => this.#aNode(i));
    this.#pools = tree.map(([name, parent, traits]) => poolOf(name, parent, traits, nodes, policy));
    this.#refill();
  }

  get now(): number {
    return this.#now;
  }

  get snapshot(): Snapshot {
    return { pools: this.#pools, nodes: this.#nodes, tasks: [...this.#tasks.values()] };
  }

  /** As the next observation sees it once every start of the plan has been carried out. */
  apply(plan: Plan): void {
    for (const { kind, task: key, shard, node } of plan.decisions) {
      const task = this.#tasks.get(key);
      if (kind === "start" && task !== undefined) this.#tasks.set(key, withActive(task, [{ shard, node }], this.#now));
    }
    this.#pools = withMemory(this.#pools, plan);
    this.#refill();
  }

  /** One change, and a moment later. */
  change(): void {
    this.#now += this.#upTo(1000);
    const kind = this.#random();
    if (kind < 0.7) this.#endShard();
    else if (kind < 0.8) this.#arrive();
    else if (kind < 0.9) this.#alter((task) => ({ ...task, priority: 10 * this.#upTo(30) }));
    else if (kind < 0.95) this.#alterNode((node) => ({ ...node, cordoned: !node.cordoned }));
    else this.#alterNode((node) => ({ ...node, foreign: { cpu: 1000 * this.#upTo(4), memory: gi, pods: 1 } }));
  }

  #upTo(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#upTo(list.length)] as T;
  }

  /** Always as many tasks with something to start. */
  #refill(): void {
    let waiting = 0;
    for (const task of this.#tasks.values()) if (task.waiting.length > 0) waiting += 1;
    for (; waiting < this.#wantedTasks; waiting += 1) this.#arrive();
  }

  #arrive(): void {
    const number = this.#arrived;
    this.#arrived += 1;
    const namespace = `team-${this.#upTo(20)}`;
    const name = `run-${number}`;
    const [cpu, memory, gpu] = this.#pick(requests);
    const request: Amounts = { cpu, memory: memory * gi, pods: 1, ...(gpu > 0 && { "nvidia.com/gpu": gpu }) };
    const likelyMs = Math.round(10_000 * 2 ** (8 * this.#random()));
    const limited = this.#random() < 0.5;
    const gang = this.#random() < 0.05;
    const shards = 1 + this.#upTo(2 * shardsPerTask - 1);
    this.#tasks.set(`${namespace}/${name}`, {
      key: `${namespace}/${name}`,
      namespace,
      name,
      uid: `uid-${number}`,
      pool: this.#pick(tree)[0],
      created: this.#now - this.#upTo(24 * 60) * minuteMs,
      priority: 100 * this.#upTo(3),
      request,
      constraints: { nodeSelector: this.#random() < 0.2 ? { zone: this.#pick(["a", "b"]) } : {}, tolerations: [] },
      ...(this.#random() < 0.3 && { parallelism: 1 + this.#upTo(8) }),
      ...(gang && { minParallelism: Math.min(shards, 2 + this.#upTo(7)) }),
      waiting: [{ start: 0, end: shards }],
      backingOff: [],
      active: [],
      expected: { likelyMs, ...(limited && { limitMs: 2 * likelyMs }) },
      excludedNodes: [],
    });
  }

  #endShard(): void {
    const running = [...this.#tasks.values()].filter(({ active }) => active.length > 0);
    if (running.length === 0) return;
    const task = this.#pick(running);
    const [, ...active] = task.active;
    if (active.length + task.waiting.length === 0) this.#tasks.delete(task.key);
    else this.#tasks.set(task.key, { ...task, active, finished: (task.finished ?? 0) + 1 });
  }

  #alter(change: (task: Task) => Task): void {
    const task = this.#pick([...this.#tasks.values()]);
    this.#tasks.set(task.key, change(task));
  }

  #alterNode(change: (node: Node) => Node): void {
    const chosen = this.#pick(this.#nodes);
    this.#nodes = this.#nodes.map((node) => (node === chosen ? change(node) : node));
  }

  #aNode(index: number): Node {
    const kind = index % 10;
    const cores = kind < 6 ? 32 : 64;
    const gpus = kind === 9 ? 8 : 0;
    return {
      name: `node-${index}`,
      labels: { zone: index % 2 === 0 ? "a" : "b" },
      taints: [],
      ready: true,
      cordoned: index % 50 === 0,
      allocatable: {
        cpu: 1000 * cores,
        memory: 4 * cores * gi,
        pods: 110,
        ...(gpus > 0 && { "nvidia.com/gpu": gpus }),
      },
      foreign: { cpu: 250, memory: gi, pods: 3 },
    };
  }
}

function poolOf(
  name: string,
  parent: string | undefined,
  traits: Partial<Pool>,
  nodes: number,
  { policy = "Easy", order = ["Priority", "FirstCome"], placement = defaultPlacement }: Partial<BusyPoolSize>,
): Pool {
  return {
    name,
    uid: name,
    created: benchNow - minuteMs,
    order,
    placement,
    backfill: { policy, candidates: "ShortestFirst" },
    maxWaitMs: 7 * 24 * 60 * minuteMs,
    ...(parent !== undefined && {
      parent,
      reservation: { cpu: 2000 * nodes, memory: 8 * gi * nodes },
      limit: { cpu: 25_000 * nodes },
    }),
    ...traits,
  };
}
