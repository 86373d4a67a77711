// Ended attempts, record lines and stored objects in short, for the pure parts of the controller.
import type { ChunkSize } from "../../src/api/chunks.ts";
import { effectivePool } from "../../src/api/effective-pool.ts";
import type { OpenStart } from "../../src/api/open-starts.ts";
import type { PooledTask, PooledTaskSpec } from "../../src/api/pooled-task.ts";
import type { AttemptRecord, ItemRecord, Outcome } from "../../src/api/records.ts";
import type { ResourcePool } from "../../src/api/resource-pool.ts";
import { Account } from "../../src/controller/account.ts";
import type { Observed } from "../../src/controller/observe.ts";
import type { ObservedPool, ObservedRoot } from "../../src/controller/observed/pools.ts";
import type { ObservedTask } from "../../src/controller/observed/task.ts";
import type { EndedAttempt, RunningAttempt, StartingAttempt } from "../../src/engine/engine.ts";
import type { JobView } from "../../src/engine/job-views.ts";
import { aTask } from "../view/objects.ts";

type PooledTaskStatus = NonNullable<PooledTask["status"]>;

export const noon = Date.UTC(2026, 0, 1, 12);

export function anAccount(
  items: number,
  { chunk = 1, reduce = "None", retries = 0 }: { chunk?: ChunkSize; reduce?: string; retries?: number } = {},
): Account {
  const account = new Account({ items, chunk, reduce });
  account.retries = retries;
  return account;
}

export function success(item: number, result = `${item}`, more: Partial<ItemRecord> = {}): ItemRecord {
  return { kind: "item", item, shard: item, attempts: 1, ms: 1000, exit: 0, result, ...more };
}

export function failure(item: number, attempts = 1, more: Partial<ItemRecord> = {}): ItemRecord {
  return { kind: "item", item, shard: item, attempts, ms: 1000, exit: 1, reason: "Error", message: "no", ...more };
}

/** Decided at noon, started a second later, ended after three. */
export function attempt(shard: number, outcome: Outcome, number = 1, more: Partial<AttemptRecord> = {}): AttemptRecord {
  const times = { decided: noon, start: noon + 1000, end: noon + 3000 };
  return { kind: "attempt", shard, attempt: number, outcome, node: "node-1", ...times, ...more };
}

export function ended(traits: Partial<EndedAttempt> = {}): EndedAttempt {
  const { items = [0], outcome = "Succeeded" } = traits;
  return {
    state: "Ended",
    task: "task-uid",
    shard: 0,
    attempt: 1,
    node: "node-1",
    job: "job-uid",
    pod: "pod-uid",
    request: { cpu: 1000, pods: 1 },
    decided: noon,
    start: noon + 1000,
    end: noon + 3000,
    stopping: outcome === "Stopped",
    outcomes: [],
    handedBack: [],
    interrupted: [],
    leftOver: [],
    ...traits,
    items,
    outcome,
  };
}

export function aJob(shard: number, traits: Partial<JobView> = {}): JobView {
  return {
    kind: "Job",
    metadata: { name: `work-${shard}`, namespace: "lab", uid: `job-${shard}`, resourceVersion: "1" },
    task: "task-uid",
    taskName: "work",
    shard,
    attempt: 1,
    node: "node-1",
    items: `${shard}`,
    request: { cpu: 1000, pods: 1 },
    createdMs: noon + shard,
    deleting: false,
    finalizers: [],
    finished: "Complete",
    ...traits,
  };
}

export function aPool(name: string, spec: Partial<ResourcePool["spec"]> = {}, createdSeconds = 0): ResourcePool {
  return {
    apiVersion: "kube-pool.dev/v1alpha1",
    kind: "ResourcePool",
    metadata: {
      name,
      uid: `uid-of-${name}`,
      resourceVersion: "1",
      generation: 1,
      creationTimestamp: new Date(noon + createdSeconds * 1000).toISOString().replace(".000Z", "Z"),
    },
    spec: spec as ResourcePool["spec"],
  };
}

export interface ObservedTraits extends Partial<Omit<ObservedTask, "object" | "spec" | "memory">> {
  readonly account?: Account;
  readonly spec?: Partial<PooledTaskSpec>;
  readonly status?: PooledTaskStatus;
  readonly uid?: string;
}

/** An open task as `observe` gives it, with nothing running. */
export function anObservedTask({ account, spec, status, uid, ...traits }: ObservedTraits = {}): ObservedTask {
  const object = aTask(status, spec, uid === undefined ? {} : { uid });
  const log = { isEmpty: account?.firstDecided === undefined, segments: 1 };
  const items = { count: account?.shape.items ?? 0, digest: "sha256:0" };
  return {
    key: "default/squares",
    object,
    spec: object.spec,
    memory: account && ({ work: { account, log, items } } as unknown as NonNullable<ObservedTask["memory"]>),
    stage: { kind: "Open" },
    active: [],
    ended: [],
    open: [],
    objects: new Map(),
    rounds: [],
    engine: { name: "Native", binding: "Scheduler", reason: "" },
    firstDecided: account?.firstDecided,
    retryRound: undefined,
    refused: [],
    defaultRequests: {},
    request: undefined,
    outlook: undefined,
    model: undefined,
    ...traits,
  };
}

/** Of a tree with that root, or with none; all of its tasks go on unless it is said otherwise. */
export function anObserved(traits: Partial<Observed> = {}): Observed {
  const { tasks = [], pool, going = tasks } = traits;
  return {
    root: "lab",
    pool,
    pools: new Map(pool === undefined ? [] : [["lab", pool]]),
    tasks,
    asleep: [],
    going,
    byKey: new Map(going.map((task) => [task.key, task])),
    snapshot: { pools: [], nodes: [], tasks: [] },
    ...traits,
  };
}

/** With nothing below it. */
export function anObservedRoot(traits: Partial<Omit<ObservedRoot, "lineage">> = {}): ObservedRoot {
  const lineage: ObservedPool[] = [];
  const root = {
    object: aPool("lab"),
    spec: { stopPolicy: "None" } as const,
    effective: effectivePool("lab", { stopPolicy: "None" }),
    problems: [],
    nodes: [],
    overlaps: new Map(),
    openStarts: [],
    ...traits,
    lineage,
  };
  lineage.push(root);
  return root;
}

export function running(shard: number): RunningAttempt {
  const { outcome: _, end, outcomes, handedBack, interrupted, leftOver, ...common } = ended({ shard, items: [shard] });
  return { ...common, state: "Running", start: noon + 1000 };
}

export function starting(shard: number, waitingFor?: string): StartingAttempt {
  const { start, ...common } = running(shard);
  return { ...common, state: "Starting", ...(waitingFor !== undefined && { waitingFor }) };
}

export function anOpenStart(shard: number): OpenStart {
  return { namespace: "default", task: "squares", taskUid: "task-uid", shard, attempt: 1, node: "node-1", request: {} };
}
