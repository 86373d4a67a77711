// Server-side apply: writes the fields that its manager answers for and leaves all others alone. Nothing is sent when
// the cache shows them in place. Knows no kind.
import { isRecord } from "./json-schema.ts";
import type { KubeApi, RequestOptions } from "./kube-api.ts";
import { apiVersionOf, type KubeObject, keyOf, type Manifest, type Resource } from "./object.ts";
import type { Store } from "./store.ts";

/** Without apiVersion and kind, which the resource knows. */
export type AppliedFields = { readonly metadata: Manifest["metadata"]; readonly [field: string]: unknown };

export interface ApplyOptions<T extends KubeObject> extends RequestOptions {
  /** Always the same for the same fields: a field that a manager no longer sends is removed. */
  readonly fieldManager: string;
  readonly subresource?: string;
  /** Of whole objects. It says when there is nothing to do, and learns the answer at once. */
  readonly store?: Store<T>;
}

/**
 * Returns the object as it is then. A field that others manage is taken over: an operator answers for what it writes.
 * Beware with a store: that a field is no longer sent is not seen there, so removing one takes a call without it.
 */
export async function apply<T extends KubeObject>(
  api: KubeApi,
  resource: Resource<T>,
  fields: AppliedFields,
  { store, ...options }: ApplyOptions<T>,
): Promise<T> {
  const key = keyOf(fields);
  const stored = store?.get(key);
  if (stored !== undefined && hasFields(stored, fields)) return stored;
  const body = { ...fields, apiVersion: apiVersionOf(resource), kind: resource.kind };
  const applied = await api.patch(resource, key, { type: "apply", body, force: true }, options);
  store?.learn(applied);
  return applied;
}

/** Whether all of `fields` stand in `object`; what stands there beyond does not count. Lists must have equal lengths. */
export function hasFields(object: unknown, fields: unknown): boolean {
  if (isRecord(fields)) {
    if (!isRecord(object)) return false;
    return Object.entries(fields).every(([name, field]) => field === undefined || hasFields(object[name], field));
  }
  if (Array.isArray(fields)) {
    return (
      Array.isArray(object) &&
      object.length === fields.length &&
      fields.every((field, i) => hasFields(object[i], field))
    );
  }
  return object === fields;
}
