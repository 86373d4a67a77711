// What several verbs do with a pool that they are given: tell it from a task, and fetch it.
import { isNotFound } from "@dsl/kube-operator";
import type { ResourcePool } from "../api/resource-pool.ts";
import type { Arguments } from "./arguments.ts";
import { resourcePools } from "./kinds.ts";
import { Refusal, UsageError } from "./usage-error.ts";
import type { Cluster } from "./verb.ts";

const poolPrefix = /^(rpool|resourcepools?)(\.kube-pool\.dev)?\//;

/** Whether it is a pool that `rpool/lab` names, and no task. */
export function isPool(word: string): boolean {
  return poolPrefix.test(word);
}

/** From `lab` or, as kubectl prints it, `rpool/lab`. */
export function poolArguments(positionals: readonly string[]): readonly string[] {
  if (positionals.length === 0 || positionals.includes("")) {
    throw new UsageError("the name of a POOL is missing; `kubectl pool top` lists them");
  }
  return positionals.map((word) => word.replace(poolPrefix, ""));
}

/** The one pool that is named. */
export function poolArgument({ positionals }: Arguments): string {
  const [name = "", second] = poolArguments(positionals);
  if (second !== undefined) {
    throw new UsageError(`one POOL is expected, but ${positionals.length} are given: ${positionals.join(", ")}`);
  }
  return name;
}

export async function fetchPool({ api }: Cluster, name: string): Promise<ResourcePool> {
  try {
    return await api.get(resourcePools, { name });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new Refusal(`there is no ResourcePool ${name}; \`kubectl pool top\` lists all`, { cause: error });
  }
}
