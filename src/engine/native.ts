// The native engine: one Job an attempt, bound by the Kubernetes scheduler through required node affinity. It writes
// Jobs only, so it runs on any cluster; Pods are kube's Job controller's.
import { finalizers } from "../api/labels.ts";
import type { Engine, Write } from "./engine.ts";
import { attemptJob, existingJob, jobs } from "./job.ts";
import { observeAttempt } from "./observe-attempt.ts";
import type { JobView } from "./views.ts";

export const nativeEngine: Engine = {
  name: "Native",
  start: (context, placement) => ({ kind: "create", resource: jobs, manifest: attemptJob(context, placement) }),
  existing: existingJob,
  stop,
  release,
  observe: observeAttempt,
};

/** Foreground: the Job stays until its Pod has ended, and our finalizer keeps it until that is recorded. */
function stop(job: JobView): Write {
  return { kind: "delete", resource: jobs, key: keyOf(job), uid: job.metadata.uid, propagation: "Foreground" };
}

/** Tested, so that it removes our finalizer from this very Job or nothing. */
function release(job: JobView): Write | undefined {
  const index = job.finalizers.indexOf(finalizers.record);
  if (index < 0) return undefined;
  const path = `/metadata/finalizers/${index}`;
  return {
    kind: "patch",
    resource: jobs,
    key: keyOf(job),
    patch: {
      type: "json",
      operations: [
        { op: "test", path: "/metadata/uid", value: job.metadata.uid },
        { op: "test", path, value: finalizers.record },
        { op: "remove", path },
      ],
    },
  };
}

function keyOf({ metadata: { namespace, name } }: JobView): { readonly namespace: string; readonly name: string } {
  return { namespace, name };
}
