// What the planner sees of one task: its shards that wait, run or wait out a delay, and what it asks for.
import { conditionOf } from "@dsl/kube-operator";
import { amountsOf } from "../../api/amount.ts";
import type { PooledTaskSpec } from "../../api/pooled-task.ts";
import { countOf, rangesWithout } from "../../api/ranges.ts";
import type { ActiveShard, BackingOff, Blocked, ShardRange, StopReason, Task } from "../../scheduling/index.ts";
import { tolerationOf } from "../engine-choice.ts";
import { runLimitMs } from "../outlook.ts";
import { ceilingOf } from "../refusals.ts";
import type { Stage } from "../stage.ts";
import type { Work } from "../task-memory.ts";
import { type ObservedTree, poolFactsOf } from "./pools.ts";
import { constraintsFor } from "./specs.ts";
import type { Unmodelled } from "./task.ts";

/** Undefined where nothing is left to plan. */
export function modelTask(
  task: Unmodelled,
  blocked: Blocked | undefined,
  tree: ObservedTree,
  now: number,
): Task | undefined {
  const { object, spec, memory, stage, request, outlook } = task;
  if (spec === undefined || request === undefined || (stage.kind === "Finished" && task.active.length === 0))
    return undefined;
  const work = memory?.work;
  const { name, namespace = "", uid, creationTimestamp } = object.metadata;
  // A task that needs a person can still be told to stop.
  const pool = tree.pools.get(spec.poolRef.name);
  const drained = pool?.effective?.stop.policy === "StopAndDrain" ? "PoolDrained" : undefined;
  const stop = whyStop(stage) ?? (spec.suspend ? "Suspended" : drained);
  const { parallelism = Number.POSITIVE_INFINITY } = spec;
  const most = Math.min(parallelism, ceilingOf(memory?.refusal, now));
  return {
    key: task.key,
    namespace,
    name,
    uid,
    pool: spec.poolRef.name,
    created: Date.parse(creationTimestamp),
    priority: spec.priority,
    request,
    constraints: constraintsFor(spec, tolerationOf(poolFactsOf(tree.root))),
    ...(Number.isFinite(most) && { parallelism: Math.max(1, most) }),
    ...(spec.minParallelism !== undefined && { minParallelism: gangSize(spec.minParallelism, work) }),
    ...(work === undefined || stage.kind === "Ending" || stage.kind === "Ended" || stage.kind === "Deleting"
      ? { waiting: [], backingOff: [] }
      : waitingOf(task, work, now)),
    active: activeOf(task, spec, now),
    ...(task.firstDecided !== undefined && { hasStarted: true }),
    ...(work !== undefined && { finished: work.account.settledShards }),
    waitingSince: waitingSince(task, work, now),
    ...(outlook !== undefined && { expected: outlook.expected(outlook.nextItems) }),
    ...(blocked !== undefined && { blocked }),
    ...(stop !== undefined && { stop }),
    excludedNodes: [...(memory?.excludedNodes ?? [])].map(([node, until]) => ({ node, until })),
  };
}

/** How many shards its first start needs together. */
function gangSize(minParallelism: number | string, work: Work | undefined): number {
  return typeof minParallelism === "number" ? minParallelism : Math.max(1, work?.account.shards ?? 1);
}

function whyStop(stage: Stage): StopReason | undefined {
  if (stage.kind === "Suspended") return "Suspended";
  if (stage.kind === "Deleting") return "Deleted";
  if (stage.kind !== "Ending") return undefined;
  return stage.reason === "DeadlineExceeded" ? "DeadlineExceeded" : "Cancelled";
}

/**
 * Since when it waits for a place: its creation or its latest start. Time in which it could have used none does not
 * count: suspended or in need of a person (the condition Reconciling begins anew after it), backing off, at its
 * parallelism, refused.
 */
function waitingSince({ object, spec, memory, active, open }: Unmodelled, work: Work | undefined, now: number): number {
  const moments = [Date.parse(object.metadata.creationTimestamp)];
  const reconciling = conditionOf(object.status?.conditions ?? [], "Reconciling")?.lastTransitionTime;
  if (reconciling !== undefined) moments.push(Date.parse(reconciling));
  for (const { decided } of active) moments.push(decided);
  if (open.length > 0) moments.push(now);
  if (memory?.refusal !== undefined) moments.push(memory.refusal.until);
  if (work !== undefined) {
    const { account } = work;
    moments.push(account.lastDecided ?? 0);
    for (const shard of account.triedOpenShards()) moments.push(account.retryAt(shard));
    const places = spec?.parallelism ?? Number.POSITIVE_INFINITY;
    if (active.length + 1 >= places) moments.push(account.facts.lastEnd ?? 0);
  }
  return Math.max(...moments.filter((moment) => moment <= now));
}

function activeOf(task: Unmodelled, spec: PooledTaskSpec, now: number): readonly ActiveShard[] {
  const startMs = spec.startTimeoutSeconds * 1000;
  const active: ActiveShard[] = task.active.map((attempt) => {
    const { shard, node, request } = attempt;
    const common = {
      shard,
      attempt: attempt.attempt,
      node,
      request,
      ...(task.outlook !== undefined && { expected: task.outlook.expected(attempt.items.length) }),
    };
    if (attempt.state === "Starting") {
      return {
        ...common,
        state: attempt.stopping ? "Stopping" : "Starting",
        since: attempt.decided,
        deadline: attempt.decided + startMs,
        ...(attempt.refusedSince !== undefined && { refusedSince: attempt.refusedSince }),
      };
    }
    const runMs = runLimitMs(spec, attempt.items.length);
    return {
      ...common,
      state: attempt.stopping ? "Stopping" : "Running",
      since: attempt.start,
      ...(runMs !== undefined && { deadline: attempt.start + runMs }),
    };
  });
  for (const { shard, attempt, node, request } of task.open) {
    active.push({ shard, attempt, node, request: amountsOf(request), state: "Starting", since: now });
  }
  return active;
}

/**
 * Shards that may start now, ascending (those to be tried again are the lowest), and those that wait out a delay. Those
 * that are still to be cut have the numbers that they will get.
 */
function waitingOf(
  task: Unmodelled,
  { account }: Work,
  now: number,
): { readonly waiting: readonly ShardRange[]; readonly backingOff: readonly BackingOff[] } {
  const busy = new Set<number>();
  for (const { shard } of task.active) busy.add(shard);
  for (const { shard } of task.ended) busy.add(shard);
  for (const { shard } of task.open) busy.add(shard);
  const backingOff: BackingOff[] = [];
  for (const shard of account.triedOpenShards()) {
    const until = account.retryAt(shard);
    if (until > now && !busy.has(shard)) backingOff.push({ shard, until });
  }
  for (const { shard } of backingOff) busy.add(shard);
  return {
    waiting: [
      ...rangesWithout(
        account.openShards(),
        [...busy].sort((a, b) => a - b),
      ),
      ...uncutOf(account.shards, task.outlook?.shardsToCut ?? 0),
    ],
    backingOff,
  };
}

function uncutOf(shards: number, toCut: number): readonly ShardRange[] {
  return toCut === 0 ? [] : [{ start: shards, end: shards + toCut }];
}

export function waitingShards(model: Task | undefined): number {
  return model === undefined ? 0 : countOf(model.waiting) + model.backingOff.length;
}
