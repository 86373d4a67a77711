// What every engine is: it turns decisions into writes, and what the cluster shows into the state of an attempt. Both
// ways are pure; only apply.ts sends a write. Knows no policy, and not why a shard starts or stops.
import type { KubeObject, Manifest, ObjectKey, Patch, Resource } from "@dsl/kube-operator";
import type { Quantities } from "../api/amount.ts";
import type { Axis } from "../api/items.ts";
import type { PooledTask, PooledTaskSpec } from "../api/pooled-task.ts";
import type { ItemRecord } from "../api/records.ts";
import type { Amounts } from "../scheduling/resources.ts";
import type { RoundView } from "./job-views.ts";
import type { PodView } from "./pod-views.ts";
import type { AttemptObject } from "./views.ts";

/** What the engine needs to know of a task; the same for all its attempts. */
export interface TaskContext {
  /** As stored: the owner of what is made, and its template, which `parsePooledTask` has accepted. */
  readonly task: PooledTask;
  /** `<task>-<6 characters of its uid>`, see `childName`. */
  readonly child: string;
  readonly pool: string;
  /** For a main container that requests nothing. */
  readonly defaultRequests: Quantities;
  /** Of the pool's own taint, where it has one. */
  readonly tolerations?: readonly PoolToleration[];
}

export interface PoolToleration {
  readonly key: string;
  readonly operator: "Equal";
  readonly value: string;
  readonly effect: "NoSchedule";
}

/**
 * How the items of a shard reach its container: one as a variable; several through the wrapper, one run each; several
 * as a file that the program reads itself. A property of the task, not of the shard: the last shard of a task, or a
 * retry of one item, takes the form of all others.
 */
export type ShardForm = "Single" | "Each" | "Whole";

export function shardForm(chunk: PooledTaskSpec["chunk"]): ShardForm {
  return chunk.size === 1 ? "Single" : chunk.mode;
}

/** One attempt at a shard, on the node that the plan chose. */
export interface Placement {
  readonly shard: number;
  readonly attempt: number;
  readonly node: string;
  /** The Pod is created on the node, past the Kubernetes scheduler. */
  readonly bound?: boolean;
  /** Those that are to run, in ascending order; never none. */
  readonly items: readonly PlacedItem[];
}

export interface PlacedItem {
  readonly index: number;
  readonly text: string;
  /** Of a matrix item only. */
  readonly axes?: readonly Axis[];
}

/** A request as a value. What it is for shows in where it came from. */
export type Write =
  | { readonly kind: "create"; readonly resource: Resource; readonly manifest: Manifest }
  | {
      readonly kind: "delete";
      readonly resource: Resource;
      readonly key: ObjectKey;
      readonly uid: string;
      readonly propagation: "Foreground" | "Background";
    }
  | { readonly kind: "patch"; readonly resource: Resource; readonly key: ObjectKey; readonly patch: Patch };

/** What an object that stands in the way of a create is, told by its owner's UID and the hash of what was meant. */
export type Existing =
  /** What we meant to create: done before. */
  | "Same"
  /** Ours, of this task, but made from other words (another version of the operator, or a hand): what is stored holds. */
  | "Altered"
  /** Of a task that had this name before: to be deleted by UID, then created. */
  | "Earlier"
  /** Never to be touched; the name is taken. */
  | "Foreign";

/** What became of one item of an attempt. A success is one without a reason; it lacks `result` where none was written. */
export type ItemOutcome = Omit<ItemRecord, "kind" | "shard" | "attempts" | "node">;

interface Attempt {
  /** UID of the task. */
  readonly task: string;
  readonly shard: number;
  readonly attempt: number;
  readonly node: string;
  readonly job: string;
  /** UID of the Pod that counts; kube's Job controller may have made another, which is foreign. */
  readonly pod?: string;
  /** What it holds: of its Pod as stored, else as the Job asks. */
  readonly request: Amounts;
  /** Indexes, in the order in which they run. */
  readonly items: readonly number[];
  /** When the Job was created. */
  readonly decided: number;
  /** Being stopped: its Job is being deleted. */
  readonly stopping: boolean;
}

export interface StartingAttempt extends Attempt {
  readonly state: "Starting";
  /** What it waits for, in Kubernetes' words: `ImagePullBackOff: …`. Absent where it says nothing. */
  readonly waitingFor?: string;
  /** Since when the Kubernetes scheduler refuses its Pod. */
  readonly refusedSince?: number;
}

export interface RunningAttempt extends Attempt {
  readonly state: "Running";
  /** Start of the main container. */
  readonly start: number;
}

/**
 * Succeeded and Failed are the program's. Lost: its node, or somebody else, ended it, or nobody saw how it ended.
 * Stopped: we ended it. Neither of the latter costs a retry.
 */
export type AttemptOutcome = "Succeeded" | "Failed" | "Lost" | "Stopped";

export interface EndedAttempt extends Attempt {
  readonly state: "Ended";
  readonly outcome: AttemptOutcome;
  readonly start?: number;
  readonly end: number;
  readonly exit?: number;
  /** `Error`, `OOMKilled`, `Evicted`, `ResultCountMismatch` …; absent for a success. */
  readonly reason?: string;
  readonly message?: string;
  /** What is known of its items, in the order of `items`. */
  readonly outcomes: readonly ItemOutcome[];
  /** Items without an outcome: to run again, at no cost in retries. */
  readonly handedBack: readonly number[];
  /** Those of `handedBack` that were running when the container was stopped: what a time-out counts against. */
  readonly interrupted: readonly number[];
  /** Those of `handedBack` whose results had no room any more, so that the chunk was too large. */
  readonly leftOver: readonly number[];
}

export type AttemptState = StartingAttempt | RunningAttempt | EndedAttempt;

/** What `observe` has to be told beside the attempt's own objects. */
export interface Surroundings {
  readonly form: ShardForm;
  readonly now: number;
  /** The version up to which the store of Pods has followed: past the Job's own, a Pod that is missing is gone. */
  readonly podsSeenUpTo: number;
  /** True for a node that is gone, or was not ready for so long that its Pods count as ended while they are deleted. */
  readonly isLost: (node: string) => boolean;
  /** The words of the newest FailedCreate event of the Job, for one that has no Pod. */
  readonly createFailure?: string;
  /** We asked for its end; only where the object itself cannot say so. */
  readonly stopped?: boolean;
}

/** What stands in the way, as read live. */
export type ExistingObject = KubeObject;

export type EngineName = "Native" | "Managed";

/** How a Pod comes to the node that the plan chose: the Kubernetes scheduler has the last word, or it is created there. */
export type Binding = "Scheduler" | "Direct";

/** `O` is what an attempt lives and dies with. */
export interface Engine<O extends AttemptObject = AttemptObject> {
  readonly name: EngineName;
  /** What has to be there before a task's first attempt; absent where each attempt stands alone. */
  readonly openRound?: (context: TaskContext, round: Round) => Write;
  /**
   * The same placement twice gives the same object, so the second create meets AlreadyExists. `round` as stored, where
   * there are rounds.
   */
  start(context: TaskContext, placement: Placement, round?: RoundView): Write;
  /** What the create ran into, when the server says AlreadyExists: the answer to a live read. */
  existing(found: ExistingObject, intended: Manifest): Existing;
  stop(object: O): Write;
  /** Lets an attempt's object go, once its outcome is recorded; undefined when nothing of ours holds it. */
  release(object: O): Write | undefined;
  /** Removes an attempt's object, once its outcome is recorded. */
  remove(object: O): Write;
  /** What became of an attempt. `pods` are those whose controller is its Job, tombstones too. */
  observe(object: O, pods: readonly PodView[], surroundings: Surroundings): AttemptState;
}

/** A Job that attempts share, as it is to be created. */
export interface Round {
  readonly number: number;
  readonly shards: number;
  readonly binding: Binding;
  readonly reason: string;
}
