// Reads the records and the items of tasks that are not in memory yet, before each plan. A task that has just come holds
// nobody up: the plan is made without it as long as the API server takes to answer.
import { type Clock, hasFinalizer, type ObjectKey, sleep } from "@dsl/kube-operator";
import { finalizers } from "../api/labels.ts";
import type { PooledTask, PooledTaskSpec } from "../api/pooled-task.ts";
import { poolNamesOf, tasksOf } from "./observed/pools.ts";
import { taskSpec } from "./observed/specs.ts";
import { inParallel } from "./parallel.ts";
import { isFinished } from "./stage.ts";
import type { Stores } from "./stores.ts";
import { rereadAt, type TaskMemories } from "./task-memory.ts";

export interface TaskReaderOptions {
  readonly stores: Stores;
  readonly memories: TaskMemories;
  readonly clock: Clock;
  /** What was read late is planned with by the next turn. */
  readonly wake: (root: ObjectKey, afterMs: number) => void;
}

export interface Read {
  readonly errors: readonly unknown[];
  /** When something is to be read again though nothing else happens. */
  readonly wakeAt?: number;
}

/** Records of so many tasks are read at once. */
const lanes = 16;
/** Those that have just come are waited for so long; where it takes longer, they came that much later. */
const waitMs = 10;

interface Unread {
  readonly task: PooledTask;
  readonly spec: PooledTaskSpec;
}

export class TaskReader {
  readonly #options: TaskReaderOptions;
  /** What was there when we began is waited for, or others would be started before its turn. */
  readonly #since: number;
  /** UIDs of tasks that are being read, while plans are made without them. */
  readonly #reading = new Set<string>();
  /** By root: what such reads ran into. */
  readonly #failed = new Map<string, readonly unknown[]>();

  constructor(options: TaskReaderOptions) {
    this.#options = options;
    this.#since = options.clock.now();
  }

  async read(root: ObjectKey, now: number): Promise<Read> {
    const { stores, memories } = this.#options;
    const moments: number[] = [];
    const note = (moment: number | undefined): void => void (moment !== undefined && moments.push(moment));
    // Of thousands a few are new: a promise for each of the others would cost more than the look at them.
    const unread: Unread[] = [];
    for (const task of tasksOf(stores, poolNamesOf(stores, root.name))) {
      const parsed = taskSpec(task);
      if (!parsed.ok || task.metadata.deletionTimestamp !== undefined || isFinished(task, parsed.spec)) continue;
      const known = memories.known(task, parsed.spec, now);
      if (known !== undefined) note(rereadAt(known, parsed.spec));
      else if (!this.#reading.has(task.metadata.uid)) unread.push({ task, spec: parsed.spec });
    }
    const read = (tasks: readonly Unread[], isNew: boolean): Promise<readonly unknown[]> =>
      inParallel(tasks, lanes, async ({ task, spec }) => {
        // Of many the last are not read at once: what has gone by then is not brought back to memory.
        if (stores.tasks.countBy("uid", task.metadata.uid) === 0) return;
        note(rereadAt(await memories.remember(task, spec, now, { isNew }), spec));
      });
    const late = this.#failed.get(root.name) ?? [];
    this.#failed.delete(root.name);
    const hasJustCome = ({ task }: Unread): boolean => this.#hasJustCome(task);
    const fresh = unread.filter(hasJustCome);
    const known = await read(
      unread.filter((each) => !hasJustCome(each)),
      false,
    );
    const soon = await this.#soon(root, fresh, (tasks) => read(tasks, true));
    return { errors: [...late, ...known, ...soon], ...(moments.length > 0 && { wakeAt: Math.min(...moments) }) };
  }

  /** What goes wrong; of what takes longer, by the next turn. */
  async #soon(
    root: ObjectKey,
    unread: readonly Unread[],
    read: (tasks: readonly Unread[]) => Promise<readonly unknown[]>,
  ): Promise<readonly unknown[]> {
    if (unread.length === 0) return [];
    const { clock, wake } = this.#options;
    const isRead = new AbortController();
    const whole = read(unread);
    const found = await Promise.race([whole, sleep(clock, waitMs, isRead.signal)]);
    isRead.abort();
    if (found !== undefined) return found;
    for (const { task } of unread) this.#reading.add(task.metadata.uid);
    void whole.then((errors) => {
      for (const { task } of unread) this.#reading.delete(task.metadata.uid);
      if (errors.length > 0) this.#failed.set(root.name, [...(this.#failed.get(root.name) ?? []), ...errors]);
      wake(root, 0);
    });
    return [];
  }

  #hasJustCome(task: PooledTask): boolean {
    if (task.status !== undefined || hasFinalizer(task, finalizers.cleanup)) return false;
    return Date.parse(task.metadata.creationTimestamp) > this.#since;
  }
}
