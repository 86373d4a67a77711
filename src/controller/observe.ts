// The store as it is now → the snapshot that a plan is made from, and what else apply and report need to know of each
// task. One synchronous read of the stores; starts, stops and writes nothing.
import { isDeepStrictEqual } from "node:util";
import { conditionOf, keyOf, keyText } from "@dsl/kube-operator";
import { amountsOf, cappedSum, type Quantities } from "../api/amount.ts";
import { constraintsOf } from "../api/constraints.ts";
import { type EffectivePool, effectivePool } from "../api/effective-pool.ts";
import { nodeOf } from "../api/node.ts";
import { type PooledTask, type PooledTaskSpec, parsePooledTask } from "../api/pooled-task.ts";
import { type Problem, problemsText } from "../api/problem.ts";
import { readMemory } from "../api/queue-memory.ts";
import { countOf, rangesWithout } from "../api/ranges.ts";
import { podRequest } from "../api/request.ts";
import {
  type OpenStart,
  openStartsOf,
  parentOf,
  parseResourcePool,
  type ResourcePool,
  type ResourcePoolSpec,
  sharesOf,
} from "../api/resource-pool.ts";
import { admitsNamespace, type Labels } from "../api/selector.ts";
import { type AttemptState, type EndedAttempt, type Surroundings, shardForm } from "../engine/engine.ts";
import { observeObject } from "../engine/engines.ts";
import { indexesOf } from "../engine/item-indexes.ts";
import {
  type AttemptObject,
  type AttemptPod,
  attemptPodOf,
  type JobView,
  type PodView,
  type RoundView,
} from "../engine/views.ts";
import {
  type ActiveShard,
  type Amounts,
  type BackingOff,
  type Blocked,
  type Constraints,
  type Node,
  nothingLearned,
  type Pool,
  type QueueMemory,
  type ShardRange,
  type Snapshot,
  type StopReason,
  type Task,
} from "../scheduling/index.ts";
import { type EngineChoice, engineOf, type PoolFacts, type TaskEngine, tolerationOf } from "./engine-choice.ts";
import { type Ownership, ownNodes } from "./node-ownership.ts";
import { type Outlook, outlookOf, runLimitMs } from "./outlook.ts";
import { type PoolTrees, poolTrees } from "./pool-trees.ts";
import { deadlineOf, isFinished, needsRetryRound, type Stage, stageOf } from "./stage.ts";
import type { NodeView, Stores } from "./stores.ts";
import { keysFor, type Refusal, type TaskMemories, type TaskMemory, type Work } from "./task-memory.ts";

export interface Observed {
  /** Under which name the tree is planned; a pool of that name need not be there. */
  readonly root: string;
  /** The root itself, where there is one. */
  readonly pool: ObservedRoot | undefined;
  /** All pools of the tree, the root among them, by name. */
  readonly pools: ReadonlyMap<string, ObservedPool>;
  readonly tasks: readonly ObservedTask[];
  readonly snapshot: Snapshot;
  /** The first moment at which time alone changes something that the planner does not see. */
  readonly wakeAt?: number;
}

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

export interface ObservedTask {
  readonly key: string;
  readonly object: PooledTask;
  readonly spec: PooledTaskSpec | undefined;
  readonly memory: TaskMemory | undefined;
  readonly stage: Stage;
  /** Starting, running or being stopped. */
  readonly active: readonly Exclude<AttemptState, EndedAttempt>[];
  /** Ended, and not recorded. */
  readonly ended: readonly EndedAttempt[];
  /** Decided, and their Job not seen yet. */
  readonly open: readonly OpenStart[];
  /** What each attempt lives and dies with, by `shard/attempt`. */
  readonly objects: ReadonlyMap<string, AttemptObject>;
  /** Jobs that attempts share, by age. */
  readonly rounds: readonly RoundView[];
  /** What it began with, or would begin with now. */
  readonly engine: TaskEngine;
  readonly firstDecided: number | undefined;
  /** `retryFailed` was raised: a round is to be recorded. */
  readonly retryRound: number | undefined;
  /** Attempts that the API server lets have no Pod, and its words. */
  readonly refused: readonly {
    readonly shard: number;
    readonly attempt: number;
    readonly node: string;
    readonly message: string;
  }[];
  /** In force in the pool, for a main container that requests nothing. */
  readonly defaultRequests: Quantities;
  /** Of one shard; absent where the spec cannot be read. */
  readonly request: Amounts | undefined;
  /** What is to be expected of its shards, and how the next ones are to be cut; absent before its items are read. */
  readonly outlook: Outlook | undefined;
  /** What the planner sees; absent for tasks that have nothing left to plan. */
  readonly model: Task | undefined;
}

export interface ObserveInput {
  readonly stores: Stores;
  readonly memories: TaskMemories;
  /** For tasks that begin. */
  readonly choice: EngineChoice;
  /** What a queue remembers from its last plan; absent: what stands in its status. */
  readonly queueMemory?: (pool: ResourcePool) => QueueMemory | undefined;
}

export function attemptKey({ shard, attempt }: { readonly shard: number; readonly attempt: number }): string {
  return `${shard}/${attempt}`;
}

type ParsedTask = ReturnType<typeof parsePooledTask>;
type ParsedPool = ReturnType<typeof parseResourcePool>;
/** A stored object never changes: what was read from it once holds as long as it lives. */
const parsedTasks = new WeakMap<PooledTask, ParsedTask>();
const parsedPools = new WeakMap<ResourcePool, ParsedPool>();
const openStarts = new WeakMap<ResourcePool, readonly OpenStart[]>();

export function taskSpec(task: PooledTask): ParsedTask {
  return cached(parsedTasks, task, parsePooledTask);
}

function poolSpec(pool: ResourcePool): ParsedPool {
  return cached(parsedPools, pool, parseResourcePool);
}

function cached<K extends WeakKey, V>(cache: WeakMap<K, V>, key: K, compute: (key: K) => V): V {
  let value = cache.get(key);
  if (value === undefined) {
    value = compute(key);
    cache.set(key, value);
  }
  return value;
}

export function observe(input: ObserveInput, root: string, now: number): Observed {
  const { stores } = input;
  const pools = observePools(stores, root);
  const pool = observeRoot(stores, pools.get(root));
  const opens = Map.groupBy(pool?.openStarts ?? [], (start) => start.taskUid);
  const tree: ObservedTree = { root: pool, pools };
  const tasks = tasksOf(stores, root).map((task) =>
    observeTask(input, task, tree, opens.get(task.metadata.uid) ?? [], now),
  );
  const models = tasks.flatMap((task) => task.model ?? []);
  const nodes = withForeign(stores, pool?.nodes ?? [], tasks);
  const wakeAt = firstOf(tasks.flatMap((task) => nextMoments(task, now)));
  return {
    root,
    pool: pool && { ...pool, nodes },
    pools,
    tasks,
    snapshot: {
      pools: [...pools.values()].flatMap((each) => modelPool(each, input) ?? []),
      nodes,
      tasks: models,
    },
    ...(wakeAt !== undefined && { wakeAt }),
  };
}

function firstOf(moments: readonly number[]): number | undefined {
  return moments.length === 0 ? undefined : Math.min(...moments);
}

function nextMoments({ stage, spec, object, firstDecided }: ObservedTask, now: number): readonly number[] {
  const moments: number[] = [];
  if (spec === undefined) return moments;
  const deadline = deadlineOf(firstDecided, spec);
  if (deadline !== undefined && stage.kind !== "Finished" && deadline > now) moments.push(deadline);
  const expiry = expiryOf(object, spec);
  if (expiry !== undefined && expiry > now) moments.push(expiry);
  return moments;
}

/** When a finished task is to be deleted. */
export function expiryOf(task: PooledTask, spec: PooledTaskSpec): number | undefined {
  const { completionTime } = task.status ?? {};
  if (spec.ttlSecondsAfterFinished === undefined || completionTime === undefined || !isFinished(task, spec))
    return undefined;
  return Date.parse(completionTime) + spec.ttlSecondsAfterFinished * 1000;
}

// ---- the pools

/** The tree of pools that a task belongs to. */
interface ObservedTree {
  readonly root: ObservedRoot | undefined;
  readonly pools: ReadonlyMap<string, ObservedPool>;
}

export function treesOf({ pools }: Pick<Stores, "pools">): PoolTrees {
  return poolTrees(pools.list());
}

/** The tasks of all pools of a tree, and those that name a pool that is not there. */
export function tasksOf(stores: Pick<Stores, "pools" | "tasks">, root: string): readonly PooledTask[] {
  const trees = treesOf(stores);
  if (trees.rootOf(root) !== root) return [];
  const names = new Set([root, ...trees.poolsOf(root).map(({ metadata }) => metadata.name)]);
  return [...names].sort().flatMap((name) => stores.tasks.byIndex("pool", name));
}

/** From the root downwards; pools that do not lead to it stand alone, with nothing in force. */
function observePools(stores: Stores, root: string): ReadonlyMap<string, ObservedPool> {
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

function observeRoot(stores: Stores, pool: ObservedPool | undefined): ObservedRoot | undefined {
  if (pool === undefined || parentOf(pool.object) !== undefined) return undefined;
  const ownership = ownershipOf(stores);
  const { name } = pool.object.metadata;
  return {
    ...pool,
    nodes: (ownership.nodes.get(name) ?? []).map(({ node }) => ({ ...nodeOf(node), foreign: {} })),
    overlaps: ownership.overlaps.get(name) ?? new Map(),
    openStarts: cached(openStarts, pool.object, openStartsOf),
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
function modelPool({ object, spec, effective }: ObservedPool, { queueMemory }: ObserveInput): Pool | undefined {
  if (spec === undefined) return undefined;
  const { name, uid, creationTimestamp } = object.metadata;
  const { order, placement, backfill, maxWaitSeconds, preemption } = effective ?? effectivePool(name, spec);
  const parent = parentOf(object);
  const memory = queueMemory?.(object) ?? readMemory(object.status?.queue);
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

/** What Pods hold on the nodes that no attempt of ours accounts for: other people's, other pools', kube's duplicates. */
function withForeign(stores: Stores, nodes: readonly Node[], tasks: readonly ObservedTask[]): readonly Node[] {
  const accounted = new Set<string>();
  for (const task of tasks) {
    if (task.model === undefined) continue;
    for (const { pod } of task.active) if (pod !== undefined) accounted.add(pod);
  }
  return nodes.map((node) => {
    const foreign = stores.pods
      .byIndex("node", node.name)
      .filter(({ phase, metadata }) => phase !== "Succeeded" && phase !== "Failed" && !accounted.has(metadata.uid));
    return { ...node, foreign: cappedSum(foreign.map(({ request }) => request)) };
  });
}

// ---- a task

function observeTask(
  input: ObserveInput,
  object: PooledTask,
  tree: ObservedTree,
  opens: readonly OpenStart[],
  now: number,
): ObservedTask {
  const parsed = taskSpec(object);
  const spec = parsed.ok ? parsed.spec : undefined;
  const memory = input.memories.get(object);
  const account = memory?.work?.account;
  if (account !== undefined && spec !== undefined) account.retries = spec.retries;
  const attempts = attemptsOf(input, object, spec, memory, now);
  if (memory !== undefined) raiseCeiling(memory, attempts, now);
  const open = opens.filter(
    ({ shard, attempt }) =>
      !attempts.objects.has(attemptKey({ shard, attempt })) &&
      !account?.isRecorded(shard, attempt) &&
      !account?.isStarted(shard, attempt),
  );
  const firstDecided = minOf(
    account?.firstDecided,
    ...attempts.active.map((each) => each.decided),
    ...attempts.ended.map((each) => each.decided),
  );
  const suspendedJob = attempts.rounds.find(isSuspended)?.metadata.name;
  const stage = stageOf(
    {
      task: object,
      spec,
      problems: parsed.ok ? (memory?.problem ? [memory.problem] : []) : parsed.problems,
      account,
      unsettledAttempts: attempts.active.length + attempts.ended.length + open.length,
      firstDecided,
      ...(suspendedJob !== undefined && { suspendedJob }),
    },
    now,
  );
  const pool = tree.pools.get(poolNameOf(object));
  const defaultRequests = pool?.effective?.defaultRequests ?? {};
  const engine = engineOf({
    choice: input.choice,
    rounds: attempts.rounds,
    hasJobs: attempts.hasJobs,
    recorded: object.status?.engine,
    pool: poolFactsOf(tree.root),
    template: spec?.template.spec,
  });
  const request = spec && requestOf(spec, defaultRequests);
  const outlook =
    spec && request && memory?.work && stage.kind !== "Finished"
      ? outlookOf(
          {
            spec,
            keys: keysFor(memory, object, request),
            request,
            account: memory.work.account,
            ended: attempts.ended,
            running: attempts.active.filter((attempt) => attempt.state === "Running"),
            learned: tree.root === undefined ? nothingLearned : input.memories.times.of(tree.root.object),
            nodes: tree.root?.nodes ?? [],
            limits: (pool?.lineage ?? []).flatMap(({ spec: { limit } = {} }) => (limit ? [amountsOf(limit)] : [])),
          },
          now,
        )
      : undefined;
  const task = {
    key: keyText(keyOf(object)),
    object,
    spec,
    memory,
    stage,
    open,
    firstDecided,
    defaultRequests,
    engine,
    request,
    outlook,
    ...attempts,
  };
  return {
    ...task,
    retryRound: spec && account && needsRetryRound(spec, account) ? spec.retryFailed : undefined,
    model: modelTask(task, whyBlocked(input.stores, task, tree, now), tree, now),
  };
}

/** Of the root, whose nodes all pools of the tree use. */
export function poolFactsOf(root: ObservedRoot | undefined): PoolFacts | undefined {
  if (root?.effective === undefined) return undefined;
  return { name: root.object.metadata.name, sharing: root.effective.sharing, nodes: root.nodes };
}

type Attempts = Pick<ObservedTask, "active" | "ended" | "objects" | "rounds" | "refused"> & {
  readonly hasJobs: boolean;
};

function attemptsOf(
  { stores }: ObserveInput,
  task: PooledTask,
  spec: PooledTaskSpec | undefined,
  memory: TaskMemory | undefined,
  now: number,
): Attempts {
  const account = memory?.work?.account;
  const objects = new Map<string, AttemptObject>();
  const active: Exclude<AttemptState, EndedAttempt>[] = [];
  const ended: EndedAttempt[] = [];
  const refused: ObservedTask["refused"][number][] = [];
  const surroundings: Surroundings = {
    form: shardForm(spec?.chunk ?? { size: 1, mode: "Each" }),
    now,
    podsSeenUpTo: Number(stores.pods.resourceVersion),
    isLost: (node) => isLost(stores, node, now),
  };
  const take = (object: AttemptObject, pods: readonly PodView[], more: Partial<Surroundings>): void => {
    objects.set(attemptKey(object), object);
    if (account?.isRecorded(object.shard, object.attempt)) return;
    const state = observeObject(object, pods, { ...surroundings, ...more });
    if (state.state === "Ended") ended.push(state);
    else {
      active.push(state);
      if (state.pod === undefined && more.createFailure !== undefined && !state.stopping) {
        refused.push({ shard: state.shard, attempt: state.attempt, node: state.node, message: more.createFailure });
      }
    }
  };
  for (const job of stores.jobs.byIndex("task", task.metadata.uid)) {
    // An owner is of its own namespace: a Job elsewhere that names this task is somebody's forgery.
    if (job.metadata.namespace !== task.metadata.namespace) continue;
    const createFailure = newest(stores, job);
    take(job, podsOf(stores, job), createFailure === undefined ? {} : { createFailure });
  }
  const hasJobs = objects.size > 0;
  const rounds = stores.rounds
    .byIndex("task", task.metadata.uid)
    .filter(({ metadata }) => metadata.namespace === task.metadata.namespace)
    .sort((a, b) => a.round - b.round);
  for (const round of rounds) {
    for (const pod of podsOf(stores, round)) {
      const object = attemptPodOf(pod, round);
      if (object === undefined || (pod.gone && objects.has(attemptKey(object)))) continue;
      take(object, [], { stopped: pod.deleting && wasStopped(object, task, spec, memory, round) });
    }
  }
  for (const start of account?.started() ?? []) {
    if (!objects.has(attemptKey(start))) ended.push(vanished(task, start, account?.openItems(start.shard) ?? [], now));
  }
  return { objects, rounds, hasJobs, active, ended, refused };
}

function isSuspended({ suspended, finished }: RoundView): boolean {
  return suspended && finished === undefined;
}

/** Nothing on a Pod says who deleted it. What outlived its time was deleted for that, whatever is remembered. */
function wasStopped(
  { pod, ...object }: AttemptPod,
  { metadata }: PooledTask,
  spec: PooledTaskSpec | undefined,
  memory: TaskMemory | undefined,
  round: RoundView,
): boolean {
  if (spec === undefined || metadata.deletionTimestamp !== undefined || spec.cancel) return true;
  if (spec.suspend || isSuspended(round)) return true;
  if (memory?.stops.has(attemptKey(object))) return true;
  const { container, deletionAskedMs = 0, createdMs, own } = pod.attempt;
  if (container === undefined || container.state === "waiting") {
    return deletionAskedMs - createdMs >= spec.startTimeoutSeconds * 1000;
  }
  const runMs = runLimitMs(spec, indexesOf(own.items)?.length ?? 1);
  return runMs !== undefined && deletionAskedMs - (container.startMs ?? createdMs) >= runMs;
}

/** It was there, by the records, and is not any more; nobody saw its end. */
function vanished(
  task: PooledTask,
  { shard, attempt, at }: { readonly shard: number; readonly attempt: number; readonly at: number },
  items: readonly number[],
  now: number,
): EndedAttempt {
  return {
    state: "Ended",
    outcome: "Lost",
    reason: "PodLost",
    message: "its Pod vanished before its end was seen",
    task: task.metadata.uid,
    shard,
    attempt,
    node: "",
    job: "",
    request: {},
    items,
    decided: at,
    stopping: false,
    end: now,
    outcomes: [],
    handedBack: items,
    interrupted: [],
    leftOver: [],
  };
}

function podsOf(stores: Stores, job: JobView | RoundView): readonly PodView[] {
  const gone = stores.departed.of(job.metadata.uid);
  const there = stores.pods.byIndex("job", job.metadata.uid);
  return gone.length === 0 ? there : [...there, ...gone];
}

function newest(stores: Stores, job: JobView): string | undefined {
  let found: { readonly message: string; readonly atMs: number } | undefined;
  for (const failure of stores.createFailures.byIndex("job", job.metadata.uid)) {
    if (found === undefined || failure.atMs > found.atMs) found = failure;
  }
  return found?.message;
}

/** Pods of a node count as ended while they are deleted, once it was not ready for so long. */
const lostAfterMs = 300_000;

function isLost(stores: Stores, name: string, now: number): boolean {
  const node = stores.nodes.get({ name });
  if (node === undefined) return true;
  return node.notReadySinceMs !== undefined && now - node.notReadySinceMs >= lostAfterMs;
}

/** The name in `spec.poolRef` of a task that may be anything. */
function poolNameOf({ spec }: PooledTask): string {
  const name: unknown = spec?.poolRef?.name;
  return typeof name === "string" ? name : "";
}

/** The pool, or the one above it, that does not admit the namespace. */
function whoRefuses({ lineage }: ObservedPool, labels: Labels): ObservedPool | undefined {
  return lineage.find(({ spec }) => spec === undefined || !admitsNamespace(spec, labels));
}

type Unmodelled = Omit<ObservedTask, "model" | "retryRound">;

function modelTask(task: Unmodelled, blocked: Blocked | undefined, tree: ObservedTree, now: number): Task | undefined {
  const { object, spec, memory, stage, request, outlook } = task;
  if (spec === undefined || request === undefined || (stage.kind === "Finished" && task.active.length === 0))
    return undefined;
  const work = memory?.work;
  const { name, namespace = "", uid, creationTimestamp } = object.metadata;
  // A task that needs a person can still be told to stop.
  const pool = tree.pools.get(spec.poolRef.name);
  const drained = pool?.effective?.stop.policy === "StopAndDrain" ? "PoolDrained" : undefined;
  const stop = whyStop(stage) ?? (spec.suspend ? "Suspended" : drained);
  const parallelism = minOf(spec.parallelism, ceilingOf(task, now));
  return {
    key: task.key,
    namespace,
    name,
    uid,
    pool: spec.poolRef.name,
    created: Date.parse(creationTimestamp),
    priority: spec.priority,
    request,
    constraints: constraintsFor(spec, tolerationOf(poolFactsOf(tree.root))),
    ...(parallelism !== undefined && { parallelism: Math.max(1, parallelism) }),
    ...(spec.minParallelism !== undefined && { minParallelism: gangSize(spec.minParallelism, work) }),
    ...(work === undefined || stage.kind === "Ending" || stage.kind === "Ended" || stage.kind === "Deleting"
      ? { waiting: [], backingOff: [] }
      : waitingOf(task, work, now)),
    active: activeOf(task, spec, now),
    ...(task.firstDecided !== undefined && { hasStarted: true }),
    ...(work !== undefined && { finished: work.account.settledShards }),
    waitingSince: waitingSince(task, work, now),
    ...(outlook !== undefined && { expected: outlook.expected(outlook.nextItems) }),
    ...(blocked !== undefined && { blocked }),
    ...(stop !== undefined && { stop }),
    excludedNodes: [...(memory?.excludedNodes ?? [])].map(([node, until]) => ({ node, until })),
  };
}

/** How many shards its first start needs together. */
function gangSize(minParallelism: number | string, work: Work | undefined): number {
  return typeof minParallelism === "number" ? minParallelism : Math.max(1, work?.account.shards ?? 1);
}

/** The pool's own Pods tolerate the pool's own taint. */
/** Read from a spec once, as long as what it is read with is the same: the planner knows both by the object that they are. */
const requests = new WeakMap<PooledTaskSpec, { readonly defaults: Quantities; readonly request: Amounts }>();
const constraints = new WeakMap<PooledTaskSpec, { readonly own: Tolerations; readonly constraints: Constraints }>();
type Tolerations = ReturnType<typeof tolerationOf>;

function requestOf(spec: PooledTaskSpec, defaults: Quantities): Amounts {
  const known = requests.get(spec);
  if (known !== undefined && isDeepStrictEqual(known.defaults, defaults)) return known.request;
  const request = podRequest(spec.template.spec, defaults);
  requests.set(spec, { defaults, request });
  return request;
}

/** `own` is what the pool adds to what its tasks tolerate. */
function constraintsFor(spec: PooledTaskSpec, own: Tolerations): Constraints {
  const known = constraints.get(spec);
  if (known !== undefined && isDeepStrictEqual(known.own, own)) return known.constraints;
  const template = spec.template.spec;
  const found = constraintsOf({ ...template, tolerations: [...(template.tolerations ?? []), ...own] });
  constraints.set(spec, { own, constraints: found });
  return found;
}

function whyStop(stage: Stage): StopReason | undefined {
  if (stage.kind === "Suspended") return "Suspended";
  if (stage.kind === "Deleting") return "Deleted";
  if (stage.kind !== "Ending") return undefined;
  return stage.reason === "DeadlineExceeded" ? "DeadlineExceeded" : "Cancelled";
}

function whyBlocked(stores: Stores, task: Unmodelled, tree: ObservedTree, now: number): Blocked | undefined {
  const { stage, object, memory } = task;
  const poolName = poolNameOf(object);
  const pool = tree.pools.get(poolName);
  if (stage.kind === "Stalled") return { reason: stage.reason, message: stage.message };
  if (stage.kind === "Suspended")
    return { reason: "Suspended", message: `${stage.by} is true; set it to false to go on` };
  if (pool === undefined) {
    return {
      reason: "PoolNotFound",
      message: `there is no ResourcePool ${poolName}; create it, or name another in a new task`,
    };
  }
  if (pool.problems.length > 0) {
    return {
      reason: "PoolNotReady",
      message: `the spec of ResourcePool ${poolName} is not valid: ${problemsText(pool.problems, 1)}`,
    };
  }
  const invalid = pool.lineage.find(({ problems }) => problems.length > 0)?.object.metadata.name;
  if (invalid !== undefined) {
    return { reason: "PoolNotReady", message: `the spec of ResourcePool ${invalid}, above ${poolName}, is not valid` };
  }
  const refusing = whoRefuses(
    pool,
    stores.namespaces.get({ name: object.metadata.namespace ?? "" })?.metadata.labels ?? {},
  );
  if (refusing !== undefined) {
    const whose = refusing === pool ? "its" : `that of ${refusing.object.metadata.name}, above it, has a`;
    return {
      reason: "NotAllowed",
      message: `ResourcePool ${poolName} does not admit namespace ${object.metadata.namespace}: ${whose} spec.namespaceSelector does not select the namespace's labels`,
    };
  }
  const stop = pool.effective?.stop;
  if (stop !== undefined && stop.policy !== "None") {
    const where = stop.pool === poolName ? "" : `, above ${poolName},`;
    const what = stop.policy === "Stop" ? "nothing new starts" : "what runs is stopped, and nothing starts";
    return {
      reason: "PoolStopped",
      message: `ResourcePool ${stop.pool}${where} has spec.stopPolicy ${stop.policy}: ${what} until it is None`,
    };
  }
  if (tree.root?.nodes.length === 0) {
    return { reason: "PoolNotReady", message: `${tree.root.object.metadata.name} has no nodes yet` };
  }
  const refusal = memory?.refusal;
  if (refusal !== undefined && now < refusal.until && startedCount(task) >= refusal.ceiling) {
    return { reason: refusal.reason, message: refusal.message, until: refusal.until };
  }
  return undefined;
}

/** Attempts that got their Pod. */
function startedCount(task: Pick<ObservedTask, "active">): number {
  return task.active.filter(({ pod }) => pod !== undefined).length;
}

/** Once it was time to try, and more was granted than before, twice as much may be asked for. */
function raiseCeiling({ refusal }: { refusal?: Refusal }, attempts: Pick<ObservedTask, "active">, now: number): void {
  const started = startedCount(attempts);
  if (refusal !== undefined && !refusal.ofRecords && now >= refusal.until && started > refusal.ceiling) {
    refusal.ceiling = 2 * started;
    refusal.count = 0;
  }
}

/** After a refusal no more is asked for than was granted, and one more when it is time to try. */
function ceilingOf(task: Unmodelled, now: number): number | undefined {
  const refusal = task.memory?.refusal;
  if (refusal === undefined) return undefined;
  return now < refusal.until ? refusal.ceiling : refusal.ceiling + 1;
}

/**
 * Since when it waits for a place: its creation or its latest start. Time in which it could have used none does not
 * count: suspended or in need of a person (the condition Reconciling begins anew after it), backing off, at its
 * parallelism, refused.
 */
function waitingSince({ object, spec, memory, active, open }: Unmodelled, work: Work | undefined, now: number): number {
  const moments = [Date.parse(object.metadata.creationTimestamp)];
  const reconciling = conditionOf(object.status?.conditions ?? [], "Reconciling")?.lastTransitionTime;
  if (reconciling !== undefined) moments.push(Date.parse(reconciling));
  for (const { decided } of active) moments.push(decided);
  if (open.length > 0) moments.push(now);
  if (memory?.refusal !== undefined) moments.push(memory.refusal.until);
  if (work !== undefined) {
    const { account } = work;
    moments.push(account.lastDecided ?? 0);
    for (const shard of account.triedOpenShards()) moments.push(account.retryAt(shard));
    const places = spec?.parallelism ?? Number.POSITIVE_INFINITY;
    if (active.length + 1 >= places) moments.push(account.facts.lastEnd ?? 0);
  }
  return Math.max(...moments.filter((moment) => moment <= now));
}

function activeOf(task: Unmodelled, spec: PooledTaskSpec, now: number): readonly ActiveShard[] {
  const startMs = spec.startTimeoutSeconds * 1000;
  const active: ActiveShard[] = task.active.map((attempt) => {
    const { shard, node, request } = attempt;
    const common = {
      shard,
      attempt: attempt.attempt,
      node,
      request,
      ...(task.outlook !== undefined && { expected: task.outlook.expected(attempt.items.length) }),
    };
    if (attempt.state === "Starting") {
      return {
        ...common,
        state: attempt.stopping ? "Stopping" : "Starting",
        since: attempt.decided,
        deadline: attempt.decided + startMs,
        ...(attempt.refusedSince !== undefined && { refusedSince: attempt.refusedSince }),
      };
    }
    const runMs = runLimitMs(spec, attempt.items.length);
    return {
      ...common,
      state: attempt.stopping ? "Stopping" : "Running",
      since: attempt.start,
      ...(runMs !== undefined && { deadline: attempt.start + runMs }),
    };
  });
  for (const { shard, attempt, node, request } of task.open) {
    active.push({ shard, attempt, node, request: amountsOf(request), state: "Starting", since: now });
  }
  return active;
}

/**
 * Shards that may start now, ascending (those to be tried again are the lowest), and those that wait out a delay. Those
 * that are still to be cut have the numbers that they will get.
 */
function waitingOf(
  task: Unmodelled,
  { account }: Work,
  now: number,
): { readonly waiting: readonly ShardRange[]; readonly backingOff: readonly BackingOff[] } {
  const busy = new Set<number>();
  for (const { shard } of task.active) busy.add(shard);
  for (const { shard } of task.ended) busy.add(shard);
  for (const { shard } of task.open) busy.add(shard);
  const backingOff: BackingOff[] = [];
  for (const shard of account.triedOpenShards()) {
    const until = account.retryAt(shard);
    if (until > now && !busy.has(shard)) backingOff.push({ shard, until });
  }
  for (const { shard } of backingOff) busy.add(shard);
  return {
    waiting: [
      ...rangesWithout(
        account.openShards(),
        [...busy].sort((a, b) => a - b),
      ),
      ...uncutOf(account.shards, task.outlook?.shardsToCut ?? 0),
    ],
    backingOff,
  };
}

function uncutOf(shards: number, toCut: number): readonly ShardRange[] {
  return toCut === 0 ? [] : [{ start: shards, end: shards + toCut }];
}

export function waitingShards(model: Task | undefined): number {
  return model === undefined ? 0 : countOf(model.waiting) + model.backingOff.length;
}

function minOf(...numbers: readonly (number | undefined)[]): number | undefined {
  const known = numbers.filter((number) => number !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
