// Builders of snapshots, and expectations of plans that print the whole plan as a small table when they fail.
import { expect } from "vitest";
import {
  type ActiveShard,
  type Amounts,
  type Constraints,
  type Decision,
  type Node,
  type OrderName,
  type PlacementName,
  type Plan,
  type Pool,
  planPool,
  type Snapshot,
  type StopReason,
  type Task,
  type TaskReason,
} from "../../src/scheduling/index.ts";

/** The moment of every plan that does not say otherwise. */
export const noon = Date.UTC(2026, 0, 1, 12);
export const seconds = (count: number): number => count * 1000;

/** As one writes them in a test: CPU in cores, memory in Gi, everything else in units. */
export type Loosely = Readonly<Record<string, number>>;

export function amounts(loosely: Loosely): Amounts {
  const unit = (resource: string): number => (resource === "cpu" ? 1000 : resource === "memory" ? 2 ** 30 : 1);
  return Object.fromEntries(Object.entries(loosely).map(([name, amount]) => [name, Math.round(amount * unit(name))]));
}

type NodeTraits = Partial<Omit<Node, "name" | "allocatable" | "foreign">> & { readonly foreign?: Loosely };

/** A running shard in short: its node, and what differs from a shard that has just started to run. */
export type RunningShard = string | (Partial<ActiveShard> & { readonly node: string });

/** A child pool in short; reservation and limit as one writes them in a test. */
export interface ChildTraits extends Partial<Omit<Pool, "reservation" | "limit">> {
  readonly reservation?: Loosely;
  readonly limit?: Loosely;
}

/** A task in short: `shards` wait as one range; resources by name; the rest as in the model. */
export interface TaskTraits extends Partial<Omit<Task, "key" | "request" | "active" | "constraints">> {
  readonly shards?: number;
  readonly running?: readonly RunningShard[];
  readonly constraints?: Partial<Constraints>;
  readonly cpu?: number;
  readonly memory?: number;
  readonly gpu?: number;
}

export function aNode(name: string, size: Loosely, { foreign = {}, ...traits }: NodeTraits = {}): Node {
  return {
    name,
    labels: { "kubernetes.io/hostname": name },
    taints: [],
    ready: true,
    cordoned: false,
    allocatable: amounts({ pods: 110, ...size }),
    foreign: amounts(foreign),
    ...traits,
  };
}

export function aTask(name: string, traits: TaskTraits = {}): Task {
  const { shards = 0, running = [], constraints, cpu, memory, gpu, ...given } = traits;
  const namespace = given.namespace ?? "lab";
  const request = amounts({
    pods: 1,
    ...(cpu !== undefined && { cpu }),
    ...(memory !== undefined && { memory }),
    ...(gpu !== undefined && { "nvidia.com/gpu": gpu }),
  });
  const active = running.map((each, index): ActiveShard => {
    const facts = typeof each === "string" ? { node: each } : each;
    // Running shards come after the waiting ones in number, so that a test counts the waiting ones from 0.
    return { shard: shards + index, attempt: 0, request, state: "Running", since: noon, ...facts };
  });
  return {
    key: `${namespace}/${name}`,
    namespace,
    name,
    uid: `uid-of-${namespace}-${name}`,
    pool: "lab",
    created: noon - seconds(60),
    priority: 0,
    request,
    constraints: { nodeSelector: {}, tolerations: [], ...constraints },
    waiting: shards > 0 ? [{ start: 0, end: shards }] : [],
    backingOff: [],
    active,
    excludedNodes: [],
    ...given,
  };
}

/** A root pool `lab` with nodes and tasks; each `with…` gives a new one. */
export class PoolBuilder {
  readonly snapshot: Snapshot;
  readonly now: number;

  constructor(snapshot: Snapshot, now: number) {
    this.snapshot = snapshot;
    this.now = now;
  }

  /** `node-1` to `node-<count>`, all alike. */
  withNodes(count: number, size: Loosely, traits?: NodeTraits): PoolBuilder {
    const names = Array.from({ length: count }, (_, index) => `node-${index + 1}`);
    return this.with({ nodes: [...this.snapshot.nodes, ...names.map((name) => aNode(name, size, traits))] });
  }

  withNode(name: string, size: Loosely, traits?: NodeTraits): PoolBuilder {
    return this.with({ nodes: [...this.snapshot.nodes, aNode(name, size, traits)] });
  }

  /** In the order in which they were created, a second apart, unless they say otherwise. */
  withTasks(tasks: Readonly<Record<string, TaskTraits>>): PoolBuilder {
    const before = this.snapshot.tasks.length;
    const made = Object.entries(tasks).map(([name, traits], index) =>
      aTask(name, { created: noon - seconds(3600 - before - index), ...traits }),
    );
    return this.with({ tasks: [...this.snapshot.tasks, ...made] });
  }

  placing(placement: PlacementName): PoolBuilder {
    return this.withPool({ placement });
  }

  ordering(...order: readonly OrderName[]): PoolBuilder {
    return this.withPool({ order });
  }

  /** A child of `lab`, unless it names another parent; as old as its siblings, unless it says otherwise. */
  withChild(name: string, { reservation, limit, ...traits }: ChildTraits = {}): PoolBuilder {
    const [root] = this.snapshot.pools;
    if (root === undefined) throw new Error("a child needs a pool above it");
    const child: Pool = {
      ...root,
      name,
      uid: `uid-of-${name}`,
      parent: root.name,
      ...(reservation !== undefined && { reservation: amounts(reservation) }),
      ...(limit !== undefined && { limit: amounts(limit) }),
      ...traits,
    };
    return this.with({ pools: [...this.snapshot.pools, child] });
  }

  withPool(traits: Partial<Pool>): PoolBuilder {
    return this.with({ pools: this.snapshot.pools.map((pool) => ({ ...pool, ...traits })) });
  }

  withoutPool(): PoolBuilder {
    return this.with({ pools: [] });
  }

  at(now: number): PoolBuilder {
    return new PoolBuilder(this.snapshot, now);
  }

  continuedBy(snapshot: Snapshot): PoolBuilder {
    return new PoolBuilder(snapshot, this.now);
  }

  private with(part: Partial<Snapshot>): PoolBuilder {
    return new PoolBuilder({ ...this.snapshot, ...part }, this.now);
  }
}

export function aPool(): PoolBuilder {
  const pool: Pool = {
    name: "lab",
    uid: "uid-of-lab",
    created: noon - seconds(86_400),
    order: ["Priority", "FirstCome"],
    placement: "BinPack",
  };
  return new PoolBuilder({ pools: [pool], nodes: [], tasks: [] }, noon);
}

export function expectPlan({ snapshot, now }: PoolBuilder): PlanExpectation {
  return new PlanExpectation(planPool(snapshot, now));
}

/** What a plan says. Tasks are named without their namespace `lab`; each check names all that it is about. */
export class PlanExpectation {
  readonly plan: Plan;

  constructor(plan: Plan) {
    this.plan = plan;
  }

  /** Every start of the plan, and no other: the nodes of each task's shards, in order. */
  places(expected: Readonly<Record<string, readonly string[]>>): this {
    const starts = this.plan.decisions.filter((decision) => decision.kind === "start");
    const nodes = Object.groupBy(starts, ({ task }) => short(task));
    const found = Object.fromEntries(Object.entries(nodes).map(([task, of]) => [task, of?.map(({ node }) => node)]));
    return this.equal(found, expected);
  }

  /** Which shards start, by task, in order. */
  starts(expected: Readonly<Record<string, readonly number[]>>): this {
    const starts = this.plan.decisions.filter((decision) => decision.kind === "start");
    const shards = Object.groupBy(starts, ({ task }) => short(task));
    const found = Object.fromEntries(Object.entries(shards).map(([task, of]) => [task, of?.map(({ shard }) => shard)]));
    return this.equal(found, expected);
  }

  /** Every stop of the plan, as `task/shard`. */
  stops(expected: Readonly<Record<string, StopReason>>): this {
    const stops = this.plan.decisions.filter((decision) => decision.kind === "stop");
    return this.equal(
      Object.fromEntries(stops.map(({ task, shard, why }) => [`${short(task)}/${shard}`, why])),
      expected,
    );
  }

  /** The reason of every task that has one. */
  waits(expected: Readonly<Record<string, TaskReason>>): this {
    const found = this.plan.waiting.map(({ task, reason }) => [short(task), reason]);
    return this.equal(Object.fromEntries(found), expected);
  }

  /** The tasks of the queue, the next one first. */
  queues(...expected: readonly string[]): this {
    const inQueue = this.plan.waiting.filter(({ position }) => position !== undefined);
    inQueue.sort((a, b) => (a.position ?? 0) - (b.position ?? 0));
    this.equal(
      inQueue.map(({ position }) => position),
      inQueue.map((_, index) => index + 1),
    );
    return this.equal(
      inQueue.map(({ task }) => short(task)),
      expected,
    );
  }

  says(task: string, message: string): this {
    return this.equal(this.plan.waiting.find((each) => short(each.task) === task)?.message, message);
  }

  wakesAt(expected: number | undefined): this {
    return this.equal(this.plan.wakeAt, expected);
  }

  private equal(found: unknown, expected: unknown): this {
    expect(found, tableOf(this.plan)).toEqual(expected);
    return this;
  }
}

export function tableOf({ decisions, waiting, wakeAt }: Plan): string {
  const lines = [
    ...decisions.map((each) => [each.kind, `${short(each.task)}/${each.shard}`, detailOf(each)]),
    ...waiting.map(({ task, position, reason, message }) => [
      "wait",
      short(task),
      `${position ?? "-"} ${reason}: ${message}`,
    ]),
    ["wake", "", wakeAt === undefined ? "never" : new Date(wakeAt).toISOString()],
  ];
  return `the plan was\n${lines.map(([kind = "", what = "", how]) => `  ${kind.padEnd(6)}${what.padEnd(14)}${how}`).join("\n")}\n`;
}

function detailOf(decision: Decision): string {
  return decision.kind === "start" ? `on ${decision.node}` : `on ${decision.node}, ${decision.why}`;
}

function short(task: string): string {
  return task.startsWith("lab/") ? task.slice(4) : task;
}

/** The snapshot as the next observation would see it, had every decision been carried out at once. */
export function applied(snapshot: Snapshot, { decisions, memory }: Plan, now: number): Snapshot {
  const byTask = Map.groupBy(decisions, ({ task }) => task);
  const pools = snapshot.pools.map((pool): Pool => {
    const remembered = memory?.[pool.name];
    return remembered === undefined ? pool : { ...pool, memory: remembered };
  });
  return { ...snapshot, pools, tasks: snapshot.tasks.map((task) => appliedTo(task, byTask.get(task.key) ?? [], now)) };
}

function appliedTo(task: Task, decisions: readonly Decision[], now: number): Task {
  const started = new Set(decisions.filter(({ kind }) => kind === "start").map(({ shard }) => shard));
  const stopped = new Set(decisions.filter(({ kind }) => kind === "stop").map(({ shard }) => shard));
  const starts = decisions.flatMap((each): ActiveShard[] =>
    each.kind === "start"
      ? [
          {
            shard: each.shard,
            attempt: 0,
            node: each.node,
            request: task.request,
            state: "Starting",
            since: now,
          },
        ]
      : [],
  );
  return {
    ...task,
    // What ages a task ends with a start.
    ...(starts.length > 0 && { waitingSince: now }),
    waiting: task.waiting.flatMap(({ start, end }) =>
      Array.from({ length: Math.max(0, end - start) }, (_, index) => start + index)
        .filter((shard) => !started.has(shard))
        .map((shard) => ({ start: shard, end: shard + 1 })),
    ),
    backingOff: task.backingOff.filter(({ shard }) => !started.has(shard)),
    active: [
      ...task.active.map((each): ActiveShard => (stopped.has(each.shard) ? { ...each, state: "Stopping" } : each)),
      ...starts,
    ],
  };
}
