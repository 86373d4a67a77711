// Jobs: that of one attempt, with one Pod, run once by kube's Job controller, which gets no retries to make; and that
// which all attempts of a task share, which is ours alone. Both are held until what they ran is recorded. Nothing of the task's own labels and annotations is copied: tools that prune by them
// would take the Job for theirs.
import { createHash } from "node:crypto";
import { controllerOf, controllerReference, type KubeObject, type Manifest, type Resource } from "@dsl/kube-operator";
import { group } from "../api/group.ts";
import { annotations, attemptName, finalizers, labels, roundName } from "../api/labels.ts";
import { pooledTasks } from "../api/pooled-task.ts";
import type { Existing, Placement, Round, TaskContext } from "./engine.ts";
import { indexesText, itemIndexesAnnotation } from "./item-indexes.ts";
import { attemptLabels, commonTemplate, podTemplate, taskLabels } from "./pod.ts";

export const jobs: Resource = { group: "batch", version: "v1", kind: "Job", plural: "jobs", namespaced: true };

export function attemptJob(context: TaskContext, placement: Placement): Manifest {
  const { task, child } = context;
  const spec = {
    completions: 1,
    parallelism: 1,
    backoffLimit: 0,
    // Else the Job controller starts a second Pod while the first is still ending.
    podReplacementPolicy: "Failed",
    template: podTemplate(context, placement),
  };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: attemptName(child, placement.shard, placement.attempt),
      namespace: task.metadata.namespace ?? "default",
      labels: attemptLabels(context, placement),
      annotations: {
        [itemIndexesAnnotation]: indexesText(placement.items),
        [annotations.specHash]: hashOf(spec),
      },
      finalizers: [finalizers.record],
      ownerReferences: [controllerReference(task)],
    },
    spec,
  };
}

/** Names us as whom this Job is for: kube's Job controller leaves it alone. */
export const managedBy = `${group}/operator`;

/** Its Pods, and its status, are made by us. */
export function roundJob(context: TaskContext, { number, shards, binding, reason }: Round): Manifest {
  const { task, child } = context;
  const spec = {
    managedBy,
    completionMode: "Indexed",
    completions: shards,
    parallelism: shards,
    // Retries are the operator's, item by item; a Job has no words for them.
    backoffLimit: 2_147_483_647,
    podReplacementPolicy: "Failed",
    template: commonTemplate(context),
  };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: roundName(child, number),
      namespace: task.metadata.namespace ?? "default",
      labels: { ...taskLabels(context), [labels.round]: String(number) },
      annotations: {
        [annotations.binding]: binding,
        [annotations.bindingReason]: reason,
        [annotations.specHash]: hashOf(spec),
      },
      finalizers: [finalizers.record],
      ownerReferences: [controllerReference(task)],
    },
    spec,
  };
}

/** Told by the owner's UID first, since names and labels can be anybody's, then by the hash of what was meant. */
export function existingJob(found: KubeObject, intended: Manifest): Existing {
  const theirs = controllerOf(found);
  const ours = controllerOf({ metadata: intended.metadata });
  if (theirs === undefined || theirs.kind !== pooledTasks.kind || theirs.apiVersion !== ours?.apiVersion)
    return "Foreign";
  if (theirs.name !== ours.name) return "Foreign";
  if (theirs.uid !== ours.uid) return "Earlier";
  const hash = annotations.specHash;
  return found.metadata.annotations?.[hash] === intended.metadata.annotations?.[hash] ? "Same" : "Altered";
}

/** The fields are made in a fixed order, so their text is the same for the same placement. */
function hashOf(spec: object): string {
  return `sha256:${createHash("sha256").update(JSON.stringify(spec)).digest("hex")}`;
}
