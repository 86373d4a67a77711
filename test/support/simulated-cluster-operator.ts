// One process of the operator, wired as src/main.ts wires it, between the simulated cluster and a test: each write can
// be watched, held, refused or made the last one. Dying is sudden: what it knew is gone, and what it sent may arrive.
import {
  type ApiError,
  type Clock,
  createManager,
  type KubeApi,
  type KubeObject,
  keyText,
  type Log,
  type ObjectKey,
  type Resource,
  type WatchEvent,
} from "@dsl/kube-operator";
import { type ManualClock, type MemoryKubeApi, seededRandom } from "@dsl/kube-operator/testing";
import { Applier } from "../../src/controller/apply.ts";
import { automatic, type EngineChoice } from "../../src/controller/engine-choice.ts";
import { orphanController } from "../../src/controller/orphans.ts";
import { PoolReconciler } from "../../src/controller/pool-reconciler.ts";
import { Reporter } from "../../src/controller/report.ts";
import { forgetTheGone } from "../../src/controller/retain.ts";
import { watchedStores } from "../../src/controller/stores.ts";
import { TaskMemories } from "../../src/controller/task-memory.ts";
import { wakePools } from "../../src/controller/wake.ts";

export interface OperatorWrite {
  readonly operator: string;
  readonly verb: "create" | "replace" | "patch" | "delete";
  readonly plural: string;
  readonly key: ObjectKey;
  readonly subresource?: string;
  /** The manifest, the patch, or the options of a delete. */
  readonly body: unknown;
  readonly atMs: number;
  /** Of the state that it made; absent where it changed nothing or was refused. */
  revision?: number;
  error?: unknown;
}

/** `patch jobs lab/squares-1a2b3c-0-1` */
export function writeText({ verb, plural, key, subresource }: OperatorWrite): string {
  return `${verb} ${plural}${subresource === undefined ? "" : `/${subresource}`} ${keyText(key)}`;
}

/** What a write meets: by default it is sent. May refuse it, hold it, or kill the process before, while or after. */
export type Interceptor = (
  write: OperatorWrite,
  send: () => Promise<unknown>,
  operator: OperatorProcess,
) => Promise<unknown>;

export type WatchInterceptor = (
  plural: string,
  open: () => AsyncIterable<WatchEvent<KubeObject>>,
  closed: AbortSignal,
) => AsyncIterable<WatchEvent<KubeObject>>;

export interface OperatorTraits {
  readonly name: string;
  readonly intercept?: Interceptor;
  /** What its watches meet: by default they bring what the server sends. */
  readonly watches?: WatchInterceptor;
  /** With a lease; without one it takes itself for the only one. */
  readonly elects?: boolean;
  /** What it begins tasks with. */
  readonly choice?: EngineChoice;
}

const never = new Promise<never>(() => {});

export class OperatorProcess {
  readonly name: string;
  /** Those that arrived at the server, in order. */
  readonly writes: OperatorWrite[] = [];
  /** What it logged as an error. */
  readonly errors: unknown[] = [];
  /** How often the loop went round. */
  reconciles = 0;
  /** Resolves when it ended of its own accord. */
  readonly ended: Promise<unknown>;
  readonly #death = new AbortController();
  readonly #stop = new AbortController();
  readonly #intercept: Interceptor;
  readonly #watches: WatchInterceptor;
  readonly #api: MemoryKubeApi;
  readonly #clock: ManualClock;
  #diesAtNextWrite = false;
  #pause: PromiseWithResolvers<void> | undefined;
  #lag: PromiseWithResolvers<void> | undefined;

  constructor(
    api: MemoryKubeApi,
    clock: ManualClock,
    {
      name,
      intercept = (_, send) => send(),
      watches = (_, open) => open(),
      elects,
      choice = automatic,
    }: OperatorTraits,
  ) {
    this.name = name;
    this.#api = api;
    this.#clock = clock;
    this.#intercept = intercept;
    this.#watches = watches;
    const ownClock = this.#mortalClock();
    const manager = createManager({
      api: this.#mortalApi(),
      clock: ownClock,
      random: seededRandom(7),
      log: this.#log(),
      ...(elects && { leaderElection: { namespace: "default", name: "kube-pool", identity: name } }),
    });
    const stores = watchedStores(manager);
    const memories = new TaskMemories(manager.api);
    const term = `${name} since ${clock.now()}`;
    const applier = new Applier({
      api: manager.api,
      stores,
      memories,
      events: { record() {} },
      log: this.#log(),
      term,
      clock: ownClock,
    });
    const reporter = new Reporter(applier, ownClock);
    const poolController = manager.controller({
      name: "pool",
      reconcile: (key) => {
        this.reconciles += 1;
        return reconciler.reconcile(key);
      },
      concurrency: 4,
    });
    const reconciler = new PoolReconciler({
      stores,
      memories,
      choice,
      applier,
      reporter,
      clock: ownClock,
      wake: (root, afterMs) => poolController.add(root, afterMs),
      onLeadershipLost: () => this.#stop.abort(),
    });
    wakePools(poolController, stores);
    orphanController(manager, stores, applier);
    forgetTheGone({ manager, stores, memories, applier, reporter, clock: ownClock });
    this.ended = manager.run(this.#stop.signal).catch((error) => error);
  }

  get isDead(): boolean {
    return this.#death.signal.aborted;
  }

  get isStopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /** SIGKILL. */
  kill(): void {
    this.#death.abort();
  }

  /** Dies once it has taken in the answer that it is being given, before it can write again. */
  killAfterAnswer(): void {
    this.#diesAtNextWrite = true;
    this.#clock.after(1, () => this.kill());
  }

  /** SIGTERM. */
  stop(): Promise<unknown> {
    this.#stop.abort();
    return this.ended;
  }

  /** SIGSTOP: nothing is sent and nothing is heard until it is resumed. */
  pause(): void {
    this.#pause ??= Promise.withResolvers();
  }

  resume(): void {
    this.#pause?.resolve();
    this.#pause = undefined;
  }

  /** Its watches lag: it goes on with what it has heard until it catches up. */
  lag(): void {
    this.#lag ??= Promise.withResolvers();
  }

  catchUp(): void {
    this.#lag?.resolve();
    this.#lag = undefined;
  }

  #mortalClock(): Clock {
    const clock = this.#clock;
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (delayMs, callback) => {
        if (this.isDead) return { cancel() {} };
        const timer = clock.after(delayMs, () => {
          this.#death.signal.removeEventListener("abort", timer.cancel);
          callback();
        });
        this.#death.signal.addEventListener("abort", timer.cancel, { once: true });
        return {
          cancel: () => {
            this.#death.signal.removeEventListener("abort", timer.cancel);
            timer.cancel();
          },
        };
      },
    };
  }

  #log(): Log {
    const log: Log = {
      debug() {},
      info() {},
      warn() {},
      error: (fields) => void (this.isDead || this.errors.push((fields as { err?: unknown }).err ?? fields)),
      child: () => log,
    };
    return log;
  }

  async #alive<T>(request: () => Promise<T>): Promise<T> {
    await this.#pause?.promise;
    if (this.isDead) return never;
    const outcome = await settled(request());
    await this.#pause?.promise;
    if (this.isDead) return never;
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  async #write<T>(about: Omit<OperatorWrite, "operator" | "atMs">, request: () => Promise<T>): Promise<T> {
    await this.#pause?.promise;
    if (this.#diesAtNextWrite) this.kill();
    if (this.isDead) return never;
    const write: OperatorWrite = { ...about, operator: this.name, atMs: this.#clock.now() };
    const send = async (): Promise<T> => {
      const before = Number(this.#api.resourceVersion);
      this.writes.push(write);
      const outcome = await settled(request());
      if ("error" in outcome) {
        write.error = outcome.error;
        throw outcome.error;
      }
      const left = outcome.value as KubeObject | undefined;
      const revision = left === undefined ? before + 1 : Number(left.metadata.resourceVersion);
      if (revision > before) write.revision = revision;
      return outcome.value;
    };
    return this.#alive(() => this.#intercept(write, send, this) as Promise<T>);
  }

  #mortalApi(): KubeApi {
    const api = this.#api;
    const death = this.#death.signal;
    const process = this;
    const named = (resource: Resource, key: ObjectKey): { plural: string; key: ObjectKey } => ({
      plural: resource.plural,
      key: { name: key.name, ...(key.namespace !== undefined && { namespace: key.namespace }) },
    });
    const sub = (options?: { readonly subresource?: string }): { subresource?: string } =>
      options?.subresource === undefined ? {} : { subresource: options.subresource };
    return {
      get: (resource, key, options) => this.#alive(() => api.get(resource, key, options)),
      list: (resource, options) => this.#alive(() => api.list(resource, options)),
      async *watch(resource, options = {}) {
        const signal = AbortSignal.any([death, ...(options.signal ? [options.signal] : [])]);
        // What is swallowed on the way is no sign of life.
        const { onActivity, ...rest } = options;
        const open = (): AsyncIterable<WatchEvent<KubeObject>> => api.watch(resource as Resource, { ...rest, signal });
        for await (const event of process.#watches(resource.plural, open, signal)) {
          onActivity?.();
          await process.#pause?.promise;
          await process.#lag?.promise;
          if (process.isDead) await never;
          yield event as WatchEvent<never>;
        }
        if (process.isDead) await never;
      },
      log: (pod, options) => api.log(pod, options),
      request: (method, path, body, options) => api.request(method, path, body, options),
      create: (resource, body, options) =>
        this.#write({ verb: "create", ...named(resource, body.metadata), ...sub(options), body }, () =>
          api.create(resource, body, options),
        ),
      replace: (resource, body, options) =>
        this.#write({ verb: "replace", ...named(resource, body.metadata), ...sub(options), body }, () =>
          api.replace(resource, body, options),
        ),
      patch: (resource, key, body, options) =>
        this.#write({ verb: "patch", ...named(resource, key), ...sub(options), body }, () =>
          api.patch(resource, key, body, options),
        ),
      delete: (resource, key, options) =>
        this.#write({ verb: "delete", ...named(resource, key), body: options }, () =>
          api.delete(resource, key, options),
        ),
    };
  }
}

async function settled<T>(promise: Promise<T>): Promise<{ readonly value: T } | { readonly error: ApiError }> {
  try {
    return { value: await promise };
  } catch (error) {
    return { error: error as ApiError };
  }
}
