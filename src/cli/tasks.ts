// What several verbs do with the task that they are given: fetch it, and name it in a sentence or a command.
import { isNotFound } from "@dsl/kube-operator";
import type { PooledTask } from "../api/pooled-task.ts";
import type { Arguments } from "./arguments.ts";
import { pooledTasks } from "./kinds.ts";
import { Refusal, UsageError } from "./usage-error.ts";
import type { Cluster } from "./verb.ts";

/** The one task that is named, from `squares` or, as kubectl prints it, `ptask/squares`. */
export function taskArgument(args: Arguments): string {
  const names = taskArguments(args);
  const [name, second] = names;
  if (second !== undefined)
    throw new UsageError(`one TASK is expected, but ${names.length} are given: ${names.join(", ")}`);
  return name;
}

export function taskArguments(args: Arguments): readonly [string, ...string[]] {
  const [first, ...others] = args.positionals.map((word) =>
    word.replace(/^(ptask|pooledtasks?)(\.kube-pool\.dev)?\//, ""),
  );
  if (first === undefined || args.positionals.includes("")) {
    throw new UsageError("the name of a TASK is missing; `kubectl get ptask` lists them");
  }
  return [first, ...others];
}

export async function fetchTask({ api, namespace }: Cluster, name: string): Promise<PooledTask> {
  try {
    return await api.get(pooledTasks, { namespace, name });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    // Without a name in its details it is the kind that the server does not know.
    if (error.status.details?.name === undefined) {
      throw new Refusal("the cluster does not know PooledTasks; is kube-pool installed there?", { cause: error });
    }
    throw new Refusal(`there is no PooledTask ${name} in namespace ${namespace}; \`kubectl get ptask -A\` lists all`, {
      cause: error,
    });
  }
}

/** A command to be copied: with the namespace, since that of the reader's shell may be another one. */
export function commandFor(verb: string, task: { readonly name: string; readonly namespace: string }): string {
  return `kubectl pool ${verb} ${task.name} -n ${task.namespace}`;
}
