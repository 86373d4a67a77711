// What became of each item of an ended attempt, by the form in which its shard took them. Does not know Pods, nor who is
// to blame: that is the verdict's part.
import type { ItemOutcome, ShardForm } from "./engine.ts";
import type { TerminatedView } from "./pod-views.ts";
import { lineResults, singleResult, type WrapperRecord, wrapperRecords } from "./termination-message.ts";
import { exitWords, type Verdict } from "./verdict.ts";
import { wrapperExits } from "./wrapper.ts";

export interface Ended {
  readonly items: readonly number[];
  readonly verdict: Verdict;
  /** Start of the main container; absent where it never ran. */
  readonly start?: number;
  readonly end: number;
  /** Absent where nobody saw it end. */
  readonly container?: TerminatedView;
  readonly messageBytesMax: number;
}

export interface ItemsEnd {
  readonly verdict: Verdict;
  readonly outcomes: readonly ItemOutcome[];
  readonly handedBack: readonly number[];
  readonly interrupted: readonly number[];
  readonly leftOver: readonly number[];
}

export function itemsEnd(form: ShardForm, ended: Ended): ItemsEnd {
  return form === "Each" ? eachEnd(ended) : togetherEnd(form, ended);
}

/** One run for all items: they share its fate and its time. */
function togetherEnd(form: "Single" | "Whole", ended: Ended): ItemsEnd {
  const { items, verdict, container } = ended;
  if (verdict.outcome === "Lost" || verdict.outcome === "Stopped") {
    const interrupted = ended.start === undefined ? [] : items;
    return { verdict, outcomes: [], handedBack: items, interrupted, leftOver: [] };
  }
  if (verdict.outcome === "Failed" || container === undefined) return allFailed(ended, verdict);
  const times = shareOf(ended);
  if (form === "Single") {
    const result = singleResult(container.message, ended.messageBytesMax);
    return allEnded(
      verdict,
      items.map((item) => ({ item, ...times, exit: container.exit, ...result })),
    );
  }
  const results = lineResults(container.message, items.length, ended.messageBytesMax);
  if (typeof results === "string") {
    return allFailed(ended, { outcome: "Failed", reason: "ResultCountMismatch", message: results });
  }
  const outcomes = items.map((item, position) => ({
    item,
    ...times,
    exit: container.exit,
    result: results[position] ?? "",
  }));
  return allEnded(verdict, outcomes);
}

function allEnded(verdict: Verdict, outcomes: readonly ItemOutcome[]): ItemsEnd {
  return { verdict, outcomes, handedBack: [], interrupted: [], leftOver: [] };
}

function allFailed(ended: Ended, verdict: Verdict): ItemsEnd {
  const times = shareOf(ended);
  return allEnded(
    verdict,
    ended.items.map((item) => ({ item, ...times, ...failureOf(ended, verdict) })),
  );
}

function failureOf({ container }: Ended, { reason = "Error", message }: Verdict): Omit<ItemOutcome, "item"> {
  return {
    ...(container !== undefined && container.init === undefined && { exit: container.exit }),
    reason,
    ...(message !== undefined && { message }),
  };
}

/** The run time of a container in equal parts, since nothing tells how it was spent. */
function shareOf({ start, end, items }: Ended): { start?: number; ms?: number } {
  return start === undefined ? {} : { start, ms: Math.round(Math.max(0, end - start) / Math.max(1, items.length)) };
}

/** One run for each item, as the wrapper has recorded them. */
function eachEnd(ended: Ended): ItemsEnd {
  const { items, verdict, container } = ended;
  const found = container?.init === undefined ? wrapperRecords(container?.message ?? "") : undefined;
  const records = (found?.records ?? []).slice(0, items.length);
  const outcomes = recordedOutcomes(items, records, ended.start);
  const rest = items.slice(records.length);
  if (verdict.outcome === "Lost" || verdict.outcome === "Stopped") {
    const isRunning = ended.start !== undefined && found?.ended !== true;
    return { verdict, outcomes, handedBack: rest, interrupted: isRunning ? rest.slice(0, 1) : [], leftOver: [] };
  }
  if (found?.ended === true && records.length > 0) {
    // The wrapper stopped by its own will: it does so only where the next record may have no room.
    return {
      verdict: verdictOfRecords(ended, outcomes),
      outcomes,
      handedBack: rest,
      interrupted: [],
      leftOver: rest,
    };
  }
  // It died while it ran the first item without a record; or before it could run any, and then no attempt would do more.
  const told = verdictWithoutRecords(ended, found !== undefined);
  const failed = couldNotRun(ended) ? rest : rest.slice(0, 1);
  return {
    verdict: told,
    outcomes: [...outcomes, ...failed.map((item) => ({ item, ...failureOf(ended, told) }))],
    handedBack: rest.slice(failed.length),
    interrupted: [],
    leftOver: [],
  };
}

function couldNotRun({ container, verdict }: Ended): boolean {
  return (
    verdict.outcome === "Succeeded" ||
    container?.init !== undefined ||
    container?.exit === wrapperExits.cannotCreate ||
    container?.exit === wrapperExits.ioError ||
    ["StartError", "ContainerCannotRun"].includes(container?.reason ?? "")
  );
}

/** The wrapper fails if an item did; its own last words are records, which are no words for a person. */
function verdictOfRecords({ verdict }: Ended, outcomes: readonly ItemOutcome[]): Verdict {
  const failed = outcomes.filter(({ reason }) => reason !== undefined).length;
  if (verdict.outcome === "Succeeded" || failed === 0) return verdict;
  return {
    outcome: verdict.outcome,
    reason: "ItemsFailed",
    message: `${failed} of the ${outcomes.length} items that it ran failed`,
  };
}

function verdictWithoutRecords({ verdict, container }: Ended, hasRecords: boolean): Verdict {
  if (verdict.outcome === "Succeeded") {
    const message =
      "the container ended well without the records of its items; was something else run than its /bin/sh?";
    return { outcome: "Failed", reason: "RecordsMissing", message };
  }
  if (!hasRecords) return verdict;
  const words = exitWords(container?.exit ?? 0, verdict.reason);
  return {
    outcome: verdict.outcome,
    reason: verdict.reason ?? "Error",
    message: words ?? `the container ended with exit status ${container?.exit ?? "unknown"} while it ran this item`,
  };
}

function recordedOutcomes(
  items: readonly number[],
  records: readonly WrapperRecord[],
  containerStart: number | undefined,
): readonly ItemOutcome[] {
  const outcomes: ItemOutcome[] = [];
  let start = containerStart;
  for (const [position, { gapMs, ms, exit, result, truncated, message }] of records.entries()) {
    const item = items[position];
    if (item === undefined) break;
    if (start !== undefined) start += gapMs;
    const times = { ...(start !== undefined && { start }), ms, exit };
    if (exit === 0) {
      outcomes.push({ item, ...times, ...(result !== undefined && { result }), ...(truncated && { truncated }) });
    } else {
      const words = message || exitWords(exit);
      outcomes.push({ item, ...times, reason: "Error", ...(words !== undefined && { message: words }) });
    }
    if (start !== undefined) start += ms;
  }
  return outcomes;
}
