// `kubectl pool cancel`: ends tasks for good.
import { conditionOf } from "@dsl/kube-operator";
import type { PooledTask } from "../api/pooled-task.ts";
import { type Change, changeOptions, changeTasks, howEnded } from "./change.ts";
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
  const ended = howEnded(task);
  // It may have ended by itself before it was seen that it is cancelled.
  const wasCancelled =
    ended === undefined || conditionOf(task.status?.conditions ?? [], "Succeeded")?.reason === "Cancelled";
  if (task.spec.cancel && wasCancelled) return { operations: [], said: "is cancelled already" };
  if (ended !== undefined) throw new Refusal(`${task.metadata.name} ${ended}; there is nothing to cancel`);
  return { operations: [{ op: "add", path: "/spec/cancel", value: true }], said: cancelledText };
}

function cancelledText(task: PooledTask): string {
  const ended = howEnded(task);
  if (ended !== undefined) return `${ended}, just before it was cancelled`;
  const { total = 0, succeeded = 0 } = task.status?.items ?? {};
  return `cancelled with ${succeeded} of ${total} items done`;
}
