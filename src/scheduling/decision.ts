// What a plan consists of: decisions that only `apply` carries out, and for each task that does not run one reason.

import type { QueueMemory, StopReason } from "./model.ts";
import type { Amounts } from "./resources.ts";

export type Decision = Start | Stop;

export interface Start {
  readonly kind: "start";
  readonly task: string;
  readonly shard: number;
  readonly node: string;
}

export interface Stop {
  readonly kind: "stop";
  readonly task: string;
  readonly shard: number;
  readonly attempt: number;
  readonly node: string;
  readonly why: StopReason;
  /** The task that is to have the place, where it is stopped for one. */
  readonly for?: string;
}

/** Why a task waits: the closed list. A person need not do anything. Each has its paragraph in docs/reasons.md. */
export const waitReasons = [
  "Suspended",
  "PoolNotFound",
  "PoolNotReady",
  "PoolStopped",
  "NotAllowed",
  "BehindOthers",
  "HeldForHead",
  "LimitReached",
  "PoolFull",
  "NoNodeFits",
  "ParallelismReached",
  "BackingOff",
  "Preempted",
  "QuotaRefused",
  "AdmissionRefused",
  "Starting",
] as const;
export type WaitReason = (typeof waitReasons)[number];

/** Why a task needs a person: nothing but a change of the task, the pool or the nodes helps. */
export const stallReasons = [
  "NeverFits",
  "ItemsInvalid",
  "ItemsChanged",
  "TemplateRefused",
  "TaskInvalid",
  "NameTaken",
  "DependencyMissing",
] as const;
export type StallReason = (typeof stallReasons)[number];

export type TaskReason = WaitReason | StallReason;

export interface Waiting {
  readonly task: string;
  readonly reason: TaskReason;
  /** A sentence with amounts and objects; names objects of other namespaces only as "a task of another namespace". */
  readonly message: string;
  /** 1 for the task whose turn is next; absent for tasks that do not stand in the queue (blocked, at their parallelism). */
  readonly position?: number;
}

/** What of a plan bears on what happens next. */
export type Decided = Pick<Plan, "decisions" | "memory" | "wakeAt">;

export interface Plan {
  readonly decisions: readonly Decision[];
  /** Every task that has shards waiting, exactly once. */
  readonly waiting: readonly Waiting[];
  /** Of the root, after the decisions. */
  readonly usage: readonly ResourceUsage[];
  /** Of each pool below the root, by its name; absent where there are none. */
  readonly childUsage?: Readonly<Record<string, readonly ResourceUsage[]>>;
  /** What the queues remember for the next plan, by pool; absent where no pool's order or backfill remembers. */
  readonly memory?: Readonly<Record<string, QueueMemory>>;
  /** What is wrong with the tree; absent where nothing is. */
  readonly problems?: readonly TreeProblem[];
  /** When time alone changes the plan: a deadline, the end of a delay. */
  readonly wakeAt?: number;
}

/** Why a pool's place in the tree does not hold what it promises. */
export interface TreeProblem {
  readonly pool: string;
  readonly reason: "ParentNotFound" | "ParentCycle" | "ReservationNotCovered";
  readonly message: string;
}

export interface ResourceUsage {
  readonly name: string;
  /** Of a root: allocatable of its usable and unusable nodes together. Of a child: what it may use at most. */
  readonly capacity: number;
  /** Of a root: what its children have reserved. Of a child: what is reserved for it and could be paid. */
  readonly reserved: number;
  /** On the root's nodes; a child has none of its own. */
  readonly foreign: number;
  /** What its shards hold, and those of the pools below it. */
  readonly allocated: number;
  /** On nodes that may take a shard, and under all limits. */
  readonly free: number;
}

export type { Amounts };
