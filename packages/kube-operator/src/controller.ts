// Wakes a reconciler for the keys that change, one run a key at a time. Stores tell it what happened, the work queue
// what is next; it knows nothing of the kinds it serves.
import { randomUUID } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Clock, type Random, systemClock } from "./clock.ts";
import type { Log } from "./log.ts";
import type { ControllerGauges, ControllerObserver } from "./metrics.ts";
import { keyOf, keyText, type ObjectKey, type OwnerReference, parseKey, type Resource } from "./object.ts";
import { type Reconciler, TerminalError } from "./reconcile.ts";
import type { Change, Stored, StoreReader } from "./store.ts";
import { type AddOptions, createWorkQueue, type WorkQueue } from "./workqueue.ts";

export interface ControllerOptions {
  readonly name: string;
  readonly reconcile: Reconciler;
  /** How many keys at once. Default 1. */
  readonly concurrency?: number;
  /** After this time the reconcile's signal aborts. Default five minutes. */
  readonly timeoutMs?: number;
}

/** What a manager gives to its controllers. */
export interface ControllerContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics?: (name: string, gauges: ControllerGauges) => ControllerObserver;
}

export interface WatchesOptions<T> extends AddOptions {
  /** Only these changes wake anything. */
  readonly when?: (change: Change<T>) => boolean;
}

/** A child as `owns` sees it: a projection must keep the owner references. */
export type Owned = Stored & { readonly metadata: { readonly ownerReferences?: readonly OwnerReference[] } };

export interface Controller {
  readonly name: string;
  /** Wakes the object's own key. */
  for<T extends Stored>(store: StoreReader<T>, options?: WatchesOptions<T>): this;
  /** Wakes the key of the object that controls the changed one. */
  owns<T extends Owned>(
    store: StoreReader<T>,
    owner: Pick<Resource, "group" | "kind" | "namespaced">,
    options?: WatchesOptions<T>,
  ): this;
  /** Wakes the keys that `map` names. With `afterMs`, changes within that time wake a key only once. */
  watches<T extends Stored>(
    store: StoreReader<T>,
    map: (change: Change<T>) => Iterable<ObjectKey>,
    options?: WatchesOptions<T>,
  ): this;
  add(key: ObjectKey, afterMs?: number): void;
  /**
   * Reconciles until `stop` aborts, then lets the running reconciles end; `cut` aborts those too. Keys that came before
   * are served then: a standby that takes over has its queue filled.
   */
  run(stop: AbortSignal, cut?: AbortSignal): Promise<void>;
}

/** What a first list brings may wait for what happens now. */
const initialPriority = -100;
/** After so much reconciling without a pause everything else gets its turn. */
const turnMs = 5;

export function createController(options: ControllerOptions, context: ControllerContext): Controller {
  return new QueueController(options, context);
}

class QueueController implements Controller {
  readonly name: string;
  readonly #reconcile: Reconciler;
  readonly #concurrency: number;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #observer: ControllerObserver | undefined;
  readonly #queue: WorkQueue;
  readonly #running = new Set<Promise<void>>();
  #isRunning = false;
  #pumpIsDue = false;
  #cut: AbortSignal | undefined;
  /** When the first reconcile of this turn of the event loop began. */
  #turnStartedAt: number | undefined;

  constructor(
    { name, reconcile, concurrency = 1, timeoutMs = 300_000 }: ControllerOptions,
    context: ControllerContext,
  ) {
    this.name = name;
    this.#reconcile = reconcile;
    this.#concurrency = concurrency;
    this.#timeoutMs = timeoutMs;
    this.#clock = context.clock;
    this.#log = context.log.child({ controller: name });
    this.#observer = context.metrics?.(name, {
      concurrency,
      depth: () => this.#queue.depth,
      workingMs: () => this.#queue.workingMs(),
    });
    this.#queue = createWorkQueue({
      clock: context.clock,
      random: context.random,
      onReady: () => this.#pumpSoon(),
      ...(this.#observer !== undefined && { observer: this.#observer }),
    });
  }

  for<T extends Stored>(store: StoreReader<T>, options?: WatchesOptions<T>): this {
    return this.watches(store, ({ object }) => [keyOf(object)], options);
  }

  owns<T extends Owned>(
    store: StoreReader<T>,
    owner: Pick<Resource, "group" | "kind" | "namespaced">,
    options?: WatchesOptions<T>,
  ): this {
    // Both states count: a child that changes hands concerns the former owner as well.
    return this.watches(store, ({ object, old }) => [...ownerKeys(object, owner), ...ownerKeys(old, owner)], options);
  }

  watches<T extends Stored>(
    store: StoreReader<T>,
    map: (change: Change<T>) => Iterable<ObjectKey>,
    { when, priority = 0, afterMs = 0 }: WatchesOptions<T> = {},
  ): this {
    store.onChange((change) => {
      if (when !== undefined && !when(change)) return;
      const options = { priority: change.initial ? priority + initialPriority : priority, afterMs };
      for (const key of map(change)) this.#queue.add(keyText(key), options);
    });
    return this;
  }

  add(key: ObjectKey, afterMs = 0): void {
    this.#queue.add(keyText(key), { afterMs });
  }

  async run(stop: AbortSignal, cut?: AbortSignal): Promise<void> {
    if (stop.aborted) return;
    this.#cut = cut;
    this.#isRunning = true;
    this.#pumpSoon();
    await new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve(), { once: true }));
    this.#isRunning = false;
    this.#queue.close();
    await Promise.all(this.#running);
  }

  /** Not at once: the event that made a key ready is often followed by others for the same key. */
  #pumpSoon(): void {
    if (!this.#isRunning || this.#pumpIsDue) return;
    this.#pumpIsDue = true;
    queueMicrotask(() => void this.#pump());
  }

  async #pump(): Promise<void> {
    while (this.#isRunning && this.#running.size < this.#concurrency) {
      // Reconciles that never wait would otherwise keep timers and sockets from their turn.
      if (this.#isTurnUsedUp()) await nextTurn();
      const key = this.#queue.take();
      if (key === undefined) break;
      const run = this.#run(key).finally(() => {
        this.#running.delete(run);
        this.#pumpSoon();
      });
      this.#running.add(run);
    }
    this.#pumpIsDue = false;
  }

  /** By the machine's clock: a turn that lasts too long is no matter of the time that a test has made. */
  #isTurnUsedUp(): boolean {
    const now = systemClock.monotonic();
    if (this.#turnStartedAt !== undefined) return now - this.#turnStartedAt >= turnMs;
    this.#turnStartedAt = now;
    setImmediate(() => {
      this.#turnStartedAt = undefined;
    });
    return false;
  }

  async #run(key: string): Promise<void> {
    const reconcileId = randomUUID();
    const log = this.#log.child({ key, reconcileId });
    const timeout = new AbortController();
    const timer = this.#clock.after(this.#timeoutMs, () => {
      this.#observer?.reconcileTimedOut();
      timeout.abort(new Error(`reconcile lasted longer than ${this.#timeoutMs} ms`));
    });
    const signal = this.#cut === undefined ? timeout.signal : AbortSignal.any([timeout.signal, this.#cut]);
    const startedAt = this.#clock.monotonic();
    const ended = (outcome: "success" | "error" | "requeue_after"): void =>
      this.#observer?.reconcileEnded(outcome, this.#clock.monotonic() - startedAt);

    this.#observer?.reconcileStarted();
    try {
      const result = await this.#reconcile(parseKey(key), { log, signal, reconcileId });
      const requeueAfterMs = result?.requeueAfterMs;
      this.#queue.forget(key);
      if (requeueAfterMs !== undefined) this.#queue.add(key, { afterMs: requeueAfterMs });
      ended(requeueAfterMs === undefined ? "success" : "requeue_after");
    } catch (error) {
      this.#failed(key, error, log);
      ended("error");
    } finally {
      timer.cancel();
      this.#queue.done(key);
    }
  }

  #failed(key: string, error: unknown, log: Log): void {
    if (error instanceof TerminalError) {
      this.#observer?.reconcileFailed("terminal");
      this.#queue.forget(key);
      log.error({ err: error }, "reconcile failed for good, only a change wakes it again");
      return;
    }
    // What the language throws is a mistake of ours; all else is the world's.
    const isMistake = error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
    this.#observer?.reconcileFailed(isMistake ? "panic" : "transient");
    this.#queue.retry(key);
    log.error({ err: error }, "reconcile failed, it will be tried again");
  }
}

function ownerKeys(object: Owned | undefined, owner: Pick<Resource, "group" | "kind" | "namespaced">): ObjectKey[] {
  const reference = object?.metadata.ownerReferences?.find((each) => each.controller === true);
  if (object === undefined || reference === undefined || reference.kind !== owner.kind) return [];
  // The version does not count: a child may have been made under an older one.
  const slash = reference.apiVersion.lastIndexOf("/");
  if ((slash < 0 ? "" : reference.apiVersion.slice(0, slash)) !== owner.group) return [];
  const { namespace } = object.metadata;
  return [owner.namespaced && namespace !== undefined ? { namespace, name: reference.name } : { name: reference.name }];
}
