// Most of a long queue has never begun. Such a task is not looked at anew as long as all that was looked at is the same:
// what the next look finds is a function of the stores, as it would be without this. Knows only where to look.
import type { PooledTask } from "../../api/pooled-task.ts";
import type { ObservedTree } from "./pools.ts";
import type { ObservedTask, TaskInput } from "./task.ts";
import { outlookFor } from "./task-outlook.ts";

/** By its object, which tells the rest: what was seen of it, and from what. */
const seen = new WeakMap<PooledTask, { readonly task: ObservedTask; readonly from: Resting }>();

/** All that is looked at of a task that has never begun, beside its object and what others like it took. */
type Resting = readonly unknown[];

/** Undefined for any other task. */
export function restingOn(
  { stores, memories, choice }: TaskInput,
  task: PooledTask,
  tree: ObservedTree,
): Resting | undefined {
  const { uid, namespace = "" } = task.metadata;
  const memory = memories.get(task);
  const account = memory?.work?.account;
  if (memory === undefined || account === undefined || account.firstDecided !== undefined) return undefined;
  if (memory.refusal !== undefined || memory.excludedNodes.size > 0) return undefined;
  if (stores.jobs.countBy("task", uid) + stores.rounds.countBy("task", uid) > 0) return undefined;
  const { shards, retryRound } = account;
  return [memory, shards, retryRound, stores.namespaces.get({ name: namespace }), choice, tree.state];
}

/** As it was seen before, where what is expected of its next shards is the same too. */
export function seenAgain(
  { memories }: TaskInput,
  object: PooledTask,
  from: Resting,
  tree: ObservedTree,
  now: number,
): ObservedTask | undefined {
  const known = seen.get(object);
  if (known === undefined || !known.from.every((part, i) => part === from[i])) return undefined;
  const { model, outlook: before } = known.task;
  const outlook = outlookFor(memories, known.task, tree, now);
  const expected = outlook?.expected(outlook.nextItems);
  const isAsBefore =
    expected?.likelyMs === model?.expected?.likelyMs &&
    expected?.limitMs === model?.expected?.limitMs &&
    outlook?.shardsToCut === before?.shardsToCut;
  return isAsBefore ? { ...known.task, outlook } : undefined;
}

/** Not where a moment that it waits since is still to come, by another machine's clock. */
export function remember(task: ObservedTask, from: Resting, now: number): void {
  const { metadata, status } = task.object;
  const turns = (status?.conditions ?? []).map(({ lastTransitionTime }) => lastTransitionTime);
  const isPast = [metadata.creationTimestamp, ...turns].every((moment) => Date.parse(moment) <= now);
  if (isPast && task.model !== undefined) seen.set(task.object, { task, from });
}
