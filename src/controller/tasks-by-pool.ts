// The tasks that name each pool. Those that have finished and of which nothing is left to do are asleep: on a long day they
// are most of all, and nobody looks at one, nor goes past it, until anything of it changes, or its time is up. Sleep only
// spares work: without it the same would be done.
import type { Change } from "@dsl/kube-operator";
import type { PooledTask } from "../api/pooled-task.ts";
import { poolNameOf } from "./observed/specs.ts";

interface OfPool {
  readonly name: string;
  /** By uid. */
  readonly awake: Map<string, PooledTask>;
  readonly asleep: Map<string, Sleeper>;
  /** None of those asleep is due before. */
  nextDue: number;
}

interface Sleeper {
  readonly task: PooledTask;
  /** Infinite where it is never to be deleted. */
  readonly until: number;
}

export class TasksByPool {
  readonly #pools = new Map<string, OfPool>();
  /** By uid: which pool each task names. */
  readonly #poolOf = new Map<string, OfPool>();
  /** What was seen of tasks of which nothing is left to be let go or removed, as long as they look the same. */
  readonly #done = new WeakSet<object>();

  /** A change of the store of tasks: whatever changes is awake. */
  follow({ type, object }: Pick<Change<PooledTask>, "type" | "object">): void {
    const { uid } = object.metadata;
    const former = this.#poolOf.get(uid);
    former?.awake.delete(uid);
    former?.asleep.delete(uid);
    this.#poolOf.delete(uid);
    if (type !== "delete") {
      const pool = this.#named(poolNameOf(object));
      pool.awake.set(uid, object);
      this.#poolOf.set(uid, pool);
    }
    // Last, since most often it stays with its pool.
    if (former !== undefined && former.awake.size + former.asleep.size === 0) this.#pools.delete(former.name);
  }

  /** Those that are looked at. */
  awake(pool: string): Iterable<PooledTask> {
    return this.#pools.get(pool)?.awake.values() ?? [];
  }

  /** UIDs of the others. */
  asleep(pool: string): Pick<ReadonlyMap<string, unknown>, "size" | "keys"> {
    return this.#pools.get(pool)?.asleep ?? new Map();
  }

  /** Of what was seen nothing is left to do. It goes to sleep once it is seen the same again: much may change meanwhile. */
  done(seen: object): void {
    this.#done.add(seen);
  }

  isDone(seen: object): boolean {
    return this.#done.has(seen);
  }

  sleep(task: PooledTask, until = Number.POSITIVE_INFINITY): void {
    const { uid } = task.metadata;
    const pool = this.#poolOf.get(uid);
    if (pool?.awake.get(uid) !== task) return;
    pool.awake.delete(uid);
    pool.asleep.set(uid, { task, until });
    pool.nextDue = Math.min(pool.nextDue, until);
  }

  /** Something that belongs to it has changed. */
  wake(uid: string): void {
    const sleeper = this.#poolOf.get(uid)?.asleep.get(uid);
    if (sleeper !== undefined) this.follow({ type: "update", object: sleeper.task });
  }

  /** Wakes those of a pool whose time is up. When the next is due; undefined where none ever is. */
  wakeDue(name: string, now: number): number | undefined {
    const pool = this.#pools.get(name);
    if (pool === undefined) return undefined;
    if (now >= pool.nextDue) {
      let nextDue = Number.POSITIVE_INFINITY;
      for (const [uid, { until }] of [...pool.asleep]) {
        if (until <= now) this.wake(uid);
        else nextDue = Math.min(nextDue, until);
      }
      pool.nextDue = nextDue;
    }
    return Number.isFinite(pool.nextDue) ? pool.nextDue : undefined;
  }

  #named(name: string): OfPool {
    let pool = this.#pools.get(name);
    if (pool === undefined) {
      pool = { name, awake: new Map(), asleep: new Map(), nextDue: Number.POSITIVE_INFINITY };
      this.#pools.set(name, pool);
    }
    return pool;
  }
}
