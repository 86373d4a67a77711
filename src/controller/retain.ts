// Keeps the operator's memory as small as the cluster: what is gone there is forgotten here, and a quota that changed
// lets those try again whom it refused.
import type { Reporter } from "./report.ts";
import type { Stores } from "./stores.ts";
import type { TaskMemories } from "./task-memory.ts";

export function forgetTheGone(stores: Stores, memories: TaskMemories, reporter: Reporter): void {
  stores.tasks.onChange(({ type, object }) => {
    if (type !== "delete") return;
    memories.forget(object.metadata.uid);
    reporter.forget(object.metadata.uid);
  });
  stores.pools.onChange(({ type, object }) => {
    if (type !== "delete") return;
    memories.times.forget(object.metadata.uid);
    reporter.forget(object.metadata.uid);
  });
  stores.rounds.onChange(({ type, object }) => {
    if (type === "delete") reporter.forget(object.metadata.uid);
  });
  stores.quotas.onChange(({ object }) => {
    for (const task of stores.tasks.values()) {
      if (task.metadata.namespace === object.metadata.namespace) memories.liftRefusal(task.metadata.uid);
    }
  });
}
