// What a task tells of itself in the status of the Job that its attempts share. Pure.
import { formatRanges } from "../api/ranges.ts";
import type { RoundView } from "../engine/job-views.ts";
import type { RoundFacts } from "../engine/round-status.ts";
import type { ObservedTask } from "./observed/task.ts";

export function roundFactsOf({ active, memory, stage }: ObservedTask, round: RoundView): RoundFacts | undefined {
  const account = memory?.work?.account;
  if (account === undefined) return undefined;
  const pods = active.filter(({ job }) => job === round.metadata.uid);
  const going = pods.filter(({ stopping }) => !stopping);
  return {
    active: going.length,
    ready: going.filter(({ state }) => state === "Running").length,
    terminating: pods.length - going.length,
    succeeded: account.settledShards - account.failedShards,
    completedIndexes: formatRanges(account.completedShards()),
    failed: account.failedAttempts,
    suspended: stage.kind === "Suspended",
    ...(stage.kind === "Ended" && {
      end: {
        succeeded: stage.reason === "Succeeded" || stage.reason === "ResultsTruncated",
        reason: stage.reason,
        message: stage.message,
      },
    }),
  };
}
