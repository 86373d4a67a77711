// The removal of our finalizer from a Job: from this very Job, or from nothing.
import type { JsonPatchOperation, KubeObject } from "@dsl/kube-operator";
import { finalizers } from "../api/labels.ts";
import type { Write } from "./engine.ts";
import { jobs } from "./job.ts";

/** What of a Job this is about. */
export interface HeldJob {
  readonly metadata: Pick<KubeObject["metadata"], "namespace" | "name" | "uid">;
  readonly finalizers: readonly string[];
}

/** Undefined when nothing of ours holds it. */
export function releaseJob(job: HeldJob): Write | undefined {
  const operations = withoutOurFinalizer(job);
  if (operations.length === 0) return undefined;
  const { namespace = "", name, uid } = job.metadata;
  return {
    kind: "patch",
    resource: jobs,
    key: { namespace, name },
    patch: { type: "json", operations: [{ op: "test", path: "/metadata/uid", value: uid }, ...operations] },
  };
}

/** For a patch that also does something else; none when nothing of ours holds it. */
export function withoutOurFinalizer({ finalizers: held }: Pick<HeldJob, "finalizers">): readonly JsonPatchOperation[] {
  const index = held.indexOf(finalizers.record);
  if (index < 0) return [];
  const path = `/metadata/finalizers/${index}`;
  return [
    { op: "test", path, value: finalizers.record },
    { op: "remove", path },
  ];
}
