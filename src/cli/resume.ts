// `kubectl pool resume`: lets suspended tasks go on.
import type { PooledTask } from "../api/pooled-task.ts";
import { type Change, changeOptions, changeTasks, howEnded } from "./change.ts";
import { Refusal } from "./usage-error.ts";
import type { Verb } from "./verb.ts";

export const resume: Verb = {
  name: "resume",
  summary: "let a suspended task go on",
  usage: "TASK…",
  description:
    "Lets a suspended task go on: it stands in its pool's queue again, and what had been stopped begins anew.",
  options: changeOptions,
  examples: [
    { does: "Go on", command: "kubectl pool resume squares" },
    {
      does: "Go on, and follow the results",
      command: "kubectl pool resume squares && kubectl pool results squares --follow",
    },
  ],
  run: (session) => changeTasks(session, decideResume),
};

function decideResume(task: PooledTask): Change {
  const { metadata, spec, status } = task;
  const ended = howEnded(task);
  if (ended === "has succeeded") throw new Refusal(`${metadata.name} has succeeded; there is nothing to resume`);
  if (ended !== undefined)
    throw new Refusal(
      `${metadata.name} has ended; failed items are run again by \`kubectl pool retry ${metadata.name}\``,
    );
  if (spec.cancel)
    throw new Refusal(`${metadata.name} was cancelled, which is for good; make it anew to run its items`);
  if (!spec.suspend) return { operations: [], said: "is not suspended" };
  const { total = 0, succeeded = 0 } = status?.items ?? {};
  return {
    operations: [{ op: "add", path: "/spec/suspend", value: false }],
    said: `resumed with ${total - succeeded} of ${total} items to do`,
  };
}
