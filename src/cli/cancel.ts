// `kubectl pool cancel`: ends tasks for good.
import type { PooledTask } from "../api/pooled-task.ts";
import { isFinished } from "../view/task-row.ts";
import { type Change, changeOptions, changeTasks } from "./change.ts";
import { Refusal } from "./usage-error.ts";
import type { Verb } from "./verb.ts";

export const cancel: Verb = {
  name: "cancel",
  summary: "end a task for good; results that are there stay",
  usage: "TASK…",
  description: `Ends a task for good: what runs is stopped, nothing new is started, results that are there stay. It cannot
be taken back; to stop for a while use suspend.`,
  options: changeOptions,
  examples: [
    { does: "Stop a task for good", command: "kubectl pool cancel squares" },
    { does: "Two at once, in another namespace", command: "kubectl pool cancel squares cubes -n team-a" },
  ],
  run: (session) => changeTasks(session, decideCancel),
};

function decideCancel(task: PooledTask): Change {
  if (task.spec.cancel) return { operations: [], said: "is cancelled already" };
  if (isFinished(task)) throw new Refusal(`${task.metadata.name} has ended already; there is nothing to cancel`);
  const { total = 0, succeeded = 0 } = task.status?.items ?? {};
  return {
    operations: [{ op: "add", path: "/spec/cancel", value: true }],
    said: `cancelled with ${succeeded} of ${total} items done`,
  };
}
