// What a plan is made from: plain readonly data, no Kubernetes object in sight. Amounts are integers. Times are
// milliseconds since 1970.

import type { TaskReason } from "./decision.ts";
import type { OrderName } from "./order/index.ts";
import type { PlacementName } from "./placement/index.ts";
import type { Amounts } from "./resources.ts";

export interface Snapshot {
  readonly pools: readonly Pool[];
  /** The nodes of the tree's root. */
  readonly nodes: readonly Node[];
  readonly tasks: readonly Task[];
}

/** Capacity with a queue. */
export interface Pool {
  readonly name: string;
  readonly uid: string;
  readonly created: number;
  readonly order: readonly OrderName[];
  readonly placement: PlacementName;
  /** The pool whose capacity it divides; absent: it is the root. */
  readonly parent?: string;
  /** Its own before anybody's share, lent while it is unused. Of children only: a root has its nodes. */
  readonly reservation?: Amounts;
  /** Never exceeded by what it and its descendants hold. */
  readonly limit?: Amounts;
  /** Its weight against its siblings in what is left above the reservations; absent: 4000 (Normal). */
  readonly shares?: number;
  /** Whether its children's reservations may draw on its own parent; absent: they may. */
  readonly expandableReservation?: boolean;
  /** Who may pass a task that waits for room. Absent: nobody. */
  readonly backfill?: Backfill;
  /** A task that has waited longer than this stands in front of the chain. Absent: nobody ages. */
  readonly maxWaitMs?: number;
  /** Whether running shards may be stopped for tasks of this pool. Absent: never. */
  readonly preemption?: Preemption;
  /** What the orders remember from plan to plan; absent at the first. */
  readonly memory?: QueueMemory;
}

/**
 * None: nobody passes. BestEffort: whoever fits passes. Easy: whoever does not delay the head passes; candidates are
 * tried by their likely duration (ShortestFirst) or as they stand. Conservative: whoever delays none of those in front
 * passes; all are tried as they stand.
 */
export interface Backfill {
  readonly policy: "None" | "BestEffort" | "Easy" | "Conservative";
  readonly candidates: "ShortestFirst" | "QueueOrder";
  /** Conservative: so many tasks at most have a hold, the first in order. Absent: 100. */
  readonly holdsMax?: number;
}

/**
 * LowerPriority: shards of the pool's own tasks of lower priority may be stopped. Always: so may those of other pools,
 * where they run on what this pool has reserved.
 */
export interface Preemption {
  readonly withinPool: "Never" | "LowerPriority";
  readonly reclaim: "Never" | "Always";
}

/** A pool's own memory of its queue. Plans take it in and give it out; nobody else writes it. */
export interface QueueMemory {
  /** Counts the turns of RoundRobin. */
  readonly turn: number;
  /** By task UID, the number of its latest turn. */
  readonly turns: Readonly<Record<string, number>>;
  /** By namespace, the decayed use as of `usedAt`: dominant share × milliseconds. */
  readonly used: Readonly<Record<string, number>>;
  /** By namespace, the dominant share that it has held since. */
  readonly holding: Readonly<Record<string, number>>;
  /** When the plan was made that left this. */
  readonly usedAt: number;
  /** The UID of the task that has the hold, and when it was expected to start. */
  readonly head?: { readonly task: string; readonly at: number };
  /** What is held for the task in front, under Conservative for each of the first, until they start. Absent: nothing. */
  readonly holds?: readonly KeptHold[];
  /** With them: what was free in all after that plan. Once it is more, something has ended, and they may move forward. */
  readonly free?: Amounts;
  /** Places that are kept for tasks of the pool while what was stopped for them ends. Absent: none. */
  readonly claims?: readonly Claim[];
  /** What the placement learns from: by kind of shards, as text, how many have started. Absent: it learns nothing. */
  readonly kinds?: Readonly<Record<string, number>>;
  /** By task UID, why shards of it were stopped for somebody else, until one of it starts again. Absent: none. */
  readonly preempted?: Readonly<Record<string, "Preempted" | "Reclaimed">>;
  /** `task UID/shard` of what started because its task had waited long: priority alone does not stop it. Absent: none. */
  readonly byAge?: readonly string[];
}

/** What one task has been promised: its next shards start at `at` on these nodes, or earlier. */
export interface KeptHold {
  /** Its UID. */
  readonly task: string;
  readonly at: number;
  /** The node of each place. */
  readonly nodes: readonly string[];
}

/** The places that are kept for one task. */
export interface Claim {
  /** Its UID. */
  readonly task: string;
  /** The node of each place. */
  readonly nodes: readonly string[];
  /** When the first of them was kept: as good as a start. Absent: it is not known any more. */
  readonly since?: number;
}

export interface Node {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly ready: boolean;
  readonly cordoned: boolean;
  readonly allocatable: Amounts;
  /** What Pods that are not ours hold; not expected to end. */
  readonly foreign: Amounts;
}

export interface Taint {
  readonly key: string;
  readonly value: string;
  readonly effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
}

export interface Toleration {
  /** Absent: tolerates every key (operator Exists). */
  readonly key?: string;
  readonly operator: "Exists" | "Equal";
  readonly value?: string;
  /** Absent: every effect. */
  readonly effect?: Taint["effect"];
}

export interface NodeRequirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt";
  readonly values: readonly string[];
}

/** One term of required node affinity: all its requirements hold. */
export interface NodeTerm {
  readonly labels: readonly NodeRequirement[];
  /** On `metadata.name`. */
  readonly fields: readonly NodeRequirement[];
}

/** On which nodes a shard may run, as the Kubernetes scheduler reads it. */
export interface Constraints {
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** At least one term holds; absent: no affinity. */
  readonly nodeTerms?: readonly NodeTerm[];
  readonly tolerations: readonly Toleration[];
}

/** A function mapped over items, as the planner sees it: alike shards that want places. */
export interface Task {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly pool: string;
  readonly created: number;
  readonly priority: number;
  /** Of one shard; `pods: 1` is always among it. */
  readonly request: Amounts;
  readonly constraints: Constraints;
  /** Shards at once, at most; absent: as many as fit. */
  readonly parallelism?: number;
  /** Shards that its first start needs together, at most what is left; absent: 1. */
  readonly minParallelism?: number;
  /** Shards that may start, in the order in which they shall: retries first. */
  readonly waiting: readonly ShardRange[];
  /** Shards that wait out the delay after an attempt that did not succeed. */
  readonly backingOff: readonly BackingOff[];
  /** Each uses its request on its node until its Pod is seen to end. */
  readonly active: readonly ActiveShard[];
  /** Set: nothing may start, for a reason that the planner did not find. */
  readonly blocked?: Blocked;
  /** Set: what runs is to be stopped. */
  readonly stop?: StopReason;
  /** Since when it waits for a place: its latest shard start; absent: its creation. What stops ageing moves it. */
  readonly waitingSince?: number;
  /** How long one of its shards is expected to last. Absent: nothing is known, which is not the same as endless. */
  readonly expected?: Expectation;
  /** How many of its shards have ended for good; absent: none. */
  readonly finished?: number;
  /** Something of it has started before, though perhaps nothing of that is left; absent: only what runs or ended tells. */
  readonly hasStarted?: boolean;
  /** Nodes that refused a shard of this task, and until when they are left out. */
  readonly excludedNodes: readonly { readonly node: string; readonly until: number }[];
}

/** How long one shard lasts: two numbers, since who may overtake asks other things than what is free when. */
export interface Expectation {
  /** Decides the order of candidates, and whether one ends in time. */
  readonly likelyMs: number;
  /** What it does not outlive: its timeout. */
  readonly limitMs?: number;
}

/** Consecutive shard numbers, `end` excluded. */
export interface ShardRange {
  readonly start: number;
  readonly end: number;
}

export interface BackingOff {
  readonly shard: number;
  readonly until: number;
}

export interface Blocked {
  readonly reason: TaskReason;
  readonly message: string;
  /** When it is worth looking again, if time alone can lift it. */
  readonly until?: number;
}

export interface ActiveShard {
  readonly shard: number;
  readonly attempt: number;
  readonly node: string;
  /** What it holds: its Pod's own request once there is one, the task's until then. */
  readonly request: Amounts;
  readonly state: "Starting" | "Running" | "Stopping";
  /** When it was decided (Starting), or its container started (Running, Stopping). */
  readonly since: number;
  /** When it is stopped as TimedOut: the start timeout while Starting, the item timeout while Running. */
  readonly deadline?: number;
  /** Since when the Kubernetes scheduler refuses it; after `refusalPatienceMs` it is taken back. */
  readonly refusedSince?: number;
  /** How long it is expected to last, where that is not what is expected of the task's next shard: it has other items. */
  readonly expected?: Expectation;
}

/** Why a running shard is stopped. */
export type StopReason =
  | "Suspended"
  | "PoolDrained"
  | "Cancelled"
  | "Deleted"
  | "DeadlineExceeded"
  | "TimedOut"
  | "NodeRefused"
  | "Refused"
  | "Preempted"
  | "Reclaimed";
