// Writes down what became of attempts, and how the shards are cut that a plan starts: at most once a second and task,
// before anything of the former is let go or any of the latter started. What a line says is settled elsewhere.
import type { ApiError } from "@dsl/kube-operator";
import { bytesOf } from "../api/amount.ts";
import { formatRanges, rangesOf } from "../api/ranges.ts";
import type { RecordLine, StartRecord } from "../api/records.ts";
import type { EndedAttempt } from "../engine/engine.ts";
import { attemptKey } from "../engine/views.ts";
import { type Observation, type Plan, probeStartMs } from "../scheduling/index.ts";
import { nextCuts } from "./cuts.ts";
import type { Observed } from "./observe.ts";
import type { ObservedTask } from "./observed/task.ts";
import { runLimitMs } from "./outlook.ts";
import { sumsOf } from "./own-history.ts";
import { inParallel } from "./parallel.ts";
import { refusalText, refuse, whyRefused } from "./refusals.ts";
import { linesOf, resultBytesIn } from "./settle.ts";
import { keysFor, type TaskMemories, type TaskMemory, type Work } from "./task-memory.ts";

/**
 * One append a second and task, but for its last: nothing comes along any more that it could wait for. All open segments
 * together are written at a megabyte a second, at most.
 */
const appendEveryMs = 1000;
const appendBytesPerSecond = 1_048_576;
/** That something has started is written down once it is so old: most of what is short has ended by then, in one line. */
const startLineMs = 3000;
/**
 * Of what has ended about so much of a task at a time, a whole segment: where tens of thousands of short items end at
 * once, those that are recorded are told before the next are written.
 */
const appendBytesMax = 786_432;
/** Of an item's line, beside its result. */
const lineBytes = 120;
const lanes = 32;
/** A node that refused a shard of a task is left out for it so long. */
export const excludeNodeMs = 60_000;

export interface Recorded {
  readonly errors: readonly unknown[];
  /** When what was put off is due. */
  readonly wakeAt?: number;
}

export class Recorder {
  readonly #memories: TaskMemories;

  constructor(memories: TaskMemories) {
    this.#memories = memories;
  }

  async record(observed: Observed, plan: Plan, now: number): Promise<Recorded> {
    const uncut = uncutStarts(observed, plan);
    const hasLines = (task: ObservedTask): boolean =>
      task.ended.length > 0 ||
      task.retryRound !== undefined ||
      unrecordedStarts(task).length > 0 ||
      uncut.has(task.key);
    const stopping = new Set(plan.decisions.flatMap((decision) => (decision.kind === "stop" ? [decision.task] : [])));
    const openBytes = observed.going.reduce((sum, { memory }) => sum + (memory?.work?.log.openBytes ?? 0), 0);
    const dueAt = (task: ObservedTask): number => {
      const due = appendDueAt(task, openBytes);
      const saysMore = task.ended.length > 0 || task.retryRound !== undefined || uncut.has(task.key);
      // What we stop leaves nothing behind that would tell its number.
      return saysMore || stopping.has(task.key) ? due : Math.max(due, firstUnrecorded(task) + startLineMs);
    };
    const due: ObservedTask[] = [];
    const putOff: number[] = [];
    for (const task of observed.going) {
      // What is being deleted records nothing any more.
      if (!hasLines(task) || task.stage.kind === "Deleting") continue;
      const at = dueAt(task);
      if (at <= now) due.push(task);
      else putOff.push(at);
    }
    const errors = await inParallel(due, lanes, async (task) => {
      if (await this.#append(observed, task, uncut.get(task.key) ?? 0, now)) return;
      putOff.push(Math.max(now, task.memory?.lastAppend ?? 0));
    });
    // More may be cut as time goes by, though nothing else happens.
    if (due.some(({ key }) => uncut.has(key))) putOff.push(now + appendEveryMs);
    return { errors, ...(putOff.length > 0 && { wakeAt: Math.min(...putOff) }) };
  }

  /** False where some of what has ended is left for the next time. */
  async #append({ pool }: Observed, task: ObservedTask, uncut: number, now: number): Promise<boolean> {
    const { memory, spec } = task;
    const work = memory?.work;
    if (memory === undefined || work === undefined || spec === undefined) return true;
    const groups: (readonly RecordLine[])[] = [];
    const observations: Observation[] = [];
    if (task.retryRound !== undefined) groups.push([{ kind: "retry", round: task.retryRound }]);
    groups.push(...startLines(task).map((line) => [line]));
    const startMs = spec.startTimeoutSeconds * 1000;
    let resultBytesLeft = bytesOf(spec.results.maxBytes) - work.account.resultBytes;
    const recorded: EndedAttempt[] = [];
    let bytes = 0;
    for (const attempt of task.ended) {
      if (bytes >= appendBytesMax) break;
      const runMs = runLimitMs(spec, attempt.items.length);
      const limits = { startMs, resultBytesLeft, ...(runMs !== undefined && { runMs }) };
      const lines = linesOf(attempt, work.account, limits, memory.stops.get(attemptKey(attempt)));
      const resultBytes = resultBytesIn(lines);
      resultBytesLeft -= resultBytes;
      bytes += resultBytes + lines.length * lineBytes;
      recorded.push(attempt);
      groups.push(lines);
      observations.push(...observationsOf(task, memory, lines));
    }
    const cuts = cutsFor(task, work, uncut, now);
    if (cuts.length > 0) groups.push(cuts);
    if (groups.length === 0) return true;
    const isWhole = recorded.length === task.ended.length;
    // The rest is due at once.
    memory.lastAppend = isWhole ? now : 0;
    try {
      await work.log.append(withHeader(task, work, groups));
    } catch (error) {
      const reason = whyRefused(error);
      if (reason === undefined) {
        // Somebody else wrote there, or the answer was lost: what is stored decides.
        this.#memories.doubt(memory.uid);
        throw error;
      }
      // Nothing more starts whose outcome could not be written down.
      refuse(memory, task, reason, `the records cannot be written: ${refusalText((error as ApiError).message)}`, now);
      if (memory.refusal !== undefined) {
        memory.refusal = { ...memory.refusal, ceiling: 0, ofRecords: true };
        memory.lastAppend = memory.refusal.until;
      }
      return false;
    }
    if (memory.refusal?.ofRecords) delete memory.refusal;
    for (const line of groups.flat()) work.account.apply(line);
    work.account.digest ??= work.items.digest;
    for (const attempt of recorded) {
      memory.stops.delete(attemptKey(attempt));
      // What a node would not take is tried elsewhere first.
      if (isRefusedByNode(attempt)) memory.excludedNodes.set(attempt.node, now + excludeNodeMs);
    }
    if (pool !== undefined) this.#memories.times.learn(pool.object, observations);
    return isWhole;
  }
}

/** The kubelet's own words for a Pod that it does not take (Kubernetes 1.36: pkg/kubelet/lifecycle). */
function isRefusedByNode({ outcome, start, reason = "" }: EndedAttempt): boolean {
  return outcome === "Lost" && start === undefined && (reason.startsWith("OutOf") || /Admission|Affinity/.test(reason));
}

/** Attempts that are under way, that nothing holds, and that the records do not know of yet. */
function unrecordedStarts({ active, objects, memory }: ObservedTask): ObservedTask["active"] {
  const account = memory?.work?.account;
  if (account === undefined) return [];
  return active.filter(
    (attempt) => objects.get(attemptKey(attempt))?.kind === "Pod" && !account.isStarted(attempt.shard, attempt.attempt),
  );
}

function firstUnrecorded(task: ObservedTask): number {
  return Math.min(...unrecordedStarts(task).map(({ decided }) => decided));
}

/** One line for all that have the same number. */
function startLines(task: ObservedTask): readonly StartRecord[] {
  const byNumber = Map.groupBy(unrecordedStarts(task), ({ attempt }) => attempt);
  return [...byNumber].map(([attempt, starts]) => ({
    kind: "start",
    started: formatRanges(rangesOf(starts.map(({ shard }) => shard).sort((a, b) => a - b))),
    attempt,
    at: Math.min(...starts.map(({ decided }) => decided)),
  }));
}

/** How many shards of each task start in this plan that are not cut yet. */
function uncutStarts({ going }: Observed, { decisions }: Plan): ReadonlyMap<string, number> {
  const shards = new Map(
    going.flatMap(({ key, outlook, memory }) =>
      outlook?.cutRule === undefined ? [] : [[key, memory?.work?.account.shards ?? 0]],
    ),
  );
  const uncut = new Map<string, number>();
  for (const decision of shards.size === 0 ? [] : decisions) {
    if (decision.kind !== "start" || decision.shard < (shards.get(decision.task) ?? Number.POSITIVE_INFINITY)) continue;
    uncut.set(decision.task, (uncut.get(decision.task) ?? 0) + 1);
  }
  return uncut;
}

function cutsFor(task: ObservedTask, { account, items }: Work, count: number, now: number): readonly RecordLine[] {
  const { outlook, model, active, open } = task;
  if (outlook?.cutRule === undefined) return [];
  const young = active.filter(({ state, decided }) => state === "Starting" && now - decided < probeStartMs);
  return nextCuts(account, items, outlook.cutRule, {
    count,
    starting: young.length + open.length,
    ...(!model?.hasStarted && model?.minParallelism !== undefined && { gang: model.minParallelism }),
  });
}

function observationsOf(
  { object, request }: ObservedTask,
  memory: TaskMemory,
  lines: readonly RecordLine[],
): readonly Observation[] {
  const { timed, ms } = sumsOf(lines.filter((line) => line.kind === "item"));
  return timed === 0 || request === undefined ? [] : [{ keys: keysFor(memory, object, request), itemMs: ms / timed }];
}

function appendDueAt({ memory, model, active, open }: ObservedTask, openBytes: number): number {
  // Refused, they are tried again at their time, whatever else keeps the task.
  if (memory?.refusal?.ofRecords) return memory.lastAppend;
  const left = (model?.waiting.length ?? 0) + (model?.backingOff.length ?? 0) + active.length + open.length;
  if (left === 0) return 0;
  return (memory?.lastAppend ?? 0) + Math.max(appendEveryMs, (openBytes / appendBytesPerSecond) * 1000);
}

/** Segment 0 begins with what the numbers of all further lines mean. */
function withHeader(
  task: ObservedTask,
  { log, items, account }: Work,
  groups: readonly (readonly RecordLine[])[],
): readonly (readonly RecordLine[])[] {
  if (!log.isEmpty) return groups;
  const header: RecordLine = {
    kind: "header",
    task: task.object.metadata.uid,
    items: items.count,
    chunk: account.shape.chunk,
    digest: items.digest,
  };
  return [[header], ...groups];
}
