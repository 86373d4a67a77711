// The native engine: one Job an attempt, bound by the Kubernetes scheduler through required node affinity. It writes
// Jobs only, so it runs on any cluster; Pods are kube's Job controller's.
import type { Engine, Write } from "./engine.ts";
import { attemptJob, existingJob, jobs } from "./job.ts";
import type { JobView } from "./job-views.ts";
import { observeAttempt } from "./observe-attempt.ts";
import { releaseJob } from "./release.ts";

export const nativeEngine: Engine<JobView> = {
  name: "Native",
  start: (context, placement) => ({ kind: "create", resource: jobs, manifest: attemptJob(context, placement) }),
  existing: existingJob,
  // Foreground: the Job stays until its Pod has ended, and our finalizer keeps it until that is recorded.
  stop: (job) => deletion(job, "Foreground"),
  release: releaseJob,
  remove: (job) => deletion(job, "Background"),
  observe: observeAttempt,
};

function deletion({ metadata: { namespace, name, uid } }: JobView, propagation: "Foreground" | "Background"): Write {
  return { kind: "delete", resource: jobs, key: { namespace, name }, uid, propagation };
}
