// What is said on standard error once a followed task has ended, or is left alone; and the exit status that follows.
import type { PooledTask } from "../api/pooled-task.ts";
import { taskStage } from "../view/task-row.ts";
import { failuresTable } from "./failures-table.ts";
import { type Ending, endingText } from "./follow-task.ts";
import { oneLine } from "./one-line.ts";
import type { ResultPrinter } from "./result-printer.ts";
import { commandFor } from "./tasks.ts";
import type { Terminal } from "./terminal.ts";
import type { ExitStatus } from "./verb.ts";

const failuresShownMax = 20;

export function tellEnding(
  ending: Ending,
  name: { readonly name: string; readonly namespace: string },
  terminal: Terminal,
  printer?: ResultPrinter,
): ExitStatus {
  const say = (line: string): void => terminal.stderr.write(`${line}\n`);
  switch (ending.kind) {
    case "interrupted":
      say(`${name.name} goes on without you. Follow it again: ${commandFor("results", name)} --follow`);
      say(`Stop it for good: ${commandFor("cancel", name)}`);
      return 130;
    case "deleted":
      say(`${name.name} was deleted, and its results with it.`);
      return 1;
    case "hopeless":
      say(
        `Nothing but a new task can mend that. Delete this one: kubectl delete ptask ${name.name} -n ${name.namespace}`,
      );
      return 1;
    case "finished":
      say(endingText(ending.task));
      for (const warning of printer?.warnings() ?? []) say(`Warning: ${warning}.`);
      if (taskStage(ending.task) === "Succeeded") return 0;
      tellFailure(ending.task, name, say, printer);
      return 1;
  }
}

function tellFailure(
  task: PooledTask,
  name: { readonly name: string; readonly namespace: string },
  say: (line: string) => void,
  printer: ResultPrinter | undefined,
): void {
  const failures = printer?.failures() ?? [];
  if (failures.length > 0) {
    say(failuresTable(failures.slice(0, failuresShownMax)).trimEnd());
    const more = failures.length - failuresShownMax;
    if (more > 0) say(`and ${more} more: ${commandFor("failures", name)}`);
  }
  const condition = task.status?.conditions?.find(({ type }) => type === "Succeeded");
  if (condition !== undefined && condition.reason !== "ItemsFailed") {
    say(oneLine(`It ended as ${condition.reason}: ${condition.message}`));
  }
  // Cancelled is for good, and a deadline does not move.
  if ((task.status?.items?.failed ?? 0) > 0 && !task.spec.cancel) {
    say(`Run the failed items again: ${commandFor("retry", name)}`);
  }
}

/** What all results make together, or why they make nothing; a line each, for who reads the results themselves. */
export function reducedText(task: PooledTask): string {
  const { reduced, notReduced } = task.status?.results ?? {};
  const sum = reduced === undefined ? "" : `${task.spec.results.reduce} of all results: ${reduced}\n`;
  return notReduced === undefined ? sum : `${sum}${notReducedText(task, notReduced)}\n`;
}

/** Why all results have no sum, least or greatest one: one of them is no number. */
export function notReducedText({ spec }: PooledTask, words: string): string {
  return `No ${spec.results.reduce} of all results: ${words}.`;
}
