// Writes down what became of attempts: at most once a second and task, before anything of theirs is let go. What a line
// says is settled elsewhere.
import type { ApiError } from "@dsl/kube-operator";
import { bytesOf } from "../api/amount.ts";
import type { RecordLine } from "../api/records.ts";
import { attemptKey, type Observed, type ObservedTask, runLimitMs } from "./observe.ts";
import { inParallel } from "./parallel.ts";
import { refuse, whyRefused } from "./refusals.ts";
import { linesOf, resultBytesIn } from "./settle.ts";
import type { TaskMemories, Work } from "./task-memory.ts";

/** One append a second and task; all open segments together are written at a megabyte a second, at most. */
const appendEveryMs = 1000;
const appendBytesPerSecond = 1_048_576;
const lanes = 32;

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

  async record(observed: Observed, now: number): Promise<Recorded> {
    const openBytes = observed.tasks.reduce((sum, { memory }) => sum + (memory?.work?.log.openBytes ?? 0), 0);
    // What is being deleted records nothing any more.
    const pending = observed.tasks.filter((task) => hasLines(task) && task.stage.kind !== "Deleting");
    const due = pending.filter((task) => appendDueAt(task, openBytes) <= now);
    const errors = await inParallel(due, lanes, (task) => this.#append(task, now));
    const putOff = pending.filter((task) => !due.includes(task)).map((task) => appendDueAt(task, openBytes));
    return { errors, ...(putOff.length > 0 && { wakeAt: Math.min(...putOff) }) };
  }

  async #append(task: ObservedTask, now: number): Promise<void> {
    const { memory, spec } = task;
    const work = memory?.work;
    if (memory === undefined || work === undefined || spec === undefined || !hasLines(task)) return;
    const groups: (readonly RecordLine[])[] = [];
    if (task.retryRound !== undefined) groups.push([{ kind: "retry", round: task.retryRound }]);
    const startMs = spec.startTimeoutSeconds * 1000;
    let resultBytesLeft = bytesOf(spec.results.maxBytes) - work.account.resultBytes;
    for (const attempt of task.ended) {
      const runMs = runLimitMs(spec, attempt.items.length);
      const limits = { startMs, resultBytesLeft, ...(runMs !== undefined && { runMs }) };
      const lines = linesOf(attempt, work.account, limits, memory.stops.get(attemptKey(attempt)));
      resultBytesLeft -= resultBytesIn(lines);
      groups.push(lines);
    }
    memory.lastAppend = now;
    try {
      await work.log.append(withHeader(task, work, groups));
    } catch (error) {
      const reason = whyRefused(error);
      if (reason === undefined) {
        // Somebody else wrote there, or the answer was lost: what is stored decides.
        this.#memories.forget(memory.uid);
        throw error;
      }
      // Nothing more starts whose outcome could not be written down.
      refuse(memory, task, reason, `the records cannot be written: ${(error as ApiError).message}`, now);
      if (memory.refusal !== undefined) {
        memory.refusal = { ...memory.refusal, ceiling: 0 };
        memory.lastAppend = memory.refusal.until;
      }
      return;
    }
    for (const line of groups.flat()) work.account.apply(line);
    work.account.digest ??= work.items.digest;
    for (const attempt of task.ended) memory.stops.delete(attemptKey(attempt));
  }
}

function hasLines({ ended, retryRound }: ObservedTask): boolean {
  return ended.length > 0 || retryRound !== undefined;
}

function appendDueAt({ memory }: ObservedTask, openBytes: number): number {
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
