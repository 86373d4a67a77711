// `kubectl pool explain`: where a task stands, why it waits and what would help; where a pool stands, and what would help it.
import { isForbidden, isNotFound } from "@dsl/kube-operator";
import type { PooledTask } from "../api/pooled-task.ts";
import type { ResourcePool } from "../api/resource-pool.ts";
import { type Explained, type ExplanationLine, explainedByStatus, explanationLines } from "../view/explanation.ts";
import { type ExplainedPool, poolExplanationLines } from "../view/pool-explanation.ts";
import type { Options } from "./arguments.ts";
import { resourcePools } from "./kinds.ts";
import { oneLine } from "./one-line.ts";
import { structureText } from "./output.ts";
import { fetchPool, isPool, poolArgument } from "./pools.ts";
import { fetchTask, taskArgument } from "./tasks.ts";
import type { Cluster, Session, Verb } from "./verb.ts";

/** Where the answer comes from: what the operator wrote last, or the planner asked at this moment. */
export interface ExplanationSource {
  task(cluster: Cluster, task: PooledTask, now: number): Promise<Explained>;
  pool(cluster: Cluster, pool: ResourcePool, now: number): Promise<ExplainedPool>;
}

const options = {
  output: { short: "o", value: "FORMAT", choices: ["json", "yaml"], help: "the same, as JSON or YAML" },
} as const satisfies Options;

export function explainBy(source: ExplanationSource): Verb {
  return {
    name: "explain",
    summary: "tell where a task or a pool stands, and what would help",
    usage: "TASK|rpool/POOL [options]",
    description: `Tells where a task stands, the one reason for which it (or what is left of it) does not run, what its pool
has free, and what would help. Of a pool: what would help it, as the planner finds at this moment.`,
    options,
    examples: [
      { does: "Why does it not run?", command: "kubectl pool explain squares" },
      { does: "What would help the pool?", command: "kubectl pool explain rpool/lab" },
      { does: "The reason's word alone", command: "kubectl pool explain squares -o json | jq -r .task.reason" },
    ],

    async run(session) {
      const { arguments: args, clock } = session;
      const cluster = await session.connect();
      if (args.positionals.some(isPool)) {
        const explained = await source.pool(cluster, await fetchPool(cluster, poolArgument(args)), clock.now());
        return print(session, explained, poolExplanationLines(explained));
      }
      const explained = await source.task(cluster, await fetchTask(cluster, taskArgument(args)), clock.now());
      return print(session, explained, explanationLines(explained, clock.now()));
    },
  };
}

async function print(
  { arguments: args, terminal }: Session,
  whole: object,
  lines: readonly ExplanationLine[],
): Promise<0> {
  const format = args.text("output");
  if (format !== undefined) {
    terminal.stdout.write(await structureText(whole, format));
    return 0;
  }
  const width = Math.max(...lines.map(({ label }) => label.length)) + 1;
  for (const { label, text } of lines) terminal.stdout.write(`${`${label}:`.padEnd(width)}   ${oneLine(text)}\n`);
  return 0;
}

export const explanationFromStatus: ExplanationSource["task"] = async ({ api }, task, now) => {
  // The pool may not be there, or not for this user's eyes: the task's own words still stand.
  const pool = await api.get(resourcePools, { name: task.spec.poolRef.name }).catch((error: unknown) => {
    if (isNotFound(error) || isForbidden(error)) return undefined;
    throw error;
  });
  return explainedByStatus(task, pool, now);
};
