// What `retry`, `cancel`, `suspend` and `resume` have in common: look at each task, refuse nonsense, change one field,
// say in one line what happened.
import type { JsonPatchOperation } from "@dsl/kube-operator";
import type { PooledTask } from "../api/pooled-task.ts";
import { taskStage } from "../view/task-row.ts";
import type { Options } from "./arguments.ts";
import { pooledTasks } from "./kinds.ts";
import { objectFormats, objectText } from "./output.ts";
import { fetchTask, taskArguments } from "./tasks.ts";
import type { ExitStatus, Session } from "./verb.ts";

export interface Change {
  /** Empty: the task is as it was asked to be already. */
  readonly operations: readonly JsonPatchOperation[];
  /** What happened, for a person: `suspended; 3 running shards are stopped`. The task is as the change found it. */
  readonly said: string | ((changed: PooledTask) => string);
}

export const changeOptions = {
  output: { short: "o", value: "FORMAT", choices: objectFormats, help: "print the changed task instead of a sentence" },
} as const satisfies Options;

/** How a task has ended, which leaves nothing to change; undefined as long as it has not. */
export function howEnded(task: PooledTask): "has succeeded" | "has ended already" | undefined {
  const stage = taskStage(task);
  if (stage === "Succeeded") return "has succeeded";
  return stage === "Failed" ? "has ended already" : undefined;
}

/** `decide` throws a Refusal, which is told, and the other tasks are changed all the same. */
export async function changeTasks(session: Session, decide: (task: PooledTask) => Change): Promise<ExitStatus> {
  const { arguments: args, terminal } = session;
  const names = taskArguments(args);
  const cluster = await session.connect();
  let status: ExitStatus = 0;
  for (const name of names) {
    try {
      const task = await fetchTask(cluster, name);
      const { operations, said } = decide(task);
      const changed =
        operations.length === 0
          ? task
          : await cluster.api.patch(pooledTasks, { namespace: cluster.namespace, name }, { type: "json", operations });
      const format = args.text("output");
      const sentence = typeof said === "string" ? said : said(changed);
      terminal.stdout.write(
        format === undefined ? `pooledtask/${name} ${sentence}\n` : await objectText(changed, format),
      );
    } catch (error) {
      terminal.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
      status = 1;
    }
  }
  return status;
}
