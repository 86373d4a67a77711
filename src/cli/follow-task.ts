// Follows one task to its end: progress and reasons on standard error, results as they are recorded.
import type { Clock, KubeApi } from "@dsl/kube-operator";
import type { PooledTask } from "../api/pooled-task.ts";
import { durationText } from "../view/duration.ts";
import { progressOf } from "../view/progress.ts";
import { whatHelpsAgainst } from "../view/reasons.ts";
import { isFinished, type TaskRow, taskRow } from "../view/task-row.ts";
import { follow } from "./follow.ts";
import { pooledTasks } from "./kinds.ts";
import { oneLine } from "./one-line.ts";
import { persistently } from "./patience.ts";
import { ProgressDisplay } from "./progress.ts";
import { RecordReader } from "./record-reader.ts";
import type { ResultPrinter } from "./result-printer.ts";
import type { Terminal } from "./terminal.ts";

export type Ending =
  | { readonly kind: "finished"; readonly task: PooledTask }
  /** It needs a person, and nothing but a new task can mend it. */
  | { readonly kind: "hopeless"; readonly task: PooledTask }
  | { readonly kind: "deleted" }
  | { readonly kind: "interrupted" };

/** The spec cannot change where these complain, so waiting for it is in vain. */
const hopelessReasons: readonly string[] = ["ItemsInvalid", "TemplateRefused", "TaskInvalid"];

/** A ConfigMap that items come from can be mended, and is read again. */
function isHopeless({ spec }: PooledTask, reason = ""): boolean {
  return hopelessReasons.includes(reason) && !(reason === "ItemsInvalid" && spec.items.configMapRefs !== undefined);
}

export interface FollowTaskOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly terminal: Terminal;
  /** Called once it is known how many items there are. What it prints goes past the progress bar: hence `write`. */
  readonly printerFor: (write: (text: string) => void, task: PooledTask) => ResultPrinter;
}

export async function followTask(task: PooledTask, options: FollowTaskOptions): Promise<Ending> {
  const { api, clock, terminal } = options;
  const display = new ProgressDisplay(terminal, clock);
  const say = (line: string): void => display.interrupt(() => terminal.stderr.write(`${oneLine(line)}\n`));
  const print = (text: string): void => display.interrupt(() => terminal.stdout.write(text));
  let printer: ResultPrinter | undefined;
  const reader = new RecordReader(api, task, (request) => persistently(request, clock, terminal.interrupted));
  const key = {
    name: task.metadata.name,
    ...(task.metadata.namespace !== undefined && { namespace: task.metadata.namespace }),
  };
  let told = "";
  let readUpTo = "";

  try {
    const states = follow(api, pooledTasks, key, {
      clock,
      signal: terminal.interrupted,
      onTrouble: (message) => say(`The API server does not answer (${message}); trying again.`),
    });
    for await (const state of states) {
      if (state.metadata.uid !== task.metadata.uid) break;
      const row = taskRow(state, clock.now());
      const finished = isFinished(state);
      if (row.items.total > 0) display.update(progressOf(row));

      const trouble = troubleText(row);
      const sameTrouble = trouble.replace(/\d+/g, "#");
      if (sameTrouble !== told && trouble !== "") say(trouble);
      told = sameTrouble;

      if (state.status?.items !== undefined) printer ??= options.printerFor(print, state);
      const recorded = `${row.items.succeeded} ${row.items.failed} ${state.status?.results?.bytes ?? 0}`;
      if (printer !== undefined && (finished || recorded !== readUpTo)) await printer.take(reader.readOn(), finished);
      readUpTo = recorded;

      if (finished) return { kind: "finished", task: state };
      if (row.stage === "NeedsPerson" && isHopeless(state, row.reason)) return { kind: "hopeless", task: state };
    }
  } catch (error) {
    // A request that an interruption cut off is no failure.
    if (!terminal.interrupted.aborted) throw error;
  } finally {
    display.end();
  }
  return { kind: terminal.interrupted.aborted ? "interrupted" : "deleted" };
}

/** Why nothing of the task runs, or nothing at all. */
function troubleText({ name, stage, reason, message, position, shards }: TaskRow): string {
  if (reason === undefined || stage === "Running" || stage === "Succeeded" || stage === "Failed") return "";
  const why = message === undefined || message === "" ? reason : `${reason}: ${message}`;
  if (stage === "NeedsPerson") return `${name} needs a person: ${why} ${whatHelpsAgainst(reason) ?? ""}`.trimEnd();
  if (stage === "Cancelling") return `${name} is being cancelled: ${message}`;
  const at = position === undefined ? "" : ` at position ${position}`;
  if (stage !== "Starting") return `${name} waits${at}: ${why}`;
  // The first of it have their places, so it is the others that wait.
  return reason === "Starting"
    ? `${name} starts: ${message}`
    : `${name}: ${shards.starting} starting, ${shards.waiting} waiting${at}: ${why}`;
}

/** `squares: 97 of 100 items succeeded, 3 failed, in 41s.` */
export function endingText(task: PooledTask): string {
  const { metadata, status } = task;
  const { total = 0, succeeded = 0, failed = 0 } = status?.items ?? {};
  const parts = [`${succeeded} of ${total} items succeeded`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (status?.startTime !== undefined && status.completionTime !== undefined) {
    parts.push(`in ${durationText(Date.parse(status.completionTime) - Date.parse(status.startTime))}`);
  }
  return `${metadata.name}: ${parts.join(", ")}.`;
}
