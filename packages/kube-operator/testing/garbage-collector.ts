// What the controller manager does after a deletion: dependents of what is gone, foreground and orphan deletions,
// the contents of namespaces. Works on the storage directly, so faults meant for clients do not meet it.
import type { KubeObject } from "../src/object.ts";
import { deletionFinalizers } from "./deletion-rules.ts";
import { isNamespace, type StoredObject } from "./object-rules.ts";
import type { Entry, Storage, StorageEvent } from "./storage.ts";

export interface CollectorActions {
  update(entry: Entry, next: StoredObject): void;
  delete(entry: Entry, propagation: "Background" | "Foreground"): void;
  /** Asks for a `run` before long. */
  schedule(): void;
}

export class GarbageCollector {
  readonly #storage: Storage;
  readonly #actions: CollectorActions;
  readonly #due = new Set<string>();

  constructor(storage: Storage, actions: CollectorActions) {
    this.#storage = storage;
    this.#actions = actions;
    storage.onEvent((event) => this.#notice(event));
  }

  get isIdle(): boolean {
    return this.#due.size === 0;
  }

  /** Works until nothing is left to do; what it does itself may add more. */
  run(): void {
    for (const uid of this.#due) {
      this.#due.delete(uid);
      this.#examine(uid);
    }
  }

  #notice({ type, object }: StorageEvent): void {
    const { uid, namespace, ownerReferences = [], deletionTimestamp } = object.metadata;
    if (type === "DELETED") {
      for (const dependent of this.#storage.dependentsOf(uid)) this.#enqueue(dependent.object.metadata.uid);
      for (const owner of ownerReferences) this.#enqueue(owner.uid);
      const home = namespace === undefined ? undefined : this.#namespace(namespace);
      if (home?.object.metadata.deletionTimestamp !== undefined) this.#enqueue(home.object.metadata.uid);
    } else if (ownerReferences.length > 0 || deletionTimestamp !== undefined) {
      this.#enqueue(uid);
    }
  }

  #enqueue(uid: string): void {
    if (this.#due.size === 0) this.#actions.schedule();
    this.#due.add(uid);
  }

  #examine(uid: string): void {
    const entry = this.#storage.byUid(uid);
    if (entry === undefined) return;
    const { metadata } = entry.object;
    const finalizers = metadata.finalizers ?? [];
    if (metadata.deletionTimestamp === undefined) this.#collectIfOwnerless(entry);
    else if (isNamespace(entry.kind)) this.#emptyNamespace(entry);
    else if (finalizers.includes(deletionFinalizers.Orphan)) this.#orphanDependents(entry);
    else if (finalizers.includes(deletionFinalizers.Foreground)) this.#deleteDependents(entry);
  }

  #collectIfOwnerless(entry: Entry): void {
    const owners = entry.object.metadata.ownerReferences ?? [];
    const present = owners.filter((owner) => this.#storage.byUid(owner.uid) !== undefined);
    if (present.length === owners.length) return;
    if (present.length === 0) this.#actions.delete(entry, "Background");
    else this.#actions.update(entry, withMetadata(entry.object, { ownerReferences: present }));
  }

  #orphanDependents(entry: Entry): void {
    const { uid } = entry.object.metadata;
    for (const dependent of this.#storage.dependentsOf(uid)) {
      const ownerReferences = (dependent.object.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== uid);
      this.#actions.update(dependent, withMetadata(dependent.object, { ownerReferences }));
    }
    this.#removeFinalizer(entry, deletionFinalizers.Orphan);
  }

  #deleteDependents(entry: Entry): void {
    const { uid } = entry.object.metadata;
    for (const dependent of this.#storage.dependentsOf(uid)) {
      if (dependent.object.metadata.deletionTimestamp !== undefined) continue;
      const hasOwn = this.#storage.dependentsOf(dependent.object.metadata.uid).length > 0;
      this.#actions.delete(dependent, hasOwn ? "Foreground" : "Background");
    }
    const blocking = this.#storage
      .dependentsOf(uid)
      .some(({ object }) =>
        object.metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true),
      );
    if (!blocking) this.#removeFinalizer(entry, deletionFinalizers.Foreground);
  }

  #emptyNamespace(entry: Entry): void {
    const inside = [...this.#storage.allEntries()].filter(
      ({ object }) => object.metadata.namespace === entry.object.metadata.name,
    );
    for (const content of inside) {
      if (content.object.metadata.deletionTimestamp === undefined) this.#actions.delete(content, "Background");
    }
    const isEmpty = inside.every(({ object }) => this.#storage.byUid(object.metadata.uid) === undefined);
    if (isEmpty) this.#actions.update(entry, { ...(entry.object as StoredObject), spec: {} });
  }

  #removeFinalizer(entry: Entry, finalizer: string): void {
    const finalizers = (entry.object.metadata.finalizers ?? []).filter((one) => one !== finalizer);
    this.#actions.update(entry, withMetadata(entry.object, { finalizers }));
  }

  #namespace(name: string): Entry | undefined {
    for (const entry of this.#storage.allEntries()) {
      if (isNamespace(entry.kind) && entry.object.metadata.name === name) return entry;
    }
    return undefined;
  }
}

function withMetadata(object: KubeObject, changed: Partial<KubeObject["metadata"]>): StoredObject {
  const metadata: Record<string, unknown> = { ...object.metadata, ...changed };
  for (const list of ["finalizers", "ownerReferences"]) {
    const value = metadata[list];
    if (Array.isArray(value) && value.length === 0) delete metadata[list];
  }
  return { ...object, metadata } as unknown as StoredObject;
}
