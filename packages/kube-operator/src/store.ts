// The local copy of one kind: synchronous reads and indexes over what a reflector and own writes put into it.
// Knows versions and uids; does not know where the objects come from.
import { type Clock, systemClock } from "./clock.ts";
import { keyOf, keyText, type ObjectKey, type Resource } from "./object.ts";
import { isNewer } from "./resource-version.ts";
import { StoreIndex } from "./store-index.ts";
import { createYielder } from "./yielder.ts";

/** The least that a stored object has; a projection keeps these fields and those its readers need. */
export interface Stored {
  readonly metadata: ObjectKey & { readonly uid: string; readonly resourceVersion: string };
}

export interface Change<T> {
  readonly type: "add" | "update" | "delete";
  /** The state after the change; for a delete, the last state. */
  readonly object: T;
  /** The state before; absent for an add. */
  readonly old?: T;
  /** Part of a first list, or of what a handler that came later is told on registration. */
  readonly initial: boolean;
}

export type ChangeHandler<T> = (change: Change<T>) => void;

/** The value or values under which an object is found. */
export type IndexFunction<T> = (object: T) => string | readonly string[] | undefined;

export interface StoreReader<T extends Stored> {
  readonly resource: Resource;
  readonly size: number;
  /** True from the end of the first list on. */
  readonly hasSynced: boolean;
  /** How far the store has followed the server; empty before the first list. */
  readonly resourceVersion: string;
  get(key: ObjectKey): T | undefined;
  list(): readonly T[];
  values(): IterableIterator<T>;
  byIndex(index: string, value: string): readonly T[];
  /** O(1). */
  countBy(index: string, value: string): number;
  /** Calls `handler` for each object that is there, then for each change, until the returned function is called. */
  onChange(handler: ChangeHandler<T>): () => void;
}

export interface Store<T extends Stored> extends StoreReader<T> {
  /**
   * Makes the store equal to a list, by the adds, updates and deletes that are needed. Small ones are done at once;
   * large ones pause for the event loop, and until the promise resolves readers see some of the changes.
   */
  replaceAll(objects: Iterable<T>, resourceVersion: string): Promise<void>;
  /** An ADDED or MODIFIED event. */
  set(object: T): void;
  /** A DELETED event. */
  remove(object: T): void;
  /** The object, at this version, is not one that the store keeps. */
  dismiss(key: ObjectKey, uid: string, resourceVersion: string): void;
  /** A bookmark: all events up to this version have been seen. */
  advance(resourceVersion: string): void;
  /** The response of an own write, visible at once unless something newer is known. */
  learn(object: T): void;
  /** The answer of an own delete that left nothing behind. */
  forget(key: ObjectKey, uid: string): void;
}

export interface StoreOptions<T extends Stored> {
  readonly resource: Resource;
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  readonly clock?: Clock;
  /** Hears what a handler threw; the other handlers are called all the same. */
  readonly onHandlerError?: (error: unknown) => void;
}

/**
 * Only answers that were under way when an object went can bring it back, and these are few; a mass deletion must
 * not fill the memory with the names of what is gone.
 */
const tombstoneLimit = 10_000;

/** Nothing is newer than the end of an object's life. */
const endOfLife = "9".repeat(40);

export function createStore<T extends Stored>(options: StoreOptions<T>): Store<T> {
  return new IndexedStore(options);
}

class IndexedStore<T extends Stored> implements Store<T> {
  readonly resource: Resource;
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, { readonly valuesOf: IndexFunction<T>; readonly index: StoreIndex }>();
  /** By uid, the version up to which an object is known to be gone. */
  readonly #tombstones = new Map<string, string>();
  readonly #handlers = new Set<ChangeHandler<T>>();
  readonly #clock: Clock;
  readonly #onHandlerError: (error: unknown) => void;
  #resourceVersion = "";
  #hasSynced = false;

  constructor({ resource, indexes = {}, clock = systemClock, onHandlerError = warn }: StoreOptions<T>) {
    this.resource = resource;
    this.#clock = clock;
    this.#onHandlerError = onHandlerError;
    for (const [name, valuesOf] of Object.entries(indexes))
      this.#indexes.set(name, { valuesOf, index: new StoreIndex() });
  }

  get size(): number {
    return this.#objects.size;
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  get resourceVersion(): string {
    return this.#resourceVersion;
  }

  get(key: ObjectKey): T | undefined {
    return this.#objects.get(keyText(key));
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  byIndex(index: string, value: string): readonly T[] {
    const found: T[] = [];
    for (const key of this.#index(index).keys(value)) {
      const object = this.#objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  countBy(index: string, value: string): number {
    return this.#index(index).count(value);
  }

  onChange(handler: ChangeHandler<T>): () => void {
    for (const object of [...this.#objects.values()]) this.#tell(handler, { type: "add", object, initial: true });
    // Wrapped, so that a function registered twice is two handlers.
    const registered: ChangeHandler<T> = (change) => handler(change);
    this.#handlers.add(registered);
    return () => void this.#handlers.delete(registered);
  }

  async replaceAll(objects: Iterable<T>, resourceVersion: string): Promise<void> {
    const yielder = createYielder(this.#clock);
    const listed = new Set<string>();
    for (const object of objects) {
      listed.add(object.metadata.uid);
      this.#put(object, !this.#hasSynced);
      if (yielder.isDue()) await yielder.pause();
    }
    for (const { metadata } of [...this.#objects.values()]) {
      // What is newer than the list is an own write that the list came too early for: dismissing leaves it.
      if (!listed.has(metadata.uid)) this.dismiss(metadata, metadata.uid, resourceVersion);
      if (yielder.isDue()) await yielder.pause();
    }
    this.#resourceVersion = resourceVersion;
    this.#hasSynced = true;
  }

  set(object: T): void {
    this.#put(object, false);
    this.advance(object.metadata.resourceVersion);
  }

  remove(object: T): void {
    const { uid, resourceVersion } = object.metadata;
    this.#bury(uid, resourceVersion);
    const stored = this.get(keyOf(object));
    // A stored object of another uid has come since; a newer one has come back into the selection since.
    if (stored?.metadata.uid === uid && !isNewer(stored.metadata.resourceVersion, resourceVersion))
      this.#drop(stored, object);
    this.advance(resourceVersion);
  }

  dismiss(key: ObjectKey, uid: string, resourceVersion: string): void {
    const stored = this.get(key);
    if (stored?.metadata.uid !== uid || isNewer(stored.metadata.resourceVersion, resourceVersion)) return;
    this.#bury(uid, resourceVersion);
    this.#drop(stored, stored);
  }

  advance(resourceVersion: string): void {
    if (isNewer(resourceVersion, this.#resourceVersion)) this.#resourceVersion = resourceVersion;
  }

  learn(object: T): void {
    this.#put(object, false);
  }

  forget(key: ObjectKey, uid: string): void {
    this.#bury(uid, endOfLife);
    const stored = this.get(key);
    if (stored?.metadata.uid === uid) this.#drop(stored, stored);
  }

  #put(object: T, initial: boolean): void {
    const { uid, resourceVersion } = object.metadata;
    const goneSince = this.#tombstones.get(uid);
    if (goneSince !== undefined && !isNewer(resourceVersion, goneSince)) return;
    const key = keyText(keyOf(object));
    const old = this.#objects.get(key);
    if (old !== undefined && !isNewer(resourceVersion, old.metadata.resourceVersion)) return;
    if (old !== undefined && old.metadata.uid !== uid) {
      // The name has a new bearer: readers that follow the uid must hear that the former one is gone.
      this.#bury(old.metadata.uid, endOfLife);
      this.#drop(old, old);
      this.#keep(key, object, undefined, initial);
    } else {
      this.#keep(key, object, old, initial);
    }
  }

  #keep(key: string, object: T, old: T | undefined, initial: boolean): void {
    this.#objects.set(key, object);
    for (const { valuesOf, index } of this.#indexes.values()) {
      const after = asList(valuesOf(object));
      const before = old === undefined ? [] : asList(valuesOf(old));
      for (const value of before) if (!after.includes(value)) index.remove(value, key);
      for (const value of after) index.add(value, key);
    }
    this.#notify(old === undefined ? { type: "add", object, initial } : { type: "update", object, old, initial });
  }

  #drop(stored: T, last: T): void {
    const key = keyText(keyOf(stored));
    this.#objects.delete(key);
    for (const { valuesOf, index } of this.#indexes.values()) {
      for (const value of asList(valuesOf(stored))) index.remove(value, key);
    }
    this.#notify({ type: "delete", object: last, old: stored, initial: false });
  }

  #bury(uid: string, resourceVersion: string): void {
    const known = this.#tombstones.get(uid);
    if (known !== undefined && !isNewer(resourceVersion, known)) return;
    this.#tombstones.delete(uid);
    this.#tombstones.set(uid, resourceVersion);
    if (this.#tombstones.size <= tombstoneLimit) return;
    for (const oldest of this.#tombstones.keys()) {
      this.#tombstones.delete(oldest);
      return;
    }
  }

  #notify(change: Change<T>): void {
    for (const handler of this.#handlers) this.#tell(handler, change);
  }

  #tell(handler: ChangeHandler<T>, change: Change<T>): void {
    try {
      handler(change);
    } catch (error) {
      this.#onHandlerError(error);
    }
  }

  #index(name: string): StoreIndex {
    const found = this.#indexes.get(name);
    if (found === undefined) throw new Error(`the store of ${this.resource.plural} has no index "${name}"`);
    return found.index;
  }
}

function asList(values: string | readonly string[] | undefined): readonly string[] {
  return values === undefined ? [] : typeof values === "string" ? [values] : values;
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
