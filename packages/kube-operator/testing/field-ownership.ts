// Server-side apply: which manager owns which fields, and what an apply makes of an object. An honest subset: lists
// merge by what the schema says or, for built-in kinds, by the table below; everything else is replaced as a whole.
// Managed fields are kept beside the objects and do not show in metadata; an empty map belongs to nobody.

import { type JsonSchema, sameJson } from "../src/json-schema.ts";
import { applyConflict, type Cause } from "./api-errors.ts";
import { copyOf, isObject, type JsonObject } from "./json.ts";
import { keyFields, schemaOfField } from "./schema.ts";

/** A step into an object: a field, an item of a list by its keys, or a member of a set. */
type Segment = string | { readonly keys: JsonObject } | { readonly member: unknown };
type Path = readonly Segment[];
/** Paths by their text. */
type FieldSet = ReadonlyMap<string, Path>;

/** The fields of each manager; an apply and an update by the same manager count as two. */
export type Ownership = ReadonlyMap<string, FieldSet>;

export interface Manager {
  readonly name: string;
  readonly operation: "Apply" | "Update";
  readonly subresource: string | undefined;
}

const managerId = ({ name, operation, subresource = "" }: Manager): string => [operation, name, subresource].join(" ");

type ListRule =
  | { readonly type: "atomic" }
  | { readonly type: "set" }
  | { readonly type: "map"; readonly keys: readonly string[] };

const atomic: ListRule = { type: "atomic" };

/** Built-in lists that merge, by the name of their field. */
const builtinLists: Readonly<Record<string, ListRule>> = {
  conditions: { type: "map", keys: ["type"] },
  containers: { type: "map", keys: ["name"] },
  env: { type: "map", keys: ["name"] },
  finalizers: { type: "set" },
  imagePullSecrets: { type: "map", keys: ["name"] },
  initContainers: { type: "map", keys: ["name"] },
  ownerReferences: { type: "map", keys: ["uid"] },
  volumeMounts: { type: "map", keys: ["mountPath"] },
  volumes: { type: "map", keys: ["name"] },
};

function listRule(field: string, schema: JsonSchema | undefined, insideMetadata: boolean): ListRule {
  if (schema === undefined || insideMetadata) return builtinLists[field] ?? atomic;
  const type = schema["x-kubernetes-list-type"];
  if (type === "map") return { type, keys: schema["x-kubernetes-list-map-keys"] ?? [] };
  return type === "set" ? { type } : atomic;
}

/** Where the walk through an object stands: what the schema says there. `schema` is absent for built-in kinds. */
interface Place {
  readonly field: string;
  readonly schema: JsonSchema | undefined;
  readonly insideMetadata: boolean;
}

const rootPlace = (schema: JsonSchema | undefined): Place => ({ field: "", schema, insideMetadata: false });

function placeOfField(place: Place, field: string): Place {
  const insideMetadata = place.insideMetadata || (place.field === "" && field === "metadata");
  // Below a field that the schema leaves open nothing is known, and lists there are replaced as a whole.
  const schema = place.schema === undefined ? undefined : (schemaOfField(place.schema, field) ?? {});
  return { field, schema, insideMetadata };
}

const placeOfItem = (place: Place): Place => ({ ...place, field: `${place.field}[]`, schema: place.schema?.items });

const isAtomicMap = (place: Place): boolean => place.schema?.["x-kubernetes-map-type"] === "atomic";

/** Fields that the server fills in: nobody owns them. */
const unowned = new Set(
  ["apiVersion", "kind"].concat(
    [
      "name",
      "namespace",
      "uid",
      "resourceVersion",
      "generation",
      "creationTimestamp",
      "deletionTimestamp",
      "managedFields",
    ].map((field) => `metadata.${field}`),
  ),
);

function* leaves(value: unknown, place: Place, path: Path = []): Iterable<Path> {
  if (unowned.has(path.join("."))) return;
  if (isObject(value) && !isAtomicMap(place)) {
    for (const [field, part] of Object.entries(value))
      yield* leaves(part, placeOfField(place, field), [...path, field]);
    return;
  }
  const rule = Array.isArray(value) ? listRule(place.field, place.schema, place.insideMetadata) : atomic;
  if (!Array.isArray(value) || rule.type === "atomic") return yield path;
  for (const item of value) {
    if (rule.type === "set") {
      yield [...path, { member: item }];
    } else {
      const itemPath = [...path, { keys: keyFields(item, rule.keys) }];
      yield itemPath;
      yield* leaves(item, placeOfItem(place), itemPath);
    }
  }
}

function fieldsOf(value: unknown, schema: JsonSchema | undefined): Map<string, Path> {
  const fields = new Map<string, Path>();
  for (const path of leaves(value, rootPlace(schema))) fields.set(JSON.stringify(path), path);
  return fields;
}

const isAt = (segment: Exclude<Segment, string>, item: unknown): boolean =>
  "member" in segment
    ? sameJson(item, segment.member)
    : Object.entries(segment.keys).every(([key, value]) => sameJson(isObject(item) ? item[key] : undefined, value));

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const segment of path) {
    if (typeof segment === "string") value = isObject(value) ? value[segment] : undefined;
    else value = Array.isArray(value) ? value.find((item) => isAt(segment, item)) : undefined;
  }
  return value;
}

/** Whether two objects agree at a path. The item of a merging list is there or not; its fields are paths of their own. */
function agree(a: unknown, b: unknown, path: Path): boolean {
  const [left, right] = [valueAt(a, path), valueAt(b, path)];
  const last = path.at(-1);
  if (typeof last === "object" && "keys" in last) return (left === undefined) === (right === undefined);
  return sameJson(left, right);
}

function removeAt(root: JsonObject, path: Path): void {
  const parent = valueAt(root, path.slice(0, -1));
  const last = path.at(-1);
  if (typeof last === "string") {
    if (isObject(parent)) delete parent[last];
  } else if (last !== undefined && Array.isArray(parent)) {
    const index = parent.findIndex((item) => isAt(last, item));
    if (index >= 0) parent.splice(index, 1);
  }
  // What became empty by this was only there to hold it.
  const isEmpty = Array.isArray(parent) ? parent.length === 0 : isObject(parent) && Object.keys(parent).length === 0;
  if (isEmpty && path.length > 2) removeAt(root, path.slice(0, -1));
}

function merge(live: unknown, applied: unknown, place: Place): unknown {
  if (isObject(live) && isObject(applied) && !isAtomicMap(place)) {
    const merged: JsonObject = { ...live };
    for (const [field, value] of Object.entries(applied)) {
      merged[field] = merge(live[field], value, placeOfField(place, field));
    }
    return merged;
  }
  const rule = Array.isArray(applied) ? listRule(place.field, place.schema, place.insideMetadata) : atomic;
  if (!Array.isArray(live) || !Array.isArray(applied) || rule.type === "atomic") return applied;
  return mergeLists(live, applied, rule, placeOfItem(place));
}

/** What was applied comes in its own order; items of others keep their place before the item that they stood before. */
function mergeLists(
  live: readonly unknown[],
  applied: readonly unknown[],
  rule: Exclude<ListRule, { type: "atomic" }>,
  itemPlace: Place,
): readonly unknown[] {
  const segmentOf = (item: unknown): Exclude<Segment, string> =>
    rule.type === "set" ? { member: item } : { keys: keyFields(item, rule.keys) };
  const remaining = applied.map((item) => {
    const own = live.find((other) => isAt(segmentOf(item), other));
    return own === undefined ? item : merge(own, item, itemPlace);
  });
  const merged: unknown[] = [];
  for (const item of live) {
    const index = remaining.findIndex((other) => isAt(segmentOf(item), other));
    if (index >= 0) merged.push(...remaining.splice(0, index + 1));
    else if (!applied.some((other) => isAt(segmentOf(item), other))) merged.push(item);
  }
  return [...merged, ...remaining];
}

export interface Applied {
  readonly object: JsonObject;
  readonly ownership: Ownership;
}

/** What an apply makes of an object. Throws the server's conflict unless forced. */
export function applyFields(
  live: JsonObject,
  applied: JsonObject,
  owners: Ownership,
  manager: Manager,
  options: { readonly force: boolean; readonly schema: JsonSchema | undefined },
): Applied {
  const { force, schema } = options;
  const me = managerId(manager);
  const wanted = fieldsOf(applied, schema);
  const ownership = new Map(owners);
  const conflicts: Cause[] = [];
  for (const [other, fields] of owners) {
    if (other === me) continue;
    const contested = [...fields].filter(([id, path]) => wanted.has(id) && !agree(live, applied, path));
    if (contested.length === 0) continue;
    for (const [, path] of contested) conflicts.push(fieldConflict(other, path));
    ownership.set(other, without(fields, new Set(contested.map(([id]) => id))));
  }
  if (conflicts.length > 0 && !force) throw applyConflict(conflicts);

  const object = merge(copyOf(live), applied, rootPlace(schema)) as JsonObject;
  const kept = new Set(wanted.keys());
  for (const [other, fields] of ownership) if (other !== me) for (const id of fields.keys()) kept.add(id);
  // The deepest first, so that an item goes after its fields.
  const released = [...(owners.get(me) ?? [])].filter(([id]) => !kept.has(id));
  for (const [, path] of released.sort(([, a], [, b]) => b.length - a.length)) {
    removeAt(object, path);
  }
  ownership.set(me, wanted);
  return { object, ownership };
}

/** After a create, an update or a patch: the manager owns what it changed, and nobody owns what it removed. */
export function ownChanges(
  before: JsonObject | undefined,
  after: JsonObject,
  owners: Ownership,
  manager: Manager,
  schema: JsonSchema | undefined,
): Ownership {
  const now = fieldsOf(after, schema);
  const changed = new Map([...now].filter(([, path]) => before === undefined || !agree(before, after, path)));
  const ownership = new Map<string, FieldSet>();
  for (const [other, fields] of owners) {
    ownership.set(other, new Map([...fields].filter(([id]) => now.has(id) && !changed.has(id))));
  }
  const me = managerId(manager);
  ownership.set(me, new Map([...(ownership.get(me) ?? []), ...changed]));
  return ownership;
}

function without(fields: FieldSet, ids: ReadonlySet<string>): FieldSet {
  return new Map([...fields].filter(([id]) => !ids.has(id)));
}

function fieldConflict(owner: string, path: Path): Cause {
  const field = path
    .map((segment) => {
      if (typeof segment === "string") return `.${segment}`;
      return "member" in segment ? `[=${JSON.stringify(segment.member)}]` : `[${keysText(segment.keys)}]`;
    })
    .join("");
  const [operation, name] = owner.split(" ");
  const using = operation === "Update" ? " using update" : "";
  return { reason: "FieldManagerConflict", message: `conflict with "${name}"${using}`, field };
}

const keysText = (keys: JsonObject): string =>
  Object.entries(keys)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(",");
