// Tasks that have finished and of which nothing is left to do. On a long day they are most of all, and nobody looks at one
// until anything of it changes, or its time is up. Only spares work: without it the same would be done.

export class DormantTasks {
  /** What was seen of tasks of which nothing is left to be let go or removed, as long as they look the same. */
  readonly #done = new WeakSet<object>();
  /** By the task's uid: when it is to be deleted, if ever. */
  readonly #until = new Map<string, number>();

  /** Of what was seen nothing is left to do. It goes to sleep once it is seen the same again: much may change meanwhile. */
  done(seen: object): void {
    this.#done.add(seen);
  }

  isDone(seen: object): boolean {
    return this.#done.has(seen);
  }

  sleep(uid: string, until = Number.POSITIVE_INFINITY): void {
    this.#until.set(uid, until);
  }

  /** Until when nobody has to look at it; undefined where somebody has to. */
  until(uid: string): number | undefined {
    return this.#until.get(uid);
  }

  /** Something of it has changed. */
  wake(uid: string): void {
    this.#until.delete(uid);
  }
}
