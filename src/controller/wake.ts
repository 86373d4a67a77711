// Which trees of pools a change concerns. A change only wakes: what is done about it is read from the stores.
import { isDeepStrictEqual } from "node:util";
import type { Change, Controller, ObjectKey } from "@dsl/kube-operator";
import type { PooledTask } from "../api/pooled-task.ts";
import { parentOf } from "../api/resource-pool.ts";
import type { JobView, RoundView } from "../engine/job-views.ts";
import type { PodView } from "../engine/pod-views.ts";
import { ownershipOf, treesOf } from "./observed/pools.ts";
import type { PoolTrees } from "./pool-trees.ts";
import type { Stores } from "./stores.ts";

/** Changes that come within this time are answered by one plan. */
const gatherMs = 20;

export function wakePools(controller: Controller, stores: Stores): void {
  let trees: PoolTrees | undefined;
  const treesNow = (): PoolTrees => {
    trees ??= treesOf(stores);
    return trees;
  };
  const everyTree = (): ObjectKey[] => [...treesNow().roots].map((name) => ({ name }));
  const treeOf = (pool: string | undefined): ObjectKey[] =>
    pool === undefined || pool === "" ? [] : [{ name: treesNow().rootOf(pool) }];
  const soon = { afterMs: gatherMs };

  let owners: ReadonlyMap<string, string> | undefined;
  const ownerOf = (node: string): readonly ObjectKey[] => {
    owners ??= new Map(
      [...ownershipOf(stores).nodes].flatMap(([pool, nodes]) => nodes.map(({ name }) => [name, pool] as const)),
    );
    const pool = owners.get(node);
    return pool === undefined ? [] : [{ name: pool }];
  };
  // Registered before the wakes below: they must not use who owned a node before this change.
  stores.pools.onChange((change) => {
    if (!isNewSpec(change)) return;
    owners = undefined;
    trees = undefined;
  });
  stores.nodes.onChange(() => {
    owners = undefined;
  });

  const poolOfTask = (uid: string): readonly ObjectKey[] =>
    stores.tasks.byIndex("uid", uid).flatMap(({ spec }) => treeOf(spec?.poolRef?.name));
  const tasksIn = (namespace: string): readonly PooledTask[] =>
    stores.tasks.list().filter(({ metadata }) => metadata.namespace === namespace);
  const poolOfJob = (uid: string): readonly ObjectKey[] =>
    [...stores.jobs.byIndex("uid", uid), ...stores.rounds.byIndex("uid", uid)].flatMap(({ task }) => poolOfTask(task));

  // A pool that comes, goes or selects other nodes changes what all others own; under the name of one that goes its
  // tasks are told so, and under that of a parent that is not there whoever was the last below it is not planned any more.
  controller.watches(
    stores.pools,
    (change) => {
      const { name } = change.object.metadata;
      const parent = parentOf(change.old ?? change.object);
      const formerly = parent === undefined ? [] : [{ name: parent }];
      return isNewSpec(change) ? [...everyTree(), { name }, ...formerly] : treeOf(name);
    },
    soon,
  );
  // A task that names a pool that is not there wakes that name all the same, and is told so.
  controller.watches(stores.tasks, ({ object }) => treeOf(object.spec?.poolRef?.name), soon);
  controller.watches(stores.jobs, ({ object }: Change<JobView>) => poolOfTask(object.task), soon);
  controller.watches(stores.rounds, ({ object }: Change<RoundView>) => poolOfTask(object.task), soon);
  controller.watches(
    stores.pods,
    ({ object }: Change<PodView>) => [
      ...(object.node === "" ? [] : ownerOf(object.node)),
      ...(object.attempt === undefined ? [] : poolOfJob(object.attempt.job)),
    ],
    { ...soon, when: isOfInterest },
  );
  controller.watches(stores.nodes, everyTree, { ...soon, when: isOtherThanVersion });
  controller.watches(stores.namespaces, everyTree, { ...soon, when: isOtherThanVersion });
  controller.watches(
    stores.quotas,
    ({ object }) => tasksIn(object.metadata.namespace ?? "").flatMap(({ metadata }) => poolOfTask(metadata.uid)),
    soon,
  );
  controller.watches(stores.createFailures, ({ object }) => poolOfJob(object.job), soon);
}

function isNewSpec({ type, object, old }: Change<{ readonly metadata: { readonly generation?: number } }>): boolean {
  return type !== "update" || object.metadata.generation !== old?.metadata.generation;
}

/** Other people's Pods matter by what they hold and where. */
function isOfInterest({ object, old }: Change<PodView>): boolean {
  if (object.attempt !== undefined || old === undefined) return true;
  return object.node !== old.node || object.phase !== old.phase || object.request !== old.request;
}

/** Heartbeats change nothing but the version. */
function isOtherThanVersion({
  object,
  old,
}: Change<{ readonly metadata: { readonly resourceVersion: string } }>): boolean {
  if (old === undefined) return true;
  const { metadata, ...rest } = object;
  const { metadata: oldMetadata, ...oldRest } = old;
  return !isDeepStrictEqual(
    { ...rest, metadata: { ...metadata, resourceVersion: "" } },
    { ...oldRest, metadata: { ...oldMetadata, resourceVersion: "" } },
  );
}
