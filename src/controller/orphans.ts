// Removes Jobs of ours whose task is gone: a finalizer was taken off by hand, or a create came late. Without it they
// would run on, and our own finalizer would keep them for ever.
import type { Manager } from "@dsl/kube-operator";
import type { Applier } from "./apply.ts";
import type { Stores } from "./stores.ts";

export function orphanController(manager: Pick<Manager, "controller">, stores: Stores, applier: Applier): void {
  const controller = manager.controller({
    name: "orphans",
    async reconcile({ name: uid }) {
      if (stores.tasks.countBy("uid", uid) > 0) return;
      const [error] = await applier.removeOrphans(stores.jobs.byIndex("task", uid), stores.rounds.byIndex("task", uid));
      if (error !== undefined) throw error;
    },
  });
  // The key is the task's uid: its name may have a new bearer.
  controller.watches(stores.tasks, ({ object }) => [{ name: object.metadata.uid }], {
    when: ({ type }) => type === "delete",
  });
  // A Job can be seen before its task is.
  const later = { afterMs: 5000 };
  const ofNone = ({ object }: { readonly object: { readonly task: string } }) =>
    stores.tasks.countBy("uid", object.task) > 0 ? [] : [{ name: object.task }];
  controller.watches(stores.jobs, ofNone, later);
  controller.watches(stores.rounds, ofNone, later);
}
