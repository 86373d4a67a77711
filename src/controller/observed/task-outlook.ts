// What is to be expected of an observed task: the facts that its outlook is made from.
import { amountsOf } from "../../api/amount.ts";
import { nothingLearned } from "../../scheduling/index.ts";
import { type Outlook, outlookOf } from "../outlook.ts";
import { keysFor, type TaskMemories } from "../task-memory.ts";
import type { ObservedTree } from "./pools.ts";
import { poolNameOf } from "./specs.ts";
import type { Unmodelled } from "./task.ts";

/** Undefined before its items are read, and once it is finished. */
export function outlookFor(
  memories: TaskMemories,
  { object, spec, request, memory, stage, ended, active }: Omit<Unmodelled, "outlook">,
  tree: ObservedTree,
  now: number,
): Outlook | undefined {
  if (spec === undefined || request === undefined || memory?.work === undefined || stage.kind === "Finished")
    return undefined;
  const lineage = tree.pools.get(poolNameOf(object))?.lineage ?? [];
  return outlookOf(
    {
      spec,
      keys: keysFor(memory, object, request),
      request,
      account: memory.work.account,
      ended,
      running: active.filter((attempt) => attempt.state === "Running"),
      learned: tree.root === undefined ? nothingLearned : memories.times.of(tree.root.object),
      nodes: tree.root?.nodes ?? [],
      limits: lineage.flatMap(({ spec: { limit } = {} }) => (limit ? [amountsOf(limit)] : [])),
    },
    now,
  );
}
