// What the yardsticks hand to the product's planner: machines that have nothing but what is counted, jobs that ask for it.
import type { Amounts, Node, Task } from "../../src/scheduling/index.ts";

export function aMachine(name: string, allocatable: Amounts): Node {
  return { name, labels: {}, taints: [], ready: true, cordoned: false, allocatable, foreign: {} };
}

/** By its number: it came after those with a lower one. */
export function aJob(index: number, pool: string, request: Amounts, more: Partial<Task> = {}): Task {
  const name = String(index);
  return {
    key: `${pool}/${name}`,
    namespace: pool,
    name,
    uid: `${pool}/${name}`,
    pool,
    created: index,
    priority: 0,
    request,
    constraints: { nodeSelector: {}, tolerations: [] },
    waiting: [{ start: 0, end: 1 }],
    backingOff: [],
    active: [],
    excludedNodes: [],
    ...more,
  };
}
