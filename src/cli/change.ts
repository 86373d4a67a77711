// What `retry`, `cancel`, `suspend` and `resume` have in common: look at each task, refuse nonsense, change one field,
// say in one line what happened.
import type { JsonPatchOperation } from "@dsl/kube-operator";
import type { PooledTask } from "../api/pooled-task.ts";
import type { Options } from "./arguments.ts";
import { pooledTasks } from "./kinds.ts";
import { objectFormats, objectText } from "./output.ts";
import { fetchTask, taskArguments } from "./tasks.ts";
import type { ExitStatus, Session } from "./verb.ts";

export interface Change {
  /** Empty: the task is as it was asked to be already. */
  readonly operations: readonly JsonPatchOperation[];
  /** What happened, for a person: `suspended; 3 running shards are stopped`. */
  readonly said: string;
}

export const changeOptions = {
  output: { short: "o", value: "FORMAT", choices: objectFormats, help: "print the changed task instead of a sentence" },
} as const satisfies Options;

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
      terminal.stdout.write(format === undefined ? `pooledtask/${name} ${said}\n` : await objectText(changed, format));
    } catch (error) {
      terminal.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
      status = 1;
    }
  }
  return status;
}
