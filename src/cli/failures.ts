// `kubectl pool failures`: which items of a task failed, and why.
import { failureRow } from "../view/failure-row.ts";
import { Outcomes } from "../view/outcomes.ts";
import type { Options } from "./arguments.ts";
import { failuresTable } from "./failures-table.ts";
import { structureText } from "./output.ts";
import { RecordReader } from "./record-reader.ts";
import { fetchTask, taskArgument } from "./tasks.ts";
import type { Verb } from "./verb.ts";

const options = {
  output: { short: "o", value: "FORMAT", choices: ["json", "yaml"], help: "the same rows, as JSON or YAML" },
} as const satisfies Options;

export const failures: Verb = {
  name: "failures",
  summary: "show which items failed, and why",
  usage: "TASK [options]",
  description: `Shows the last failure of each item that has not succeeded: how often it was tried, the exit status, where it
ran and the last lines that it said.`,
  options,
  examples: [
    { does: "What failed", command: "kubectl pool failures squares" },
    { does: "The numbers of the failed items", command: "kubectl pool failures squares -o json | jq '.[].item'" },
  ],

  async run(session) {
    const { arguments: args, terminal } = session;
    const cluster = await session.connect();
    const task = await fetchTask(cluster, taskArgument(args));
    const outcomes = new Outcomes(task.status?.items?.total ?? 0, task.spec.retries);
    for await (const record of new RecordReader(cluster.api, task).readOn()) outcomes.add(record);
    const failed = outcomes.failures();
    const format = args.text("output");
    if (format !== undefined) terminal.stdout.write(await structureText(failed.map(failureRow), format));
    else if (failed.length > 0) terminal.stdout.write(failuresTable(failed));
    else terminal.stderr.write(`No item of ${task.metadata.name} has failed.\n`);
    return 0;
  },
};
