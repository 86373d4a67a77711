// `kubectl pool explain`: where a task stands, why it waits and what would help.
import { isForbidden, isNotFound } from "@dsl/kube-operator";
import type { PooledTask } from "../api/pooled-task.ts";
import { type Explained, explainedByStatus, explanationLines } from "../view/explanation.ts";
import type { Options } from "./arguments.ts";
import { resourcePools } from "./kinds.ts";
import { oneLine } from "./one-line.ts";
import { structureText } from "./output.ts";
import { fetchTask, taskArgument } from "./tasks.ts";
import type { Cluster, Verb } from "./verb.ts";

/** Where the answer comes from: what the operator wrote last, or the planner asked at this moment. */
export type ExplanationSource = (cluster: Cluster, task: PooledTask, now: number) => Promise<Explained>;

const options = {
  output: { short: "o", value: "FORMAT", choices: ["json", "yaml"], help: "the same, as JSON or YAML" },
} as const satisfies Options;

export function explainBy(source: ExplanationSource): Verb {
  return {
    name: "explain",
    summary: "tell where a task stands, why it waits and what would help",
    usage: "TASK [options]",
    description: `Tells where a task stands, the one reason for which it (or what is left of it) does not run, what its pool
has free, and what would help.`,
    options,
    examples: [
      { does: "Why does it not run?", command: "kubectl pool explain squares" },
      { does: "The reason's word alone", command: "kubectl pool explain squares -o json | jq -r .task.reason" },
    ],

    async run(session) {
      const { arguments: args, terminal, clock } = session;
      const cluster = await session.connect();
      const task = await fetchTask(cluster, taskArgument(args));
      const explained = await source(cluster, task, clock.now());
      const format = args.text("output");
      if (format !== undefined) {
        terminal.stdout.write(await structureText(explained, format));
        return 0;
      }
      const lines = explanationLines(explained, clock.now());
      const width = Math.max(...lines.map(({ label }) => label.length)) + 1;
      for (const { label, text } of lines) terminal.stdout.write(`${`${label}:`.padEnd(width)}   ${oneLine(text)}\n`);
      return 0;
    },
  };
}

export const explanationFromStatus: ExplanationSource = async ({ api }, task, now) => {
  // The pool may not be there, or not for this user's eyes: the task's own words still stand.
  const pool = await api.get(resourcePools, { name: task.spec.poolRef.name }).catch((error: unknown) => {
    if (isNotFound(error) || isForbidden(error)) return undefined;
    throw error;
  });
  return explainedByStatus(task, pool, now);
};
