// Turns the end of an attempt into the lines that record it: which items got a result, which failure is charged to
// which item, and what runs again for free. Pure; the record log writes the lines.
import { Buffer } from "node:buffer";
import { formatRanges, rangesOf } from "../api/ranges.ts";
import type { AttemptRecord, ItemRecord, Outcome, RecordLine } from "../api/records.ts";
import type { EndedAttempt, ItemOutcome } from "../engine/engine.ts";
import type { StopReason } from "../scheduling/model.ts";
import type { Account } from "./account.ts";

export interface Limits {
  /** Of one attempt as it was started: its items' time-outs together. */
  readonly runMs?: number;
  readonly startMs: number;
  /** What results may still take, in bytes. */
  readonly resultBytesLeft: number;
}

/** The lines of an ended attempt: its items first, so that it counts as recorded only when all of them are. */
export function linesOf(
  attempt: EndedAttempt,
  account: Account,
  limits: Limits,
  stopped?: StopReason,
): readonly RecordLine[] {
  const timedOut = attempt.outcome === "Stopped" && whyStopped(attempt, limits, stopped) === "TimedOut";
  const failures = timedOut ? timeOuts(attempt, limits) : [];
  const known = new Set(failures.map(({ item }) => item));
  const outcomes = [...attempt.outcomes.filter(({ item }) => !known.has(item)), ...failures];
  return [
    ...itemLines(attempt, outcomes, account, limits.resultBytesLeft),
    attemptLine(attempt, timedOut ? "TimedOut" : attempt.outcome, account),
  ];
}

/**
 * Why we stopped it. After a restart nobody remembers, so the times tell: what had outlived its limit when it ended was
 * stopped for that.
 */
function whyStopped(attempt: EndedAttempt, limits: Limits, stopped: StopReason | undefined): StopReason | undefined {
  if (stopped !== undefined) return stopped;
  const late =
    attempt.start === undefined
      ? attempt.end - attempt.decided >= limits.startMs
      : limits.runMs !== undefined && attempt.end - attempt.start >= limits.runMs;
  return late ? "TimedOut" : undefined;
}

/** A time-out counts against what was running; against all items where the container never came to run. */
function timeOuts(attempt: EndedAttempt, limits: Limits): readonly ItemOutcome[] {
  const items = attempt.start === undefined ? attempt.handedBack : attempt.interrupted;
  const message =
    attempt.start === undefined
      ? `the container did not start within ${limits.startMs / 1000} s (spec.startTimeoutSeconds)`
      : `stopped after ${Math.round((limits.runMs ?? 0) / 1000)} s (spec.itemTimeoutSeconds, times its items)`;
  return items.map((item) => ({
    item,
    reason: "TimedOut",
    message,
    ...(attempt.start !== undefined && { start: attempt.start, ms: Math.max(0, attempt.end - attempt.start) }),
  }));
}

/** A chunk that fails as a whole says the same of each of its items; a ConfigMap could not hold it. */
const messageBytesMax = 32_768;

function withoutMessage({ message: _, ...outcome }: ItemOutcome): ItemOutcome {
  return outcome;
}

function itemLines(
  attempt: EndedAttempt,
  outcomes: readonly ItemOutcome[],
  account: Account,
  bytesLeft: number,
): readonly RecordLine[] {
  const lines: RecordLine[] = [];
  let messageBytesLeft = messageBytesMax;
  const unkept: number[] = [];
  let unkeptMs = 0;
  let bytes = 0;
  for (const outcome of outcomes) {
    if (account.done.has(outcome.item)) continue;
    bytes += bytesOfResult(outcome);
    if (outcome.reason === undefined && bytes > bytesLeft) {
      unkept.push(outcome.item);
      unkeptMs += outcome.ms ?? 0;
    } else {
      messageBytesLeft -= outcome.message?.length ?? 0;
      lines.push(itemLine(attempt, messageBytesLeft < 0 ? withoutMessage(outcome) : outcome, account));
    }
  }
  if (unkept.length > 0) {
    const items = formatRanges(rangesOf(unkept.sort((a, b) => a - b)));
    lines.push({ kind: "unkept", items, ms: unkeptMs });
  }
  return lines;
}

function bytesOfResult({ result = "" }: { readonly result?: string }): number {
  return Buffer.byteLength(result);
}

/** What the results in these lines take. */
export function resultBytesIn(lines: readonly RecordLine[]): number {
  return lines.reduce((sum, line) => sum + (line.kind === "item" ? bytesOfResult(line) : 0), 0);
}

function itemLine(attempt: EndedAttempt, outcome: ItemOutcome, account: Account): ItemRecord {
  return {
    kind: "item",
    ...outcome,
    shard: attempt.shard,
    attempts: account.attemptsOf(outcome.item) + 1,
    node: attempt.node,
  };
}

/** Chunks of one size stay as they are: what a shard hands back it runs itself, in its next attempt. */
function attemptLine(attempt: EndedAttempt, outcome: Outcome, { shape }: Account): AttemptRecord {
  const handedBack = shape.chunk === "Auto" ? formatRanges(rangesOf(attempt.leftOver)) : "";
  return {
    kind: "attempt",
    shard: attempt.shard,
    attempt: attempt.attempt,
    outcome,
    ...(attempt.pod !== undefined && { pod: attempt.pod }),
    node: attempt.node,
    decided: attempt.decided,
    ...(attempt.start !== undefined && { start: attempt.start }),
    end: attempt.end,
    ...(handedBack !== "" && { handedBack }),
  };
}
