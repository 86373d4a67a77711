// What is to be expected of an observed task: the facts that its outlook is made from.
import { amountsOf } from "../../api/amount.ts";
import { type Expectation, type Learned, nothingLearned } from "../../scheduling/index.ts";
import { firstExpected, type Outlook, outlookOf } from "../outlook.ts";
import { keysFor, type TaskMemories } from "../task-memory.ts";
import type { ObservedTree } from "./pools.ts";
import { poolNameOf } from "./specs.ts";
import type { Unmodelled } from "./task.ts";

/** Of the next shard of a task that has shown nothing yet, whose chunks are of one size: what its outlook would say. */
export function expectedAtFirst(
  memories: TaskMemories,
  { object, spec, request, memory }: Pick<Unmodelled, "object" | "spec" | "request" | "memory">,
  tree: ObservedTree,
): Expectation | undefined {
  if (spec === undefined || request === undefined || memory === undefined || spec.chunk.size === "Auto")
    return undefined;
  return firstExpected(spec, keysFor(memory, object, request), learnedIn(memories, tree), spec.chunk.size);
}

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
      learned: learnedIn(memories, tree),
      nodes: tree.root?.nodes ?? [],
      limits: lineage.flatMap(({ spec: { limit } = {} }) => (limit ? [amountsOf(limit)] : [])),
    },
    now,
  );
}

function learnedIn(memories: TaskMemories, { root }: ObservedTree): Learned {
  return root === undefined ? nothingLearned : memories.times.of(root.object);
}
