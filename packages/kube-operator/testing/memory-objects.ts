// The objects of the API server in memory, and what each write makes of them. Synchronous: one write after the other.
import type { Clock, Random } from "../src/clock.ts";
import { sameJson } from "../src/json-schema.ts";
import type { DeleteOptions, Patch, WriteOptions } from "../src/kube-api.ts";
import { type KubeObject, keyOf, keyText, type Manifest, type ObjectKey, type Resource } from "../src/object.ts";
import { objectPath, ownCollectionPath } from "../src/object-path.ts";
import {
  alreadyExists,
  badRequest,
  conflict,
  forbidden,
  invalid,
  modifiedMeanwhile,
  noSuchResource,
  notFound,
} from "./api-errors.ts";
import { builtinKinds, type Kind } from "./builtin-kinds.ts";
import { isHeld, objectForDeletion } from "./deletion-rules.ts";
import { applyFields, type Manager, ownChanges } from "./field-ownership.ts";
import { GarbageCollector } from "./garbage-collector.ts";
import { copyOf, isObject, type JsonObject } from "./json.ts";
import { KindRegistry } from "./kind-registry.ts";
import { checkFinalizers, objectForCreate, objectForUpdate, type StoredObject, timestamp } from "./object-rules.ts";
import { applyJsonPatch, applyMergePatch } from "./patch.ts";
import { type Entry, Storage, type StorageEvent } from "./storage.ts";

export class MemoryObjects {
  readonly storage: Storage;
  readonly kinds: KindRegistry = new KindRegistry();
  readonly collector: GarbageCollector;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #ownChanges: typeof ownChanges;

  constructor(clock: Clock, random: Random, windowSize: number, fieldOwnership = true) {
    this.#clock = clock;
    this.#random = random;
    this.#ownChanges = fieldOwnership ? ownChanges : () => new Map();
    this.storage = new Storage(windowSize);
    this.collector = new GarbageCollector(this.storage, {
      update: (entry, next) => this.#update(entry, next, serverManager),
      delete: (entry, propagation) => this.#delete(entry, { propagation }),
      schedule: () => clock.after(0, () => this.collector.run()),
    });
    this.storage.onEvent((event) => this.#followDefinitions(event));
  }

  entry(resource: Resource, key: ObjectKey): Entry {
    // Refuses what has no path: a name or a namespace that is missing.
    objectPath(resource, key);
    const entry = this.storage.get(this.kinds.get(resource), keyText(key));
    if (entry === undefined) throw notFound(resource, key.name);
    return entry;
  }

  create(
    resource: Resource,
    manifest: Manifest,
    options: WriteOptions = {},
    manager: Manager = managerOf(options, "Update"),
  ): KubeObject {
    const kind = this.kinds.get(resource);
    // Bindings, evictions and tokens are no objects.
    if (options.subresource !== undefined) throw noSuchResource();
    const { namespace, name } = manifest.metadata;
    ownCollectionPath(resource, namespace);
    if (namespace !== undefined && resource.namespaced) this.#checkNamespace(resource, namespace, name);
    const { fieldValidation = "Strict" } = options;
    const given = { uid: this.#uid(), nowMs: this.#clock.now(), fieldValidation };
    const object = objectForCreate(kind, { ...manifest }, given);
    if (this.storage.get(kind, keyText(keyOf(object))) !== undefined) throw alreadyExists(resource, name);
    if (options.dryRun === true) return object;
    return this.storage.put(kind, object, this.#ownChanges(undefined, object, new Map(), manager, kind.schema));
  }

  replace(resource: Resource, object: Manifest, options: WriteOptions): KubeObject {
    const entry = this.entry(resource, keyOf(object));
    if (object.metadata.resourceVersion === undefined && !entry.kind.unconditionalUpdate) {
      const message = "Invalid value: 0: must be specified for an update";
      throw invalid(resource, object.metadata.name, [
        { reason: "FieldValueInvalid", message, field: "metadata.resourceVersion" },
      ]);
    }
    return this.#write(entry, copyOf<JsonObject>({ ...object }), options);
  }

  patch(resource: Resource, key: ObjectKey, patch: Patch, options: WriteOptions): KubeObject {
    if (patch.type === "apply") return this.#apply(resource, key, patch, options);
    const entry = this.entry(resource, key);
    const { resourceVersion: _, ...metadata } = entry.object.metadata;
    // A merge patch is held to a version only if it names one itself; a JSON patch may test the one that is there.
    const patched =
      patch.type === "json"
        ? applyJsonPatch(entry.object, patch.operations)
        : applyMergePatch({ ...entry.object, metadata }, patch.body);
    if (!isObject(patched)) throw badRequest("the patch leaves no object");
    return this.#write(entry, patched, options);
  }

  /** Returns what is left while something holds it. */
  delete(resource: Resource, key: ObjectKey, options: DeleteOptions): KubeObject | undefined {
    const entry = this.entry(resource, key);
    const { uid, resourceVersion } = entry.object.metadata;
    const unmet = (what: string, asked: string, actual: string): Error => {
      const why = `Precondition failed: ${what} in precondition: ${asked}, ${what} in object meta: ${actual}`;
      return conflict(resource, key.name, why);
    };
    if (options.uid !== undefined && options.uid !== uid) throw unmet("UID", options.uid, uid);
    if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
      throw unmet("ResourceVersion", options.resourceVersion, resourceVersion);
    }
    return this.#delete(entry, options);
  }

  #apply(
    resource: Resource,
    key: ObjectKey,
    patch: Extract<Patch, { type: "apply" }>,
    options: WriteOptions,
  ): KubeObject {
    if (options.fieldManager === undefined) {
      throw badRequest("fieldManager: Required value: is required for apply patch");
    }
    const manager = managerOf(options, "Apply");
    const kind = this.kinds.get(resource);
    const entry = this.storage.get(kind, keyText(key));
    if (entry === undefined) {
      if (options.subresource !== undefined) throw notFound(resource, key.name);
      return this.create(resource, patch.body, options, manager);
    }
    const { object, ownership } = applyFields(
      entry.object as StoredObject,
      appliedPart(kind, patch.body, options.subresource),
      entry.ownership,
      manager,
      { force: patch.force === true, schema: kind.schema },
    );
    const metadata = withVersion(object.metadata, patch.body.metadata.resourceVersion);
    const next = this.#next(entry, { ...object, metadata }, options);
    if (options.dryRun === true) return next;
    if (!isSameState(entry.object, next)) return this.#commit(entry, next, ownership);
    this.storage.own(entry, ownership);
    return entry.object;
  }

  #write(entry: Entry, incoming: JsonObject, options: WriteOptions): KubeObject {
    const next = this.#next(entry, incoming, options);
    return options.dryRun === true ? next : this.#update(entry, next, managerOf(options, "Update"));
  }

  #next(entry: Entry, incoming: JsonObject, { subresource, fieldValidation = "Strict" }: WriteOptions): StoredObject {
    const { kind, object } = entry;
    if (subresource !== undefined && !(subresource === "status" && kind.hasStatus)) throw noSuchResource();
    const asked = isObject(incoming.metadata) ? incoming.metadata.resourceVersion : undefined;
    if (asked !== undefined && asked !== "" && asked !== object.metadata.resourceVersion) {
      throw conflict(kind.resource, object.metadata.name, modifiedMeanwhile);
    }
    const next = objectForUpdate(kind, object as StoredObject, incoming, { subresource, fieldValidation });
    checkFinalizers(kind.resource, object, next);
    return next;
  }

  #update(entry: Entry, next: StoredObject, manager: Manager): KubeObject {
    if (isSameState(entry.object, next)) return entry.object;
    const { kind, object, ownership } = entry;
    return this.#commit(entry, next, this.#ownChanges(object as StoredObject, next, ownership, manager, kind.schema));
  }

  #commit(entry: Entry, next: StoredObject, ownership: Entry["ownership"]): KubeObject {
    const isOver = next.metadata.deletionTimestamp !== undefined && !isHeld(entry.kind, next);
    return isOver ? this.storage.remove(entry, next) : this.storage.put(entry.kind, next, ownership);
  }

  #delete(entry: Entry, options: DeleteOptions): KubeObject | undefined {
    const next = objectForDeletion(entry.kind, entry.object as StoredObject, options, this.#clock.now());
    if (isHeld(entry.kind, next)) return this.#update(entry, next, serverManager);
    this.storage.remove(entry, next);
    return undefined;
  }

  #checkNamespace(resource: Resource, namespace: string, name: string): void {
    const home = this.storage.get(this.kinds.get(namespaceResource), namespace);
    if (home === undefined) throw notFound(namespaceResource, namespace);
    if (home.object.metadata.deletionTimestamp === undefined) return;
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
    throw forbidden(resource, name, why);
  }

  #followDefinitions({ kind, type, object }: StorageEvent): void {
    if (kind.resource.plural !== definitionResource.plural) return;
    if (type === "DELETED") {
      for (const gone of this.kinds.undefine(object as StoredObject)) {
        for (const entry of this.storage.entries(gone)) this.storage.remove(entry);
      }
      return;
    }
    this.kinds.define(object as StoredObject);
    const entry = this.storage.get(kind, object.metadata.name);
    if (type !== "ADDED" || entry === undefined) return;
    const lastTransitionTime = timestamp(this.#clock.now());
    const conditions = ["NamesAccepted", "Established"].map((condition) => {
      return { type: condition, status: "True", reason: "Served", message: "", lastTransitionTime };
    });
    this.#update(entry, { ...(entry.object as StoredObject), status: { conditions } }, serverManager);
  }

  #uid(): string {
    const hex = (digits: number): string =>
      Array.from({ length: digits }, () => Math.floor(this.#random() * 16).toString(16)).join("");
    return `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
  }
}

/** Who asks without a name gets the one that a client without a user agent gets. */
const unnamedManager = "unknown";

const serverManager: Manager = { name: "kube-apiserver", operation: "Update", subresource: undefined };

const managerOf = (
  { fieldManager = unnamedManager, subresource }: WriteOptions,
  operation: Manager["operation"],
): Manager => ({ name: fieldManager, operation, subresource });

export function builtinResource(plural: string): Resource {
  const kind = builtinKinds.find(({ resource }) => resource.plural === plural);
  if (kind === undefined) throw new Error(`no built-in kind is called ${plural}`);
  return kind.resource;
}

const namespaceResource = builtinResource("namespaces");
const definitionResource = builtinResource("customresourcedefinitions");

/** What an apply is about: the status or everything else, by its endpoint. */
function appliedPart(kind: Kind, body: Manifest, subresource: string | undefined): JsonObject {
  const { status, ...rest } = copyOf<JsonObject>({ ...body });
  const ofStatus = status === undefined ? {} : { status };
  if (subresource === "status") {
    return { apiVersion: body.apiVersion, kind: body.kind, metadata: { name: body.metadata.name }, ...ofStatus };
  }
  return kind.hasStatus ? rest : { ...rest, ...ofStatus };
}

function withVersion(metadata: unknown, resourceVersion: string | undefined): JsonObject {
  const { resourceVersion: _, ...rest } = isObject(metadata) ? metadata : {};
  return resourceVersion === undefined ? rest : { ...rest, resourceVersion };
}

function isSameState(a: KubeObject, b: KubeObject): boolean {
  const state = ({ metadata, ...rest }: KubeObject): JsonObject => ({
    ...rest,
    metadata: { ...metadata, resourceVersion: "" },
  });
  return sameJson(state(a), state(b));
}
