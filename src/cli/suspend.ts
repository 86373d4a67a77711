// `kubectl pool suspend`: stops tasks for a while.
import type { PooledTask } from "../api/pooled-task.ts";
import { type Change, changeOptions, changeTasks, howEnded } from "./change.ts";
import { Refusal } from "./usage-error.ts";
import type { Verb } from "./verb.ts";

export const suspend: Verb = {
  name: "suspend",
  summary: "stop a task for a while",
  usage: "TASK…",
  description: `Stops what runs of a task, without counting it as a retry, and starts nothing until it is resumed. Items that
were running begin again then.`,
  options: changeOptions,
  examples: [
    { does: "Make room for others", command: "kubectl pool suspend squares" },
    { does: "Go on later", command: "kubectl pool resume squares" },
  ],
  run: (session) => changeTasks(session, decideSuspend),
};

function decideSuspend(task: PooledTask): Change {
  const ended = howEnded(task);
  if (ended !== undefined) throw new Refusal(`${task.metadata.name} ${ended}; there is nothing to suspend`);
  if (task.spec.cancel) throw new Refusal(`${task.metadata.name} was cancelled, and is being stopped for good`);
  if (task.spec.suspend) return { operations: [], said: "is suspended already" };
  const { running = 0, starting = 0 } = task.status?.shards ?? {};
  const stopped = running + starting;
  return {
    operations: [{ op: "add", path: "/spec/suspend", value: true }],
    said:
      stopped === 0
        ? "suspended"
        : `suspended: ${stopped === 1 ? "1 shard is" : `${stopped} shards are`} being stopped`,
  };
}
