// `kubectl pool results`: what a task's items came to, from its records.
import { isFinished, taskRow } from "../view/task-row.ts";
import type { Options } from "./arguments.ts";
import { reducedText, tellEnding } from "./ending.ts";
import { followTask } from "./follow-task.ts";
import { RecordReader } from "./record-reader.ts";
import { type ResultFormat, type ResultOrder, ResultPrinter } from "./result-printer.ts";
import { commandFor, fetchTask, taskArgument } from "./tasks.ts";
import { Refusal } from "./usage-error.ts";
import type { Verb } from "./verb.ts";

const options = {
  order: {
    value: "ORDER",
    choices: ["items", "completion"],
    help: "by the number of the item (default), or as they ended",
  },
  output: { short: "o", value: "FORMAT", choices: ["json", "jsonl"], help: "with times, nodes and failures, as JSON" },
  follow: { short: "f", help: "print results as they come, until the task has ended" },
} as const satisfies Options;

export const results: Verb = {
  name: "results",
  summary: "print the results of a task, in the order of its items",
  usage: "TASK [options]",
  description: `Prints the results of a task's items, in the order of the items. A failed item has no line; an item that
wrote nothing has an empty one. What spec.results.reduce makes of all of them is told on standard error, as is what is
missing or was cut.

With --follow the exit status is 0 when every item succeeded, else 1.`,
  options,
  examples: [
    { does: "Results in the order of the items", command: "kubectl pool results squares" },
    {
      does: "One JSON object an item, as they end",
      command: "kubectl pool results squares --follow --order completion -o jsonl",
    },
  ],

  async run(session) {
    const { arguments: args, terminal, clock } = session;
    const name = taskArgument(args);
    const cluster = await session.connect();
    const task = await fetchTask(cluster, name);
    const printerFor = (itemCount: number, write: (text: string) => void): ResultPrinter =>
      new ResultPrinter({
        itemCount,
        retries: task.spec.retries,
        order: (args.text("order") ?? "items") as ResultOrder,
        format: (args.text("output") ?? "text") as ResultFormat,
        write,
      });

    if (args.flag("follow") && !isFinished(task)) {
      let printer: ResultPrinter | undefined;
      const ending = await followTask(task, {
        api: cluster.api,
        clock,
        terminal,
        printerFor: (write, state) => {
          printer = printerFor(state.status?.items?.total ?? 0, write);
          return printer;
        },
      });
      if (ending.kind === "finished") terminal.stderr.write(reducedText(ending.task));
      return tellEnding(ending, { name, namespace: cluster.namespace }, terminal, printer);
    }

    const { items, stage } = taskRow(task, clock.now());
    if (task.status?.items === undefined) throw new Refusal(`${name} has no results yet: no item of it has been run`);
    const printer = printerFor(items.total, (text) => terminal.stdout.write(text));
    await printer.take(new RecordReader(cluster.api, task).readOn(), true);
    const where = { name, namespace: cluster.namespace };
    terminal.stderr.write(reducedText(task));
    for (const warning of printer.warnings()) terminal.stderr.write(`Warning: ${warning}.\n`);
    if (items.failed > 0)
      terminal.stderr.write(`${items.failed} of ${items.total} items failed: ${commandFor("failures", where)}\n`);
    if (!isFinished(task))
      terminal.stderr.write(`${name} has not ended yet (${stage}): ${commandFor("results", where)} --follow\n`);
    return args.flag("follow") && stage !== "Succeeded" ? 1 : 0;
  },
};
