// What to do about each reason for which a task does not run: one short sentence each. The words themselves are the
// planner's (scheduling/decision.ts); docs/reasons.md tells each at length.
import type { TaskReason } from "../scheduling/decision.ts";

export const whatHelps: Readonly<Record<TaskReason, string>> = {
  Suspended: "Set spec.suspend to false: `kubectl pool resume TASK`.",
  PoolNotFound:
    "Create the ResourcePool, or make the task anew with a spec.poolRef.name that exists (`kubectl pool top`).",
  PoolNotReady:
    "Look at the pool's Ready condition (`kubectl describe rpool`): often no node matches its nodeSelector yet.",
  PoolStopped: "Ask the pool's owner, who set its stopPolicy: `kubectl pool start POOL` lets its tasks run again.",
  NotAllowed:
    "Ask the owner of the pool that the message names to let its namespaceSelector select this namespace, or use another pool.",
  BehindOthers: "Wait: earlier tasks go first. A higher spec.priority moves it up, if you may set one.",
  HeldForHead:
    "Wait: a place is kept for the task in front. A shorter expected run (spec.itemTimeoutSeconds) may fit in before it.",
  LimitReached: "Wait until shards of that pool end, or ask its owner to raise the limit that the message names.",
  PoolFull:
    "Wait until running shards end. More nodes in the pool, or a smaller request for each shard, let it start sooner.",
  NoNodeFits:
    "The free room is scattered over nodes. A smaller request for each shard fits sooner; else wait for shards on one node to end.",
  ParallelismReached: "Raise or remove spec.parallelism, if more shards at once are welcome.",
  BackingOff: "Wait out the delay after the last failure. `kubectl pool failures TASK` tells why it failed.",
  Preempted: "Wait: what was stopped starts again when there is room, and what is finished is kept.",
  QuotaRefused: "Raise the namespace's ResourceQuota, or free some of it; the task goes on by itself.",
  AdmissionRefused:
    "Change what the message names: Pod Security level, LimitRange or webhook; the template itself cannot change.",
  Starting: "Wait: Pods are starting. If it lasts, the message names what they wait for, often an image.",
  NeverFits: "Make the task anew with a smaller request for each shard, or add a node that is large enough.",
  ItemsInvalid: "Make the task anew with items inside the limits that the message names.",
  ItemsChanged: "Put the ConfigMap's old contents back, or make the task anew for the new ones.",
  TemplateRefused: "Make the task anew without the field of spec.template that the message names.",
  TaskInvalid: "Make the task anew with the field mended that the message names.",
  NameTaken: "Rename or delete the object that the message names, or give the task another name.",
  DependencyMissing: "Create the object that the message names, in the task's namespace.",
};

export function whatHelpsAgainst(reason: string): string | undefined {
  return Object.hasOwn(whatHelps, reason) ? whatHelps[reason as TaskReason] : undefined;
}
