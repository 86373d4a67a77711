// Which finished Jobs are kept for their logs: the newest of each outcome. Pure.
import type { JobView } from "../engine/views.ts";

/** Of each outcome, of one task. */
export const keptJobs = 20;

/** Of Jobs whose outcome is recorded, those that go. */
export function jobsBeyondRetention(recorded: readonly JobView[]): readonly JobView[] {
  const newestFirst = recorded
    .filter((job) => !job.deleting)
    .sort((a, b) => b.createdMs - a.createdMs || b.shard - a.shard || b.attempt - a.attempt);
  // Kube's Job controller writes the outcome of a Job a moment after its Pod's end: until then nobody can tell.
  const decided = newestFirst.filter((job) => job.finished !== undefined);
  return [
    ...decided.filter((job) => job.finished === "Complete").slice(keptJobs),
    ...decided.filter((job) => job.finished === "Failed").slice(keptJobs),
  ];
}
