// `kubectl pool retry`: runs the failed items of a task once more.
import type { PooledTask } from "../api/pooled-task.ts";
import { isObserved } from "../api/task-conditions.ts";
import { type Change, changeOptions, changeTasks, howEnded } from "./change.ts";
import { Refusal } from "./usage-error.ts";
import type { Verb } from "./verb.ts";

export const retry: Verb = {
  name: "retry",
  summary: "run the failed items of a task again",
  usage: "TASK…",
  description: "Runs the failed items of a task once more, by raising spec.retryFailed. Results that are there stay.",
  options: changeOptions,
  examples: [
    { does: "Run what failed again", command: "kubectl pool retry squares" },
    { does: "Then follow the results", command: "kubectl pool retry squares && kubectl pool results squares --follow" },
  ],
  run: (session) => changeTasks(session, decideRetry),
};

function decideRetry(task: PooledTask): Change {
  const { metadata, spec, status } = task;
  const failed = status?.items?.failed ?? 0;
  const ended = howEnded(task);
  if (ended === "has succeeded") throw new Refusal(`${metadata.name} has succeeded; there is nothing to run again`);
  if (spec.cancel)
    throw new Refusal(`${metadata.name} was cancelled, which is for good; make it anew to run its items`);
  if (!isObserved(task))
    throw new Refusal(`the operator has not seen the last change of ${metadata.name} yet; try again in a moment`);
  if (failed === 0) {
    const where = ended === undefined ? "is not done yet" : "has ended";
    throw new Refusal(`no item of ${metadata.name} has failed, and it ${where}; there is nothing to run again`);
  }
  const path = "/spec/retryFailed";
  return {
    // The test keeps two people who retry at once from asking for two rounds.
    operations: [
      { op: "test", path, value: spec.retryFailed },
      { op: "replace", path, value: spec.retryFailed + 1 },
    ],
    said: `retried: ${failed === 1 ? "1 failed item is" : `${failed} failed items are`} open again`,
  };
}
