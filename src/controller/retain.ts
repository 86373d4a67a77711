// Keeps the operator's memory as small as the cluster: what is gone there is forgotten here, and a quota that changed
// lets those try again whom it refused.
import type { Clock, Manager } from "@dsl/kube-operator";
import type { PodView } from "../engine/pod-views.ts";
import type { Applier } from "./apply.ts";
import type { Reporter } from "./report.ts";
import type { Stores } from "./stores.ts";
import type { TaskMemories } from "./task-memory.ts";

/**
 * Who leads drops a departed Pod as soon as its outcome is recorded, seconds later as a rule. Who stands by is not told of
 * that, and has to know of those alone that the leader before it may not have come to.
 */
const departedMs = 300_000;

export interface RetainOptions {
  readonly manager: Pick<Manager, "elected">;
  readonly stores: Stores;
  readonly memories: TaskMemories;
  readonly applier: Applier;
  readonly reporter: Reporter;
  readonly clock: Pick<Clock, "monotonic">;
}

export function forgetTheGone({ manager, stores, memories, applier, reporter, clock }: RetainOptions): void {
  stores.tasks.onChange(({ type, object }) => {
    if (type !== "delete") return;
    memories.forget(object.metadata.uid);
    reporter.forget(object.metadata.uid);
  });
  stores.pools.onChange(({ type, object }) => {
    if (type !== "delete") return;
    memories.times.forget(object.metadata.uid);
    applier.forget(object.metadata.uid);
    reporter.forget(object.metadata.uid);
  });
  stores.rounds.onChange(({ type, object }) => {
    if (type === "delete") reporter.forget(object.metadata.uid);
  });
  /** Of Pods that went while we stand by, the first in front: when. */
  const departures = new Map<PodView, number>();
  let leads = false;
  void manager.elected.then(() => {
    leads = true;
    departures.clear();
  });
  stores.pods.onChange(({ type, object }) => {
    if (leads) return;
    const now = clock.monotonic();
    for (const [pod, goneAt] of departures) {
      if (now - goneAt < departedMs) break;
      departures.delete(pod);
      stores.departed.drop(pod);
    }
    if (type === "delete" && stores.departed.has(object.attempt?.job ?? "")) departures.set(object, now);
  });
  stores.quotas.onChange(({ object }) => {
    for (const task of stores.tasks.values()) {
      if (task.metadata.namespace === object.metadata.namespace) memories.liftRefusal(task.metadata.uid);
    }
  });
}
