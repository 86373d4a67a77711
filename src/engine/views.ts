// What the operator keeps of Jobs and Pods, and which of them are attempts. What is kept of each is a room of its own.
import type { KubeObject } from "@dsl/kube-operator";
import { attemptName, childName } from "../api/labels.ts";
import { createInterner, type ViewMeta } from "./interner.ts";
import { type JobView, jobView, type RoundView, roundView } from "./job-views.ts";
import { type OwnPod, type PodAttempt, type PodView, podView } from "./pod-views.ts";

/** An attempt among all of its task. */
export function attemptKey({ shard, attempt }: { readonly shard: number; readonly attempt: number }): string {
  return `${shard}/${attempt}`;
}

/** A Pod that is one attempt, of a Job that attempts share. */
export interface AttemptPod {
  readonly kind: "Pod";
  readonly metadata: ViewMeta;
  readonly task: string;
  readonly shard: number;
  readonly attempt: number;
  /** Its `attemptKey`, made once: it is looked up at each turn. */
  readonly key: string;
  readonly createdMs: number;
  readonly deleting: boolean;
  readonly finished?: "Complete" | "Failed";
  readonly pod: PodView & { readonly attempt: PodAttempt & { readonly own: OwnPod } };
}

/** What an attempt lives and dies with. */
export type AttemptObject = JobView | AttemptPod;

export interface Projections {
  /** Undefined for a Job that no PooledTask controls. */
  job(raw: KubeObject): JobView | undefined;
  /** Undefined for any other Job than one that attempts share. */
  round(raw: KubeObject): RoundView | undefined;
  pod(raw: KubeObject): PodView;
}

/** Projections that keep one copy of each text and request that many objects have in common. */
export function createProjections(): Projections {
  const intern = createInterner();
  return {
    job: (raw) => jobView(raw, intern),
    round: (raw) => roundView(raw, intern),
    pod: (raw) => podView(raw, intern),
  };
}

/** All Pods of a task are read at each reconcile, and few of them have changed. */
const attemptPods = new WeakMap<PodView, AttemptPod>();

/** Undefined where it is no attempt of the Job, by what it says and by its name: then it is foreign. */
export function attemptPodOf(pod: PodView, round: RoundView): AttemptPod | undefined {
  const known = attemptPods.get(pod);
  // A view never changes, nor does the task of the Job that controls its Pod.
  if (known !== undefined && known.task === round.task) return known;
  const found = readAttemptPod(pod, round);
  if (found !== undefined) attemptPods.set(pod, found);
  return found;
}

function readAttemptPod(pod: PodView, { task, taskName }: RoundView): AttemptPod | undefined {
  const own = pod.attempt?.own;
  if (own === undefined) return undefined;
  const { shard, attempt } = own;
  const child = childName({ metadata: { name: taskName, uid: task } });
  if (pod.metadata.name !== attemptName(child, shard, attempt)) return undefined;
  return {
    kind: "Pod",
    metadata: pod.metadata,
    task,
    shard,
    attempt,
    key: attemptKey(own),
    createdMs: pod.attempt?.createdMs ?? 0,
    deleting: pod.deleting,
    ...(pod.phase === "Succeeded" && { finished: "Complete" }),
    ...(pod.phase === "Failed" && { finished: "Failed" }),
    pod: pod as AttemptPod["pod"],
  };
}
