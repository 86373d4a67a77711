// The watches of the API server in memory: initial events, past events, live events, bookmarks, and how tests disturb
// them. Knows the storage, not the verbs.
import type { Clock } from "../src/clock.ts";
import { ApiError, type WatchEvent, type WatchOptions } from "../src/kube-api.ts";
import type { KubeObject, Resource } from "../src/object.ts";
import { expired, invalid, tooLargeVersion } from "./api-errors.ts";
import type { Kind } from "./builtin-kinds.ts";
import { type EventQueue, eventQueue } from "./event-queue.ts";
import { asVersion } from "./kind-registry.ts";
import { type Selector, selectorOf } from "./selectors.ts";
import { type Storage, type StorageEvent, tableName } from "./storage.ts";

export interface WatchSettings {
  readonly clock: Clock;
  readonly bookmarkMs: number;
  /** Whether a watch may begin with initial events. */
  readonly watchList: boolean;
}

type Events = EventQueue<WatchEvent<KubeObject>>;

export class MemoryWatches {
  readonly #storage: Storage;
  readonly #settings: WatchSettings;
  readonly #live = new Set<Events>();
  #held: (() => void)[] | undefined;

  constructor(storage: Storage, settings: WatchSettings) {
    this.#storage = storage;
    this.#settings = settings;
  }

  open(kind: Kind, resource: Resource, options: WatchOptions): AsyncIterable<WatchEvent<KubeObject>> {
    this.#check(resource, options);
    const isSelected = selectorOf(options, kind.selectableFields);
    const closed = new AbortController();
    const queue: Events = eventQueue(() => closed.abort());
    const deliver = (event: WatchEvent<KubeObject>): void => {
      const send = (): void => {
        options.onActivity?.();
        queue.push(event);
      };
      if (this.#held === undefined) send();
      else this.#held.push(send);
    };
    const bookmark = (annotations?: Readonly<Record<string, string>>): void =>
      deliver({ type: "BOOKMARK", object: bookmarkObject(resource, this.#storage.revision, annotations) });
    const tell = (event: StorageEvent): void => {
      const selected = selectedEvent(event, isSelected);
      if (selected !== undefined) deliver({ type: selected.type, object: asVersion(resource, selected.object) });
    };

    const from = options.resourceVersion ?? "";
    if (options.sendInitialEvents === true || ((from === "" || from === "0") && options.sendInitialEvents !== false)) {
      for (const { object } of this.#storage.entries(kind)) {
        if (isSelected(object)) deliver({ type: "ADDED", object: asVersion(resource, object) });
      }
      if (options.sendInitialEvents === true) bookmark({ "k8s.io/initial-events-end": "true" });
    } else if (Number(from) < this.#storage.compacted) {
      const { status } = expired(`too old resource version: ${from} (${this.#storage.compacted + 1})`);
      deliver({ type: "ERROR", status });
      queue.end();
      return queue;
    } else {
      for (const event of this.#storage.eventsAfter(kind, Number(from))) tell(event);
    }
    this.#follow(kind, queue, closed.signal, options, { tell, bookmark });
    return queue;
  }

  break(how: "end" | "reset" | ApiError): void {
    for (const queue of [...this.#live]) {
      if (how instanceof ApiError) queue.push({ type: "ERROR", status: how.status });
      if (how === "reset") queue.fail(connectionReset());
      else queue.end();
    }
  }

  hold(): () => void {
    this.#held ??= [];
    return () => {
      const held = this.#held ?? [];
      this.#held = undefined;
      for (const send of held) send();
    };
  }

  #follow(
    kind: Kind,
    queue: Events,
    closed: AbortSignal,
    { timeoutSeconds, signal }: WatchOptions,
    { tell, bookmark }: { readonly tell: (event: StorageEvent) => void; readonly bookmark: () => void },
  ): void {
    const { clock, bookmarkMs } = this.#settings;
    const table = tableName(kind);
    const unsubscribe = this.#storage.onEvent((event) => {
      if (tableName(event.kind) === table) tell(event);
    });
    const nextBookmark = () =>
      clock.after(bookmarkMs, () => {
        bookmark();
        bookmarks = nextBookmark();
      });
    let bookmarks = nextBookmark();
    const end = (): void => queue.end();
    const limit = timeoutSeconds === undefined ? undefined : clock.after(timeoutSeconds * 1000, end);
    signal?.addEventListener("abort", end, { once: true });
    this.#live.add(queue);
    closed.addEventListener("abort", () => {
      this.#live.delete(queue);
      unsubscribe();
      bookmarks.cancel();
      limit?.cancel();
      signal?.removeEventListener("abort", end);
    });
  }

  #check(resource: Resource, options: WatchOptions): void {
    const refuse = (field: string, why: string): Error =>
      invalid({ ...resource, group: "meta.k8s.io", kind: "ListOptions" }, "", [
        { reason: "FieldValueForbidden", message: `Forbidden: ${why}`, field },
      ]);
    const { sendInitialEvents, resourceVersionMatch, resourceVersion } = options;
    if (sendInitialEvents === undefined && resourceVersionMatch !== undefined) {
      throw refuse(
        "resourceVersionMatch",
        "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
      );
    }
    if (sendInitialEvents !== true) return;
    if (!this.#settings.watchList) {
      throw refuse(
        "sendInitialEvents",
        "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled",
      );
    }
    if (resourceVersionMatch !== "NotOlderThan") {
      throw refuse("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    }
    checkReached(this.#storage, resourceVersion);
  }
}

/** A reader must not be sent back in time: a version that is not there yet is refused. */
export function checkReached({ revision }: Storage, asked: string | undefined): void {
  if (asked !== undefined && Number(asked) > revision) throw tooLargeVersion(asked, revision);
}

export const connectionReset = (): Error => Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });

/** What an event is for those who watch a selection: an object may enter or leave it. */
function selectedEvent(
  { type, object, old, revision }: StorageEvent,
  isSelected: Selector,
): Pick<StorageEvent, "type" | "object"> | undefined {
  const before = old !== undefined && isSelected(old);
  if (type !== "DELETED" && isSelected(object)) return { type: before ? "MODIFIED" : "ADDED", object };
  if (!before) return undefined;
  if (type === "DELETED") return { type, object };
  return { type: "DELETED", object: { ...old, metadata: { ...old.metadata, resourceVersion: `${revision}` } } };
}

function bookmarkObject(
  resource: Resource,
  revision: number,
  annotations?: Readonly<Record<string, string>>,
): KubeObject {
  const metadata = { resourceVersion: `${revision}`, ...(annotations !== undefined && { annotations }) };
  // A bookmark has no other metadata, which the type of stored objects cannot say.
  return asVersion(resource, { apiVersion: "", kind: resource.kind, metadata } as KubeObject);
}
