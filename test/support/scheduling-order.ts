// In which order tasks wait in a pool that has no room, for the tests of orders.
import type { Pool } from "../../src/scheduling/index.ts";
import { amounts, aPool, expectPlan, type TaskTraits } from "./scheduling.ts";

/** Each task has one shard of 1 cpu waiting, unless it says otherwise; a foreign namespace's shard fills the pool. */
export function expectQueue(
  tasks: Readonly<Record<string, TaskTraits>>,
  pool: Partial<Pool> = {},
): { is(...expected: readonly string[]): void } {
  const waiting = Object.entries(tasks).map(([name, traits]) => [name, { shards: 1, cpu: 1, ...traits }] as const);
  const filled = aPool()
    .withNodes(1, { cpu: 12, memory: 12 })
    .withTasks({
      filling: { namespace: "filling", running: [{ node: "node-1", request: amounts({ cpu: 12, memory: 12 }) }] },
    })
    .withTasks(Object.fromEntries(waiting))
    .withPool(pool);
  return { is: (...expected) => void expectPlan(filled).queues(...expected) };
}
