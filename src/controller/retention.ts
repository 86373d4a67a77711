// Which finished attempts are kept for their logs: the newest of each outcome. Pure.
import type { AttemptObject } from "../engine/views.ts";

/** Of each outcome, of one task. */
export const keptAttempts = 20;

/**
 * Of a pool, all of its tasks together: so many more stay until nothing starts or runs, since each removal of a Pod is two
 * writes of the API server. A fifth of what Kubernetes lets stand in a cluster before it removes ended Pods itself (12,500).
 */
export const surplusMax = 2500;

/** Of what ran attempts whose outcome is recorded, that which goes. */
export function beyondRetention(recorded: readonly AttemptObject[]): readonly AttemptObject[] {
  const newestFirst = recorded
    .filter((object) => !object.deleting && !(object.kind === "Pod" && object.pod.gone))
    .sort((a, b) => b.createdMs - a.createdMs || b.shard - a.shard || b.attempt - a.attempt);
  // Kube's Job controller writes the outcome of a Job a moment after its Pod's end: until then nobody can tell.
  const decided = newestFirst.filter((job) => job.finished !== undefined);
  // A Pod says by itself how it ended: one that runs on, though its attempt is over, was created too late.
  const late = newestFirst.filter((object) => object.kind === "Pod" && object.finished === undefined);
  return [
    ...late,
    ...decided.filter((job) => job.finished === "Complete").slice(keptAttempts),
    ...decided.filter((job) => job.finished === "Failed").slice(keptAttempts),
  ];
}
