// What is written into a task's status: where it is, why it waits, what failed, what came out. Pure.
import { type Condition, conditionOf, setCondition, timeText } from "@dsl/kube-operator";
import type { PooledTaskStatus, TaskFailure } from "../api/pooled-task.ts";
import { type StageCondition, taskConditions } from "../api/task-conditions.ts";
import { stallReasons, type TaskForecast, taskStatistics, timeLeftMs, type Waiting } from "../scheduling/index.ts";
import type { Account } from "./account.ts";
import type { ObservedTask } from "./observed/task.ts";
import { waitingShards } from "./observed/task-model.ts";
import type { EndReason } from "./stage.ts";

/** Only the first of a queue are told their place: the others would be written anew at each start. */
export const toldPositions = 20;
const toldRanges = 20;
const toldFailures = 10;

export interface TaskPlan {
  /** Starts that the plan decided for this task. */
  readonly starts: number;
  readonly waiting: Waiting | undefined;
  /** Where one has been made. */
  readonly forecast?: TaskForecast | undefined;
}

/** Undefined where nothing is to be written: the task is finished, or on its way out. */
export function taskStatus(task: ObservedTask, plan: TaskPlan, now: number): PooledTaskStatus | undefined {
  const { object, spec, memory, stage } = task;
  if (stage.kind === "Finished" || stage.kind === "Deleting") return undefined;
  const previous = object.status;
  const account = memory?.work?.account;
  const ended = stage.kind === "Ended";
  const queue = ended ? undefined : queueOf(task, plan, now);
  const left = account === undefined || ended ? undefined : leftMs(task, plan, now);
  const generation = object.metadata.generation ?? 1;
  const status: PooledTaskStatus = {
    observedGeneration: generation,
    ...(task.firstDecided !== undefined && { engine: task.engine }),
    ...(account !== undefined && { shards: shardsOf(task, account, plan) }),
    ...(account !== undefined && { items: itemsOf(account, memory?.work?.items.digest) }),
    ...(account !== undefined && progressOf(account, ended, left, now)),
    ...(queue !== undefined && { queue }),
    ...(account !== undefined && hasFailures(account) && { failures: failuresOf(account) }),
    ...(memory?.work !== undefined && !memory.work.log.isEmpty && { results: resultsOf(memory.work) }),
    ...(account?.firstDecided !== undefined && {
      statistics: statisticsOf(account, object.metadata.creationTimestamp),
    }),
    ...(task.firstDecided !== undefined && { startTime: timeText(task.firstDecided) }),
    ...(ended && { completionTime: previous?.completionTime ?? timeText(endOf(stage.reason, account, now)) }),
    // Of a cancelled task nothing is run again, however often it is asked for.
    handledRetry: ended && spec?.cancel ? spec.retryFailed : (account?.retryRound ?? previous?.handledRetry ?? 0),
    summary: summaryOf(account, left),
    conditions: conditionsOf(previous?.conditions ?? [], stageConditions(task, queue, plan), generation, now),
  };
  return status;
}

/**
 * Whether a status would say what is stored already: of a task of which nothing has begun, that is told why it waits and
 * no place in the queue. In a long queue that is nearly all of them at each turn, so it is found out without writing one.
 */
export function isTold(task: ObservedTask, { starts, waiting, forecast }: TaskPlan): boolean {
  const { object, spec, stage, memory } = task;
  const stored = object.status;
  if (stage.kind !== "Open" || stored?.queue === undefined || waiting?.position === undefined) return false;
  if (waiting.position <= toldPositions || forecast !== undefined || stored.queue.position !== undefined) return false;
  if (stored.queue.reason !== waiting.reason || stored.observedGeneration !== (object.metadata.generation ?? 1))
    return false;
  const hasBegun = task.firstDecided !== undefined || memory?.work?.log.isEmpty !== true || task.rounds.length > 0;
  const takesPart = starts + task.active.length + task.open.length + task.ended.length > 0;
  const hasCondition = stored.conditions?.some(({ reason }) => reason === waiting.reason) === true;
  // Into how many shards the rest of it will be cut changes with what is learned.
  return !hasBegun && !takesPart && hasCondition && stored.shards !== undefined && spec?.chunk.size !== "Auto";
}

/** What ended by itself did so with its last attempt; what we ended may have rested long before. */
function endOf(reason: EndReason, account: Account | undefined, now: number): number {
  const isOurs = reason === "Cancelled" || reason === "DeadlineExceeded";
  return isOurs ? now : (account?.facts.lastEnd ?? now);
}

function shardsOf(task: ObservedTask, account: Account, plan: TaskPlan): NonNullable<PooledTaskStatus["shards"]> {
  const running = runningOf(task);
  const starting = placesOf(task, plan) - running;
  return {
    total: Math.max(account.shards, task.outlook?.shards ?? 0),
    waiting: waitingAfter(task, plan),
    starting,
    running,
    succeeded: account.settledShards - account.failedShards,
    failed: account.failedShards,
  };
}

/** The places that it holds, and those of this plan. */
function placesOf({ active, open }: ObservedTask, { starts }: TaskPlan): number {
  return active.length + open.length + starts;
}

function runningOf({ active }: ObservedTask): number {
  return active.filter(({ state }) => state === "Running").length;
}

function waitingAfter({ model }: ObservedTask, { starts }: TaskPlan): number {
  return Math.max(0, waitingShards(model) - starts);
}

function itemsOf(account: Account, digest: string | undefined): NonNullable<PooledTaskStatus["items"]> {
  return {
    total: account.shape.items,
    succeeded: account.done.count,
    failed: account.failedCount,
    ...(digest !== undefined && { digest }),
    completed: account.completedText(toldRanges),
  };
}

/** Items a second since it last rested; too early to tell before the first has ended. */
function itemsPerSecond({ learned: { ends } }: Account, now: number): number | undefined {
  if (ends === undefined || ends.items === 0 || now <= ends.since) return undefined;
  return (ends.items * 1000) / (now - ends.since);
}

/**
 * What is left on the places that it has, and, once each has had its turn, no less than at the rate at which its shards
 * have ended since the first did: that counts in how long a place is empty between two of them. Where chunks grow, it
 * says nothing of the others. Untold until half of its places have seen an end: the first to end are the quickest.
 */
function leftMs(task: ObservedTask, plan: TaskPlan, now: number): number | undefined {
  const { model, outlook } = task;
  const places = placesOf(task, plan);
  if (model === undefined || outlook?.shown === undefined || places === 0) return undefined;
  const { startMs, ends } = outlook.shown;
  if (ends !== undefined && 2 * (ends.count + 1) < places) return undefined;
  const onPlaces = timeLeftMs(model, waitingShards(model), places, startMs, now);
  if (outlook.cutRule !== undefined || ends === undefined || ends.count < places) return onPlaces;
  const left = waitingAfter(task, plan) + places;
  return Math.max(onPlaces, (left * (now - ends.first)) / ends.count);
}

function progressOf(
  account: Account,
  ended: boolean,
  left: number | undefined,
  now: number,
): Pick<PooledTaskStatus, "progress"> {
  const { items } = account.shape;
  const gone = account.done.count + account.failedCount;
  const at = ended ? (account.facts.lastEnd ?? now) : now;
  const rate = itemsPerSecond(account, at);
  return {
    progress: {
      percent: items === 0 ? 100 : Math.floor((100 * gone) / items),
      ...(rate !== undefined && { itemsPerSecondMilli: Math.round(rate * 1000) }),
      ...(left !== undefined && { estimatedCompletion: timeText(now + left) }),
    },
  };
}

function summaryOf(account: Account | undefined, left: number | undefined): NonNullable<PooledTaskStatus["summary"]> {
  if (account === undefined) return { items: "–" };
  return {
    items: `${account.done.count}/${account.shape.items}`,
    ...(left !== undefined && { eta: durationText(left) }),
  };
}

/** As kubectl prints ages, one unit: `41m`. */
function durationText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)}h` : `${Math.round(seconds / 86_400)}d`;
}

// ---- why it waits

type Queue = NonNullable<PooledTaskStatus["queue"]>;

function queueOf(task: ObservedTask, plan: TaskPlan, now: number): Queue | undefined {
  const { waiting, forecast } = plan;
  if (task.stage.kind === "Stalled") return { reason: task.stage.reason, message: task.stage.message };
  const trouble = task.active.flatMap((attempt) => (attempt.state === "Starting" ? (attempt.waitingFor ?? []) : []));
  const words = trouble[0] && startingText(trouble[0], task);
  const runs = runningOf(task) > 0;
  // What keeps its first Pods from starting keeps back those that wait for room behind them, too.
  if (waiting?.position !== undefined && words !== undefined && !runs) return { reason: "Starting", message: words };
  if (waiting !== undefined) {
    const { reason, message, position } = waiting;
    if (position === undefined || position > toldPositions) return { reason, message };
    return { position, reason, message, ...(forecast !== undefined && expectations(forecast, now)) };
  }
  const refusal = task.memory?.refusal;
  // Its Jobs are still being taken back; what they were refused for is what a person wants to know.
  if (!runs && refusal !== undefined && now < refusal.until)
    return { reason: refusal.reason, message: refusal.message };
  if (runs && words === undefined) return undefined;
  if (placesOf(task, plan) === runningOf(task)) return undefined;
  const message = words ?? "its Pods have been created and are being started";
  return { reason: "Starting", message };
}

/** A Pod that waits looks as if it went on; of one that never can it is said. */
function startingText(words: string, { spec }: ObservedTask): string {
  if (!/^InvalidImageName\b/.test(words)) return words;
  const patience = `each Pod is waited for until spec.startTimeoutSeconds (${spec?.startTimeoutSeconds} s) and then counts as failed`;
  return `${words}; this does not get better by itself: cancel the task and make it anew with a valid image name; meanwhile ${patience}`;
}

function expectations({ expectedStart, wouldStartIf }: TaskForecast, now: number): Partial<Queue> {
  return {
    // What should have begun by now is late, and nobody knows how much.
    ...(expectedStart !== undefined && expectedStart > now && { expectedStart: timeText(expectedStart) }),
    ...(wouldStartIf.length > 0 && { wouldStartIf: wouldStartIf.map(({ message }) => message.slice(0, 512)) }),
  };
}

// ---- conditions

function stageConditions(task: ObservedTask, queue: Queue | undefined, plan: TaskPlan): readonly StageCondition[] {
  const { stage } = task;
  switch (stage.kind) {
    case "Ended":
      return taskConditions(
        stage.reason === "Succeeded" || stage.reason === "ResultsTruncated" ? "Succeeded" : "Failed",
        stage.reason,
        stage.message,
      );
    case "Stalled":
      return taskConditions("Stalled", stage.reason, stage.message);
    case "Suspended":
      return task.active.length > 0
        ? taskConditions("InProgress", "Suspending", `what runs is being stopped, since ${stage.by} is true`)
        : taskConditions("Suspended", "Suspended", `${stage.by} is true; set it to false to go on`);
    case "Ending":
      return taskConditions("InProgress", "Ending", `what runs is being stopped: ${stage.message}`);
    default:
      return openConditions(task, queue, plan);
  }
}

function openConditions(task: ObservedTask, queue: Queue | undefined, plan: TaskPlan): readonly StageCondition[] {
  if (queue !== undefined && (stallReasons as readonly string[]).includes(queue.reason) && task.active.length === 0) {
    return taskConditions("Stalled", queue.reason, queue.message);
  }
  const runs = runningOf(task) > 0;
  const starting = placesOf(task, plan);
  // The first of it have their places: what the others wait for is told beside it.
  if (plan.waiting?.position !== undefined && queue?.reason !== "Starting" && !runs && starting > 0) {
    const message = `${starting} starting, ${waitingAfter(task, plan)} waiting for a place`;
    return taskConditions("InProgress", "Starting", message);
  }
  if (queue !== undefined && !runs) return taskConditions("InProgress", queue.reason, queue.message);
  const account = task.memory?.work?.account;
  const message =
    account === undefined
      ? "the task is being read"
      : `${account.done.count} of ${account.shape.items} items succeeded${account.failedCount > 0 ? `, ${account.failedCount} failed` : ""}`;
  return taskConditions("InProgress", "Running", message);
}

/** Sets those that the stage has, and removes the others. */
export function conditionsOf(
  previous: readonly Condition[],
  wanted: readonly StageCondition[],
  generation: number,
  now: number,
): Condition[] {
  const kept = previous.filter(({ type }) => wanted.some((condition) => condition.type === type));
  const set = wanted.reduce(
    (conditions: readonly Condition[], condition) =>
      setCondition(conditions, { ...condition, observedGeneration: generation }, now),
    kept,
  );
  return [...set];
}

export function isTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return conditionOf(conditions ?? [], type)?.status === "True";
}

// ---- what failed, what came out

function hasFailures(account: Account): boolean {
  for (const _ of account.failing) return true;
  return false;
}

/** The first of each kind of failure, and how many are alike. */
function failuresOf(account: Account): TaskFailure[] {
  const kinds = new Map<string, { failure: TaskFailure; count: number }>();
  for (const { record } of account.failing) {
    const kind = `${record.reason} ${record.exit} ${record.message}`;
    const known = kinds.get(kind);
    const failure: TaskFailure = {
      item: record.item,
      shard: record.shard,
      attempts: record.attempts,
      ...(record.exit !== undefined && { exitCode: record.exit }),
      reason: record.reason ?? "Error",
      ...(record.node !== undefined && { node: record.node }),
      ...(record.message !== undefined && { message: record.message.slice(0, 1024) }),
      count: 1,
    };
    if (known === undefined) kinds.set(kind, { failure, count: 1 });
    else {
      known.count++;
      if (record.item < known.failure.item) known.failure = failure;
    }
  }
  return [...kinds.values()]
    .sort((a, b) => a.failure.item - b.failure.item)
    .slice(0, toldFailures)
    .map(({ failure, count }) => ({ ...failure, count }));
}

function resultsOf({
  log,
  account,
}: NonNullable<NonNullable<ObservedTask["memory"]>["work"]>): NonNullable<PooledTaskStatus["results"]> {
  const reduced = account.reduction?.value();
  const refused = account.reduction?.refused;
  return {
    segments: log.segments,
    bytes: account.resultBytes,
    truncated: account.truncated + account.unkept,
    ...(account.withoutResult > 0 && { absent: account.withoutResult }),
    ...(reduced !== undefined && { reduced }),
    ...(refused !== undefined && refused.count > 0 && { notReduced: refusedText(refused) }),
  };
}

function refusedText({
  count,
  item,
  text,
}: {
  readonly count: number;
  readonly item?: number;
  readonly text?: string;
}): string {
  const others = count > 1 ? `, and ${count - 1} more` : "";
  return `item ${item} has no number as its result, but ${JSON.stringify(text)}${others}`;
}

function statisticsOf(account: Account, creationTimestamp: string): NonNullable<PooledTaskStatus["statistics"]> {
  const {
    waitMs = 0,
    workMs,
    runMs,
    averageParallelismMilli,
    efficiencyPercent,
    wastedMs,
  } = taskStatistics({
    ...account.facts,
    created: Date.parse(creationTimestamp),
  });
  return { waitMs, runMs, workMs, averageParallelismMilli, efficiencyPercent, wastedMs };
}
