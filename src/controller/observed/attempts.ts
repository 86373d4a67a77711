// The attempts of one task, as its Jobs and Pods show them now. Does not know what becomes of the task.
import type { PooledTask, PooledTaskSpec } from "../../api/pooled-task.ts";
import { type AttemptState, type EndedAttempt, type Surroundings, shardForm } from "../../engine/engine.ts";
import { observeObject } from "../../engine/engines.ts";
import { indexesOf } from "../../engine/item-indexes.ts";
import type { JobView, RoundView } from "../../engine/job-views.ts";
import type { PodView } from "../../engine/pod-views.ts";
import { type AttemptObject, type AttemptPod, attemptKey, attemptPodOf } from "../../engine/views.ts";
import { runLimitMs } from "../outlook.ts";
import type { Stores } from "../stores.ts";
import type { TaskMemory } from "../task-memory.ts";

export interface Attempts {
  /** Starting, running or being stopped. */
  readonly active: readonly Exclude<AttemptState, EndedAttempt>[];
  /** Ended, and not recorded. */
  readonly ended: readonly EndedAttempt[];
  /** What each attempt lives and dies with, by `shard/attempt`. */
  readonly objects: ReadonlyMap<string, AttemptObject>;
  /** Jobs that attempts share, by age. */
  readonly rounds: readonly RoundView[];
  /** There is a Job of an attempt's own. */
  readonly hasJobs: boolean;
  /** Attempts that the API server lets have no Pod, and its words. */
  readonly refused: readonly RefusedAttempt[];
}

interface RefusedAttempt {
  readonly shard: number;
  readonly attempt: number;
  readonly node: string;
  readonly message: string;
}

/** All that is there of a task, and what its records say was. */
export function observeAttempts(
  stores: Stores,
  task: PooledTask,
  spec: PooledTaskSpec | undefined,
  memory: TaskMemory | undefined,
  now: number,
): Attempts {
  const account = memory?.work?.account;
  const objects = new Map<string, AttemptObject>();
  const active: Exclude<AttemptState, EndedAttempt>[] = [];
  const ended: EndedAttempt[] = [];
  const refused: RefusedAttempt[] = [];
  const surroundings: Surroundings = {
    form: shardForm(spec?.chunk ?? { size: 1, mode: "Each" }),
    now,
    podsSeenUpTo: Number(stores.pods.resourceVersion),
    isLost: (node) => isLost(stores, node, now),
  };
  const take = (key: string, object: AttemptObject, pods: readonly PodView[], more: Partial<Surroundings>): void => {
    objects.set(key, object);
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
    take(attemptKey(job), job, podsOf(stores, job), createFailure === undefined ? {} : { createFailure });
  }
  const hasJobs = objects.size > 0;
  const rounds = stores.rounds
    .byIndex("task", task.metadata.uid)
    .filter(({ metadata }) => metadata.namespace === task.metadata.namespace)
    .sort((a, b) => a.round - b.round);
  for (const round of rounds) {
    for (const pod of podsOf(stores, round)) {
      const object = attemptPodOf(pod, round);
      if (object === undefined || (pod.gone && objects.has(object.key))) continue;
      take(object.key, object, [], { stopped: pod.deleting && wasStopped(object, task, spec, memory, round) });
    }
  }
  for (const start of account?.started() ?? []) {
    if (!objects.has(attemptKey(start))) ended.push(vanished(task, start, account?.openItems(start.shard) ?? [], now));
  }
  return { objects, rounds, hasJobs, active, ended, refused };
}

export function isSuspended({ suspended, finished }: RoundView): boolean {
  return suspended && finished === undefined;
}

/** Nothing on a Pod says who deleted it. What outlived its time was deleted for that, whatever is remembered. */
function wasStopped(
  { pod, key }: AttemptPod,
  { metadata }: PooledTask,
  spec: PooledTaskSpec | undefined,
  memory: TaskMemory | undefined,
  round: RoundView,
): boolean {
  if (spec === undefined || metadata.deletionTimestamp !== undefined || spec.cancel) return true;
  if (spec.suspend || isSuspended(round)) return true;
  if (memory?.stops.has(key)) return true;
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
