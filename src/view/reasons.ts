// What to do about each reason for which a task does not run: one short sentence each. The words themselves are the
// planner's (scheduling/decision.ts); docs/reasons.md tells each at length.
import type { TaskReason } from "../scheduling/decision.ts";

export const whatHelps: Readonly<Record<TaskReason, string>> = {
  Suspended:
    "Set the field that the message names to false; where it is the task's own, `kubectl pool resume TASK` does.",
  PoolNotFound:
    "Create the ResourcePool, or make the task anew with a spec.poolRef.name that exists (`kubectl pool top`).",
  PoolNotReady:
    "Mend what the message names, the pool's spec or its nodes; `kubectl describe rpool POOL` tells more in its Ready condition.",
  PoolStopped: "Ask the owner of the pool that the message names: `kubectl pool start POOL` lets its tasks run again.",
  NotAllowed:
    "Ask the owner of the pool whose namespaceSelector the message names to let it select this namespace, or make the task anew elsewhere.",
  BehindOthers:
    "Wait: those in front go first. Where the pool's order has Priority a higher spec.priority moves it up, if you may set one.",
  HeldForHead:
    "Wait: a place is kept for the task in front. A new task with a shorter spec.itemTimeoutSeconds may fit in before it.",
  LimitReached:
    "Wait until shards of that pool end; where the message says that even then it is too little, raise its limit, or ask for less anew.",
  PoolFull:
    "Wait until running shards end. More nodes in the pool, or a new task that asks for less in each shard, start sooner.",
  NoNodeFits:
    "Wait until one node has the room, or make it: open closed nodes, end Pods of others there, or ask for less in a new task.",
  ParallelismReached:
    "Raise or remove spec.parallelism, if more shards at once are welcome; after a refusal they are fewer for a while.",
  BackingOff: "Wait out the delay after the last failure. `kubectl pool failures TASK` tells why it failed.",
  Preempted: "Wait: what was stopped starts again when there is room, and what is finished is kept.",
  QuotaRefused:
    "Raise the namespace's ResourceQuota or free some of it, and it goes on by itself; what its Pods must specify needs a new task.",
  AdmissionRefused:
    "Change what the message names, such as a Pod Security level, LimitRange or webhook; what the template lacks needs a new task.",
  Starting:
    "Wait, unless the message says that it does not get better by itself; spec.startTimeoutSeconds ends the wait for each Pod.",
  NeverFits:
    "Change the limit or the nodes (a larger one, one that matches, a taint taken off) as the message says, or make a task that fits.",
  ItemsInvalid:
    "Mend the ConfigMap, if the items are in one; else make the task anew with items or chunks as the message wants them.",
  ItemsChanged: "Put the ConfigMap's old contents back, or make the task anew for the new ones.",
  TemplateRefused: "Make the task anew, with what the message names in spec.template mended or left out.",
  TaskInvalid: "Mend the field that the message names; where it cannot be changed, make the task anew.",
  NameTaken: "Delete the object that the message names, or make the task anew under another name.",
  DependencyMissing: "Create the ConfigMap or the key of it that the message names, in the task's namespace.",
};

export function whatHelpsAgainst(reason: string): string | undefined {
  return Object.hasOwn(whatHelps, reason) ? whatHelps[reason as TaskReason] : undefined;
}
