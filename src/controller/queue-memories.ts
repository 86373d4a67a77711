// What each queue remembers from its last plan. A status carries it over a restart, written seldom; here it is as new as
// the plan. Can be lost at any moment: a turn or a hold begins anew.
import type { ResourcePool } from "../api/resource-pool.ts";
import type { Plan, QueueMemory } from "../scheduling/index.ts";
import type { Observed } from "./observe.ts";

export class QueueMemories {
  /** By root, then by the pool's uid. */
  readonly #byRoot = new Map<string, ReadonlyMap<string, QueueMemory>>();

  of(root: string): (pool: ResourcePool) => QueueMemory | undefined {
    const known = this.#byRoot.get(root);
    return ({ metadata }) => known?.get(metadata.uid);
  }

  remember({ root, pools }: Observed, { memory = {} }: Plan): void {
    const remembered = [...pools].flatMap(([name, { object }]) => {
      const left = memory[name];
      return left === undefined ? [] : [[object.metadata.uid, left] as const];
    });
    if (remembered.length > 0) this.#byRoot.set(root, new Map(remembered));
    else this.#byRoot.delete(root);
  }
}
