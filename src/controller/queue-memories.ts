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

  /** By the pool's name. A turn counts once its start has been written down: who is put off has not had it. */
  remember({ root, pools, snapshot }: Observed, { memory = {} }: Plan, putOff: boolean): Record<string, QueueMemory> {
    const before = new Map(snapshot.pools.map((pool) => [pool.name, pool.memory]));
    const remembered = Object.entries(memory).map(([name, left]) => {
      const { turn = 0, turns = {} } = before.get(name) ?? {};
      return [name, putOff ? { ...left, turn, turns } : left] as const;
    });
    const byUid = remembered.flatMap(([name, left]) => {
      const uid = pools.get(name)?.object.metadata.uid;
      return uid === undefined ? [] : [[uid, left] as const];
    });
    if (byUid.length > 0) this.#byRoot.set(root, new Map(byUid));
    else this.#byRoot.delete(root);
    return Object.fromEntries(remembered);
  }

  /** Of a tree that is gone. */
  forget(root: string): void {
    this.#byRoot.delete(root);
  }
}
