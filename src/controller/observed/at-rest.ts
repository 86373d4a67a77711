// Most of a long queue has never begun, and most of a long day has ended. Such a task is not looked at anew as long as all
// that was looked at is the same: what the next look finds is a function of the stores, as it would be without this. Knows
// only where to look.
import type { PooledTask } from "../../api/pooled-task.ts";
import type { Expectation } from "../../scheduling/index.ts";
import { isFinished } from "../stage.ts";
import type { Stores } from "../stores.ts";
import type { ObservedTree } from "./pools.ts";
import { taskSpec } from "./specs.ts";
import type { ObservedTask, TaskInput } from "./task.ts";
import { expectedAtFirst, outlookFor } from "./task-outlook.ts";

/** By its object, which tells the rest: what was seen of it, and from what. */
const seen = new WeakMap<PooledTask, { readonly task: ObservedTask; readonly from: Resting }>();

/** All that is looked at of a task that has never begun or has finished, beside its object and what others like it took. */
type Resting = readonly unknown[];

/** Undefined for any other task. */
export function restingOn(
  { stores, memories, choice }: TaskInput,
  task: PooledTask,
  tree: ObservedTree,
): Resting | undefined {
  const { uid, namespace = "" } = task.metadata;
  const memory = memories.get(task);
  if (hasFinished(task)) return finishedOn(stores, uid, [memory, memory?.work?.account.facts, choice, tree.state]);
  const account = memory?.work?.account;
  if (memory === undefined || account === undefined || account.firstDecided !== undefined) return undefined;
  if (memory.refusal !== undefined || memory.excludedNodes.size > 0) return undefined;
  if (stores.jobs.countBy("task", uid) + stores.rounds.countBy("task", uid) > 0) return undefined;
  const { shards, retryRound } = account;
  return [memory, shards, retryRound, stores.namespaces.get({ name: namespace }), choice, tree.state];
}

/** What an object says holds as long as it lives, so whoever has been seen at rest is not asked again. */
function hasFinished(task: PooledTask): boolean {
  const known = seen.get(task);
  if (known !== undefined) return known.task.stage.kind === "Finished";
  const parsed = taskSpec(task);
  return parsed.ok && task.metadata.deletionTimestamp === undefined && isFinished(task, parsed.spec);
}

/** What is left of it beside its records, after `from`; undefined while it is told of what vanished. */
function finishedOn(stores: Stores, uid: string, from: unknown[]): Resting | undefined {
  for (const store of [stores.jobs, stores.rounds]) {
    if (store.countBy("task", uid) === 0) continue;
    for (const job of store.byIndex("task", uid)) {
      if (stores.departed.has(job.metadata.uid)) return undefined;
      from.push(job);
      for (const pod of stores.pods.byIndex("job", job.metadata.uid)) from.push(pod);
    }
  }
  return from;
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
  if (known === undefined || !isSame(known.from, from)) return undefined;
  if (known.task.stage.kind === "Finished") return known.task;
  const { model, spec, outlook: before } = known.task;
  if (spec !== undefined && before !== undefined && spec.chunk.size !== "Auto") {
    // Of chunks of one size nothing else was learned from others.
    const next = expectedAtFirst(memories, known.task, tree);
    if (next === undefined || model === undefined) return undefined;
    if (isAsExpected(model, next)) return known.task;
    const outlook = outlookFor(memories, known.task, tree, now);
    const task = { ...known.task, outlook, model: { ...model, expected: next } };
    seen.set(object, { task, from });
    return task;
  }
  const outlook = outlookFor(memories, known.task, tree, now);
  const expected = outlook?.expected(outlook.nextItems);
  const isAsBefore = isAsExpected(model, expected) && outlook?.shardsToCut === before?.shardsToCut;
  return isAsBefore ? { ...known.task, outlook } : undefined;
}

function isAsExpected(model: ObservedTask["model"], expected: Expectation | undefined): boolean {
  return expected?.likelyMs === model?.expected?.likelyMs && expected?.limitMs === model?.expected?.limitMs;
}

function isSame(before: Resting, now: Resting): boolean {
  if (before.length !== now.length) return false;
  for (let i = 0; i < now.length; i += 1) if (before[i] !== now[i]) return false;
  return true;
}

/** Not where a moment that it waits since is still to come, by another machine's clock. */
export function remember(task: ObservedTask, from: Resting, now: number): void {
  const { metadata, status } = task.object;
  const turns = (status?.conditions ?? []).map(({ lastTransitionTime }) => lastTransitionTime);
  if (task.stage.kind === "Finished") {
    // What a Pod that has not ended means changes with its node, and with time.
    if ([...task.objects.values()].every(({ finished }) => finished !== undefined))
      seen.set(task.object, { task, from });
    return;
  }
  const isPast = [metadata.creationTimestamp, ...turns].every((moment) => Date.parse(moment) <= now);
  if (isPast && task.model !== undefined) seen.set(task.object, { task, from });
}
