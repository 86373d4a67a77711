// What etcd is to the API server: objects by kind and key, one counter of revisions, and a window of past events.
// Knows no rules of the API.
import { type KubeObject, keyOf, keyText } from "../src/object.ts";
import type { Kind } from "./builtin-kinds.ts";
import type { Ownership } from "./field-ownership.ts";
import { deepFreeze } from "./json.ts";

export interface Entry {
  readonly kind: Kind;
  readonly object: KubeObject;
  readonly ownership: Ownership;
}

export interface StorageEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly kind: Kind;
  readonly object: KubeObject;
  /** The state before, for those who watch a selection. */
  readonly old: KubeObject | undefined;
  readonly revision: number;
}

/** A group's plural names one table, whatever the version. */
export const tableName = ({ resource }: Kind): string => `${resource.plural}.${resource.group}`;

export class Storage {
  readonly #tables = new Map<string, Map<string, Entry>>();
  readonly #byUid = new Map<string, Entry>();
  readonly #dependents = new Map<string, Set<string>>();
  readonly #listeners = new Set<(event: StorageEvent) => void>();
  readonly #windowSize: number;
  #events: StorageEvent[] = [];
  #revision = 1;
  #compacted = 0;

  constructor(windowSize: number) {
    this.#windowSize = windowSize;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Events up to this revision are forgotten. */
  get compacted(): number {
    return this.#compacted;
  }

  get(kind: Kind, key: string): Entry | undefined {
    return this.#tables.get(tableName(kind))?.get(key);
  }

  byUid(uid: string): Entry | undefined {
    return this.#byUid.get(uid);
  }

  /** The objects that name this uid as an owner. */
  dependentsOf(uid: string): readonly Entry[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#byUid.get(dependent) ?? []);
  }

  /** In the order of keys, as etcd gives them. */
  entries(kind: Kind): readonly Entry[] {
    const table = this.#tables.get(tableName(kind)) ?? new Map<string, Entry>();
    return [...table].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
  }

  *allEntries(): Iterable<Entry> {
    yield* [...this.#byUid.values()];
  }

  put(kind: Kind, object: KubeObject, ownership: Ownership): KubeObject {
    const key = keyText(keyOf(object));
    const old = this.get(kind, key);
    this.#revision += 1;
    const metadata = { ...object.metadata, resourceVersion: `${this.#revision}` };
    const stored = deepFreeze({ ...object, metadata });
    const entry: Entry = { kind, object: stored, ownership };
    let table = this.#tables.get(tableName(kind));
    if (table === undefined) {
      table = new Map();
      this.#tables.set(tableName(kind), table);
    }
    table.set(key, entry);
    this.#byUid.set(stored.metadata.uid, entry);
    if (old !== undefined) this.#unlink(old.object);
    for (const owner of stored.metadata.ownerReferences ?? []) this.#link(owner.uid, stored.metadata.uid);
    this.#publish(old === undefined ? "ADDED" : "MODIFIED", kind, stored, old?.object);
    return stored;
  }

  /** Fields without a change of the object have no revision of their own. */
  own(entry: Entry, ownership: Ownership): void {
    const updated = { ...entry, ownership };
    this.#tables.get(tableName(entry.kind))?.set(keyText(keyOf(entry.object)), updated);
    this.#byUid.set(entry.object.metadata.uid, updated);
  }

  /** `last` is the state that the removal itself brought about. */
  remove({ kind, object }: Entry, last: KubeObject = object): KubeObject {
    this.#revision += 1;
    const gone = deepFreeze({ ...last, metadata: { ...last.metadata, resourceVersion: `${this.#revision}` } });
    this.#tables.get(tableName(kind))?.delete(keyText(keyOf(object)));
    this.#byUid.delete(object.metadata.uid);
    this.#unlink(object);
    this.#publish("DELETED", kind, gone, object);
    return gone;
  }

  /** The events of a kind after a revision, oldest first. */
  eventsAfter(kind: Kind, revision: number): readonly StorageEvent[] {
    const name = tableName(kind);
    return this.#events.filter((event) => event.revision > revision && tableName(event.kind) === name);
  }

  onEvent(listener: (event: StorageEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  compact(): void {
    this.#events = [];
    this.#compacted = this.#revision;
  }

  #publish(type: StorageEvent["type"], kind: Kind, object: KubeObject, old: KubeObject | undefined): void {
    const event: StorageEvent = { type, kind, object, old, revision: this.#revision };
    this.#events.push(event);
    if (this.#events.length > 2 * this.#windowSize) {
      this.#compacted = this.#events[this.#windowSize - 1]?.revision ?? this.#revision;
      this.#events = this.#events.slice(this.#windowSize);
    }
    for (const listener of [...this.#listeners]) listener(event);
  }

  #link(owner: string, dependent: string): void {
    const dependents = this.#dependents.get(owner);
    if (dependents === undefined) this.#dependents.set(owner, new Set([dependent]));
    else dependents.add(dependent);
  }

  #unlink(object: KubeObject): void {
    for (const { uid } of object.metadata.ownerReferences ?? []) {
      const dependents = this.#dependents.get(uid);
      dependents?.delete(object.metadata.uid);
      if (dependents?.size === 0) this.#dependents.delete(uid);
    }
  }
}
