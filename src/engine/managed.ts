// The managed engine: one Job for all attempts of a task, that kube's Job controller leaves to us, and one Pod an attempt,
// named by task, shard and attempt. No finalizer holds a Pod: what became of it is recorded before it is removed, and
// one that vanishes before that is lost, and runs again.
import { controllerOf, type KubeObject, type Manifest, type Resource } from "@dsl/kube-operator";
import { attemptName } from "../api/labels.ts";
import type { Engine, Existing, Placement, TaskContext, Write } from "./engine.ts";
import { indexesText, itemIndexesAnnotation } from "./item-indexes.ts";
import { existingJob, jobs, roundJob } from "./job.ts";
import type { RoundView } from "./job-views.ts";
import { observePod } from "./observe-attempt.ts";
import { podTemplate } from "./pod.ts";
import type { AttemptPod } from "./views.ts";

export const pods: Resource = { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true };

/** Kubernetes' own, of Indexed Jobs: label and annotation. */
const completionIndex = "batch.kubernetes.io/job-completion-index";

export const managedEngine: Engine<AttemptPod> = {
  name: "Managed",
  openRound: (context, round) => ({ kind: "create", resource: jobs, manifest: roundJob(context, round) }),
  start(context, placement, round) {
    if (round === undefined) throw new TypeError("a Pod is created for a Job, and there is none");
    return { kind: "create", resource: pods, manifest: attemptPod(context, placement, round) };
  },
  existing: (found, intended) => (intended.kind === "Job" ? existingJob : existingPod)(found, intended),
  stop: deletion,
  release: () => undefined,
  remove: deletion,
  observe: (pod, _, surroundings) => observePod(pod, surroundings),
};

/** With all labels of the stored Job's template: tools find the Pods of a Job by what the server put there. */
export function attemptPod(
  context: TaskContext,
  placement: Placement,
  round: Pick<RoundView, "metadata" | "templateLabels">,
): Manifest {
  const { metadata, spec } = podTemplate(context, placement);
  const index = String(placement.shard);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: attemptName(context.child, placement.shard, placement.attempt),
      namespace: round.metadata.namespace,
      labels: { ...round.templateLabels, ...metadata.labels, [completionIndex]: index },
      annotations: {
        ...metadata.annotations,
        [completionIndex]: index,
        [itemIndexesAnnotation]: indexesText(placement.items),
      },
      ownerReferences: [
        {
          apiVersion: "batch/v1",
          kind: "Job",
          name: round.metadata.name,
          uid: round.metadata.uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec,
  };
}

/** A task's Pods have numbers that are never used twice, so one of the same Job is what we meant. */
function existingPod(found: KubeObject, intended: Manifest): Existing {
  const theirs = controllerOf(found);
  const ours = controllerOf({ metadata: intended.metadata });
  if (theirs?.kind !== "Job" || theirs.name !== ours?.name) return "Foreign";
  if (theirs.uid !== ours.uid) return "Earlier";
  const note = itemIndexesAnnotation;
  return found.metadata.annotations?.[note] === intended.metadata.annotations?.[note] ? "Same" : "Altered";
}

function deletion({ metadata: { namespace, name, uid } }: AttemptPod): Write {
  return { kind: "delete", resource: pods, key: { namespace, name }, uid, propagation: "Background" };
}
