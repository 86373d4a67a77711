// The reflector: keeps a store equal to what the API server has of one kind. Runs the states of reflector-state.ts;
// knows nothing of who reads the store.
import { type Clock, type Random, sleep } from "./clock.ts";
import {
  ApiError,
  isExpired,
  isNotFound,
  isTooManyRequests,
  type KubeApi,
  type ListPage,
  type WatchEvent,
} from "./kube-api.ts";
import type { Log } from "./log.ts";
import { groupResource, type KubeObject, keyOf, keyText, type Resource } from "./object.ts";
import { type Happening, nextState, type ReflectorState } from "./reflector-state.ts";
import { isNewer } from "./resource-version.ts";
import type { Store, Stored } from "./store.ts";
import { createYielder, type Yielder } from "./yielder.ts";

export interface ReflectorOptions<T extends Stored> {
  readonly api: KubeApi;
  readonly resource: Resource;
  readonly store: Store<T>;
  /** What the store keeps of an object, built anew; undefined: nothing. Absent: the whole object. */
  readonly project?: (raw: KubeObject) => T | undefined;
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /**
   * False for kinds that the server does not keep in its watch cache (events): it sends no bookmarks for them, so
   * silence proves nothing, and what is left against a dead connection is TCP's keep-alive and the watch's own end.
   */
  readonly hasBookmarks?: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Hears of each event, bookmarks and errors included. */
  readonly onEvent?: (type: WatchEvent<KubeObject>["type"]) => void;
}

export interface Reflector {
  /** Resolves when the signal aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
  readonly state: ReflectorState;
  readonly hasSynced: boolean;
  /** On the clock's monotonic time, when something last arrived from the server. */
  readonly lastActivityAt: number;
  /** How often everything was asked for again after the first time. */
  readonly relists: number;
}

const pageSize = 500;
/** A range, so that the watches of many reflectors do not end together. */
const watchSeconds = { min: 290, max: 590 };
/** Bookmarks come every 60 s; a shorter limit would end healthy watches. */
const silenceMsMax = 90_000;
/** A watch that ends sooner than this and has brought nothing new was no watch. */
const watchMsMin = 1_000;
const backoff = { firstMs: 800, factor: 2, maxMs: 30_000, resetMs: 120_000 };

export function createReflector<T extends Stored>(options: ReflectorOptions<T>): Reflector {
  return new StoreReflector(options);
}

/** One open watch. It outlives a state: the watch that brought the initial objects is followed from then on. */
interface OpenWatch {
  readonly events: AsyncIterator<WatchEvent<KubeObject>>;
  readonly openedAt: number;
  /** How far the store was when it was opened. */
  readonly openedFrom: string;
  isSilent: boolean;
  close(): void;
}

class StoreReflector<T extends Stored> implements Reflector {
  readonly #options: ReflectorOptions<T>;
  readonly #project: (raw: KubeObject) => T | undefined;
  readonly #yielder: Yielder;
  #state: ReflectorState = { name: "Streaming" };
  #watch: OpenWatch | undefined;
  #failures = 0;
  #lastFailureAt = -Infinity;
  #lastActivityAt: number;
  #syncs = 0;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    // Without a projection the store keeps what arrives, so T is the type of what arrives.
    this.#project = options.project ?? ((raw) => raw as unknown as T);
    this.#yielder = createYielder(options.clock);
    this.#lastActivityAt = options.clock.monotonic();
  }

  get state(): ReflectorState {
    return this.#state;
  }

  get hasSynced(): boolean {
    return this.#options.store.hasSynced;
  }

  get lastActivityAt(): number {
    return this.#lastActivityAt;
  }

  get relists(): number {
    return Math.max(0, this.#syncs - 1);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (this.#state.name !== "Stopped") {
      this.#state = nextState(this.#state, signal.aborted ? { name: "stopped" } : await this.#work(signal));
    }
    this.#closeWatch();
  }

  /** Does what the state says until something happens. */
  async #work(signal: AbortSignal): Promise<Happening> {
    const state = this.#state;
    try {
      switch (state.name) {
        case "Streaming":
          return await this.#stream(signal);
        case "Paging":
          return await this.#page(signal);
        case "Following":
          return await this.#follow(signal);
        case "Waiting":
          await sleep(this.#options.clock, state.delayMs, signal);
          return { name: "waited" };
        case "Stopped":
          return { name: "stopped" };
      }
    } catch (error) {
      this.#closeWatch();
      return signal.aborted ? { name: "stopped" } : this.#failure(error);
    }
  }

  async #stream(signal: AbortSignal): Promise<Happening> {
    const watch = this.#open({ sendInitialEvents: true, resourceVersionMatch: "NotOlderThan" }, signal);
    const objects = new Map<string, T>();
    for (;;) {
      const event = await this.#next(watch);
      if (event === undefined) {
        this.#closeWatch();
        if (watch.isSilent) return { name: "refused" };
        throw new Error("the watch ended before the initial objects were complete");
      }
      if (event.type === "BOOKMARK") {
        if (event.object.metadata.annotations?.["k8s.io/initial-events-end"] !== "true") continue;
        await this.#fill(objects.values(), event.object.metadata.resourceVersion);
        return { name: "synced" };
      }
      if (event.type === "ERROR") throw new ApiError(event.status);
      const key = keyText(keyOf(event.object));
      const object = event.type === "DELETED" ? undefined : this.#projected(event.object);
      if (object === undefined) objects.delete(key);
      else objects.set(key, object);
    }
  }

  async #page(signal: AbortSignal): Promise<Happening> {
    const { api, resource } = this.#options;
    const objects: T[] = [];
    let token: string | undefined;
    do {
      const selection = this.#selection();
      const position = token === undefined ? {} : { continue: token };
      const page: ListPage<KubeObject> = await api.list(resource, {
        ...selection,
        ...position,
        limit: pageSize,
        signal,
      });
      this.#lastActivityAt = this.#options.clock.monotonic();
      for (const raw of page.items) {
        const object = this.#projected(raw);
        if (object !== undefined) objects.push(object);
        if (this.#yielder.isDue()) await this.#yielder.pause();
      }
      token = page.continue;
      if (token === undefined) await this.#fill(objects, page.resourceVersion);
    } while (token !== undefined);
    return { name: "synced" };
  }

  async #follow(signal: AbortSignal): Promise<Happening> {
    const { store } = this.#options;
    const watch = this.#watch ?? this.#open({ resourceVersion: store.resourceVersion }, signal);
    for (;;) {
      const event = await this.#next(watch);
      if (event === undefined) {
        this.#closeWatch();
        if (watch.isSilent) throw new Error(`nothing arrived for ${silenceMsMax / 1000} s, not even a bookmark`);
        const wasShort = this.#options.clock.monotonic() - watch.openedAt < watchMsMin;
        const broughtNothing = !isNewer(store.resourceVersion, watch.openedFrom);
        if (wasShort && broughtNothing) throw new Error("the watch ended as soon as it had begun");
        return { name: "ended" };
      }
      if (event.type === "ERROR") throw new ApiError(event.status);
      if (event.type === "BOOKMARK") store.advance(event.object.metadata.resourceVersion);
      else this.#take(event);
    }
  }

  #take({ type, object: raw }: Extract<WatchEvent<KubeObject>, { type: "ADDED" | "MODIFIED" | "DELETED" }>): void {
    const { store } = this.#options;
    const { uid, resourceVersion } = raw.metadata;
    // A repetition: what it tells has been heard, and may have been overtaken since.
    if (!isNewer(resourceVersion, store.resourceVersion)) return;
    const object = this.#projected(raw);
    if (object === undefined) store.dismiss(keyOf(raw), uid, resourceVersion);
    else if (type === "DELETED") store.remove(object);
    else store.set(object);
    store.advance(resourceVersion);
  }

  async #fill(objects: Iterable<T>, resourceVersion: string): Promise<void> {
    const { store, log, resource } = this.#options;
    await store.replaceAll(objects, resourceVersion);
    this.#syncs += 1;
    log.debug({ resource: resource.plural, objects: store.size, resourceVersion }, "the store is in sync");
  }

  /** An object that cannot be projected must not keep the others out. */
  #projected(raw: KubeObject): T | undefined {
    try {
      return this.#project(raw);
    } catch (error) {
      const { resource, log } = this.#options;
      log.error({ err: error, resource: resource.plural, object: keyText(keyOf(raw)) }, "an object could not be read");
      return undefined;
    }
  }

  /** The next event, or undefined at the end of the watch. Gives way to others when it has been busy for long. */
  async #next(watch: OpenWatch): Promise<WatchEvent<KubeObject> | undefined> {
    if (this.#yielder.isDue()) await this.#yielder.pause();
    const result = await watch.events.next();
    if (result.done === true) return undefined;
    this.#options.onEvent?.(result.value.type);
    return result.value;
  }

  #open(
    from: { resourceVersion: string } | { sendInitialEvents: true; resourceVersionMatch: "NotOlderThan" },
    signal: AbortSignal,
  ): OpenWatch {
    this.#closeWatch();
    const { api, resource, store, clock, random, hasBookmarks = true } = this.#options;
    const abort = new AbortController();
    const openedAt = clock.monotonic();
    this.#lastActivityAt = openedAt;
    const { min, max } = watchSeconds;
    const events = api.watch(resource, {
      ...this.#selection(),
      ...from,
      timeoutSeconds: min + Math.floor(random() * (max - min + 1)),
      onActivity: () => {
        this.#lastActivityAt = clock.monotonic();
      },
      signal: AbortSignal.any([signal, abort.signal]),
    });
    const checkSilence = (): void => {
      const silentMs = clock.monotonic() - this.#lastActivityAt;
      if (silentMs < silenceMsMax) {
        timer = clock.after(silenceMsMax - silentMs, checkSilence);
      } else {
        watch.isSilent = true;
        abort.abort();
      }
    };
    let timer = hasBookmarks ? clock.after(silenceMsMax, checkSilence) : undefined;
    const watch: OpenWatch = {
      events: events[Symbol.asyncIterator](),
      openedAt,
      openedFrom: store.resourceVersion,
      isSilent: false,
      close() {
        timer?.cancel();
        abort.abort();
      },
    };
    this.#watch = watch;
    return watch;
  }

  #closeWatch(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }

  #selection(): Pick<ReflectorOptions<T>, "namespace" | "labelSelector" | "fieldSelector"> {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    return {
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fieldSelector !== undefined && { fieldSelector }),
    };
  }

  #failure(error: unknown): Happening {
    const { clock, log, resource } = this.#options;
    if (clock.monotonic() - this.#lastFailureAt >= backoff.resetMs) this.#failures = 0;
    this.#lastFailureAt = clock.monotonic();
    const fields = { err: error, resource: resource.plural, state: this.#state.name };
    if (this.#state.name === "Streaming" && refusesInitialEvents(error)) {
      log.info(fields, "the server does not send initial events; its objects are listed");
      return { name: "refused" };
    }
    this.#failures += 1;
    const delayMs = this.#delayMs();
    if (isOutdated(error)) {
      log.info(fields, "the version to go on from is gone; everything is asked for again");
      // Once is ordinary and costs no wait; again and again would be a loop of whole lists.
      return { name: "outdated", delayMs: this.#failures === 1 ? 0 : delayMs };
    }
    log.warn({ ...fields, delayMs: Math.round(delayMs) }, reasonOf(error, resource));
    return { name: "failed", delayMs, failures: this.#failures };
  }

  #delayMs(): number {
    const { firstMs, factor, maxMs } = backoff;
    return Math.min(maxMs, firstMs * factor ** (this.#failures - 1) * (1 + this.#options.random()));
  }
}

function reasonOf(error: unknown, resource: Resource): string {
  // Of a path that it does not serve the server says no more than "404 page not found".
  if (isNotFound(error)) return `the server knows no ${groupResource(resource)}: is its CRD installed?`;
  return isTooManyRequests(error) ? "the server is busy" : "the watch failed";
}

/** The words differ between versions; that the request is bad does not. */
function refusesInitialEvents(error: unknown): boolean {
  return error instanceof ApiError && (error.status.code === 400 || error.status.code === 422);
}

function isOutdated(error: unknown): boolean {
  if (isExpired(error)) return true;
  if (!(error instanceof ApiError)) return false;
  return error.status.details?.causes?.some(({ reason }) => reason === "ResourceVersionTooLarge") === true;
}
