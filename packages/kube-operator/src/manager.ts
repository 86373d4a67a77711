// Starts and stops the parts of an operator in the right order: health first, then caches, then the lease, then
// controllers; back in reverse. Knows what the parts need of each other, and nothing of what they do.
import type { Registry } from "prom-client";
import { type Clock, type Random, sleep, systemClock, systemRandom } from "./clock.ts";
import type { Connection } from "./connection.ts";
import { type Controller, type ControllerOptions, createController } from "./controller.ts";
import { watchEventLoop } from "./event-loop.ts";
import { type HealthCheck, type HealthServer, startHealthServer } from "./health.ts";
import type { KubeApi } from "./kube-api.ts";
import { type Elector, fencedKubeApi, type Leadership, LeaseLostError, localElector } from "./leader.ts";
import { threadElector } from "./leader-worker.ts";
import type { LeaseSettings } from "./lease.ts";
import { type Log, silentLog } from "./log.ts";
import { processMetrics, type RuntimeMetrics, runtimeMetrics } from "./metrics.ts";
import { groupResource, type KubeObject, type Resource } from "./object.ts";
import { createStore, type IndexFunction, type Store, type Stored } from "./store.ts";
import { createReflector, type Reflector } from "./watch.ts";

export interface ManagerOptions {
  readonly api: KubeApi;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly log?: Log;
  /** The runtime's metrics go there; the health server serves them. */
  readonly registry?: Registry;
  /** Absent: this process is the only one. With a connection the lease is held by a thread of its own. */
  readonly leaderElection?: LeaseSettings & { readonly connection?: Connection };
  readonly health?: { readonly host?: string; readonly port: number };
  /** How long running reconciles may take to end after a stop. Default 25 s, within the 30 s that a Pod is given. */
  readonly drainMs?: number;
}

export interface StoreSettings<T extends Stored> {
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly namespace?: string;
  /** False for kinds of which the server sends no bookmarks (events): their silence is no sign of trouble. */
  readonly hasBookmarks?: boolean;
}

/** What of each object is kept, built anew; undefined leaves it out. */
export type Projection<T extends Stored> = (object: KubeObject) => T | undefined;

export interface Manager {
  /** For all writes: it refuses them unless the lease is held. */
  readonly api: KubeApi;
  /** Resolves when this process leads and its caches are filled. */
  readonly elected: Promise<void>;
  /** Aborts when this process no longer leads: at once when the lease is lost, at a stop after the controllers. */
  readonly leading: AbortSignal;
  /** Where health and metrics are served, once `run` has started. */
  readonly healthUrl: string | undefined;
  /** Before `run`: a local copy of a kind, kept by a watch. */
  store<T extends KubeObject>(
    resource: Resource<T>,
    settings?: StoreSettings<T> & { readonly project?: never },
  ): Store<T>;
  store<T extends Stored>(
    resource: Resource,
    settings: StoreSettings<T> & { readonly project: Projection<T> },
  ): Store<T>;
  /** Before `run`. */
  controller(options: ControllerOptions): Controller;
  /** Adds a named check to /livez or /readyz. */
  check(endpoint: "livez" | "readyz", name: string, check: HealthCheck): void;
  /** Resolves after a clean stop; rejects with a LeaseLostError when the lease is lost: then the process should end. */
  run(signal: AbortSignal): Promise<void>;
}

/**
 * A healthy watch hears something about each minute; one that has heard nothing for a minute and a half is begun anew. Only
 * where that has brought nothing either is what we know old.
 */
const quietMs = 120_000;
const threadStallMs = 10_000;

export function createManager(options: ManagerOptions): Manager {
  return new OrderedManager(options);
}

class OrderedManager implements Manager {
  readonly api: KubeApi;
  readonly elected: Promise<void>;
  readonly #options: ManagerOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #metrics: RuntimeMetrics | undefined;
  readonly #elector: Elector | undefined;
  readonly #reflectors: Reflector[] = [];
  readonly #controllers: Controller[] = [];
  readonly #livez: Record<string, HealthCheck> = {};
  readonly #readyz: Record<string, HealthCheck> = {};
  readonly #leadingEnd = new AbortController();
  readonly #markElected: () => void;
  #isLeading = false;
  #health: HealthServer | undefined;

  constructor(options: ManagerOptions) {
    const { api, clock = systemClock, random = systemRandom, log = silentLog, registry, leaderElection } = options;
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
    this.#log = log;
    this.#metrics = registry && runtimeMetrics(registry);
    if (registry !== undefined) processMetrics(registry);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.elected = promise;
    this.#markElected = resolve;

    if (leaderElection !== undefined) {
      const { connection, ...settings } = leaderElection;
      this.#elector =
        connection === undefined
          ? localElector({ api, settings, clock, random, log })
          : threadElector({ connection, settings, log });
      const elector = this.#elector;
      this.#livez.lease = () => {
        const ageMs = elector.beatAgeMs();
        return ageMs > threadStallMs ? `its thread has not moved for ${Math.round(ageMs / 1000)} s` : undefined;
      };
      this.#metrics?.leader(settings.name, () => this.#isLeading);
    }
    // Answering at all shows that the main loop turns.
    this.#livez.ping = () => undefined;
    const always: Leadership = { mayWrite: () => true };
    this.api = fencedKubeApi(api, this.#elector ?? always);
  }

  get leading(): AbortSignal {
    return this.#leadingEnd.signal;
  }

  get healthUrl(): string | undefined {
    return this.#health?.url;
  }

  store<T extends Stored>(
    resource: Resource,
    settings: StoreSettings<T> & { readonly project?: Projection<T> } = {},
  ): Store<T> {
    const { indexes, ...selection } = settings;
    const clock = this.#clock;
    const log = this.#log.child({ resource: resource.plural });
    const onHandlerError = (error: unknown): void => log.error({ err: error }, "a handler of changes failed");
    const store = createStore<T>({ resource, clock, onHandlerError, ...(indexes && { indexes }) });
    const reflector = createReflector<T>({
      api: this.#options.api,
      resource,
      store,
      clock,
      random: this.#random,
      log,
      ...selection,
    });
    this.#reflectors.push(reflector);
    const quietForMs = (): number => clock.monotonic() - reflector.lastActivityAt;
    const name = this.#cacheName(resource);
    this.#readyz[`cache-${name}`] = () => {
      if (!store.hasSynced) return "its first list is not complete";
      return selection.hasBookmarks !== false && quietForMs() > quietMs
        ? `nothing was heard for ${Math.round(quietForMs() / 1000)} s`
        : undefined;
    };
    this.#metrics?.cache({
      resource: name,
      size: () => store.size,
      relists: () => reflector.relists,
      lastEventAgeMs: quietForMs,
    });
    return store;
  }

  /** Of two caches of one kind, with different selectors, the second gets a number. */
  #cacheName(resource: Resource): string {
    const base = groupResource(resource);
    let name = base;
    for (let number = 2; `cache-${name}` in this.#readyz; number++) name = `${base}-${number}`;
    return name;
  }

  controller(options: ControllerOptions): Controller {
    const context = { clock: this.#clock, random: this.#random, log: this.#log };
    const controller = createController(options, {
      ...context,
      ...(this.#metrics && { metrics: this.#metrics.controller }),
    });
    this.#controllers.push(controller);
    return controller;
  }

  check(endpoint: "livez" | "readyz", name: string, check: HealthCheck): void {
    (endpoint === "livez" ? this.#livez : this.#readyz)[name] = check;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { health, registry } = this.#options;
    const stopCaches = new AbortController();
    const eventLoop = this.#metrics && watchEventLoop();
    if (eventLoop !== undefined) this.#metrics?.eventLoop(eventLoop.meter);
    this.#readyz.stop = () => (signal.aborted ? "the process is stopping" : undefined);
    if (health !== undefined) {
      const [livez, readyz] = [this.#livez, this.#readyz];
      this.#health = await startHealthServer({ ...health, livez, readyz, ...(registry && { registry }) });
      this.#log.info({ url: this.#health.url }, "serving health and metrics");
    }
    const caches = this.#reflectors.map((reflector) => reflector.run(stopCaches.signal));
    try {
      await this.#lead(signal);
    } finally {
      this.#leadingEnd.abort();
      stopCaches.abort();
      await Promise.all(caches);
      await this.#health?.close();
      eventLoop?.stop();
      this.#log.info({}, "stopped");
    }
  }

  /** From filled caches to the end of the lead. */
  async #lead(signal: AbortSignal): Promise<void> {
    while (!this.#reflectors.every((reflector) => reflector.hasSynced)) {
      if (signal.aborted) return;
      await sleep(this.#clock, 20, signal);
    }
    this.#log.info({ caches: this.#reflectors.length }, "caches are filled");
    if (this.#elector === undefined) return await this.#work(signal, new AbortController().signal);

    const releaseLease = new AbortController();
    const cut = new AbortController();
    const won = Promise.withResolvers<void>();
    const term = this.#elector.run(releaseLease.signal, won.resolve);
    const lost = term.then((end) => {
      cut.abort(new LeaseLostError());
      this.#leadingEnd.abort();
      if (end === "lost") throw new LeaseLostError();
    });
    const led = Promise.race([won.promise, aborted(signal)]).then(async () => {
      if (!signal.aborted) await this.#work(signal, cut.signal);
      releaseLease.abort();
      await term;
    });
    await Promise.race([lost, led.then(() => lost)]);
  }

  /** Runs the controllers until `signal`, then lets them end; `cut` ends them at once. */
  async #work(signal: AbortSignal, cut: AbortSignal): Promise<void> {
    const drained = new AbortController();
    const stop = AbortSignal.any([signal, cut]);
    const end = AbortSignal.any([drained.signal, cut]);
    this.#isLeading = true;
    this.#markElected();
    const running = Promise.all(this.#controllers.map((controller) => controller.run(stop, end)));
    await aborted(stop);
    const grace = this.#clock.after(this.#options.drainMs ?? 25_000, () =>
      drained.abort(new Error("the stop lasted too long")),
    );
    // A reconcile that ignores its signal must not keep the process: it can do no harm without the lease.
    await Promise.race([running, aborted(end)]);
    grace.cancel();
    this.#isLeading = false;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
