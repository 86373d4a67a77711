// What the API server makes of a manifest before it stores it: metadata, generation, schema, what each endpoint may
// change. Pure: an object in, an object out, or the server's refusal.

import { type JsonSchema, sameJson, withDefaults } from "../src/json-schema.ts";
import type { KubeObject, ObjectMeta, Resource } from "../src/object.ts";
import { badRequest, type Cause, conflict, invalid } from "./api-errors.ts";
import type { Kind } from "./builtin-kinds.ts";
import { jobStatusErrors, withJobLabels } from "./job-rules.ts";
import { copyOf, isObject, type JsonObject } from "./json.ts";
import { prune, validate } from "./schema.ts";

export type FieldValidation = "Strict" | "Warn" | "Ignore";

/** An object whose fields can be read by name. */
export type StoredObject = KubeObject & JsonObject;

/** RFC 3339 in whole seconds, as the server writes times. */
export const timestamp = (nowMs: number): string => `${new Date(nowMs).toISOString().slice(0, 19)}Z`;

export function objectForCreate(
  kind: Kind,
  manifest: JsonObject,
  given: { readonly uid: string; readonly nowMs: number; readonly fieldValidation: FieldValidation },
): StoredObject {
  const draft = copyOf(manifest);
  checkKind(kind.resource, draft);
  // A body without a status subresource's content: it is filled in later, by whoever observes.
  if (kind.hasStatus) delete draft.status;
  const metadata: ObjectMeta = {
    ...(draft.metadata as ObjectMeta),
    uid: given.uid,
    resourceVersion: "",
    creationTimestamp: timestamp(given.nowMs),
    ...(kind.hasGeneration && { generation: 1 }),
  };
  const object = { ...draft, metadata: withoutServerFields(metadata, kind) } as StoredObject;
  if (isPod(kind)) object.status = { phase: "Pending" };
  if (isNamespace(kind)) Object.assign(object, { spec: { finalizers: ["kubernetes"] }, status: { phase: "Active" } });
  return checked(kind, isJob(kind) ? withJobLabels(object) : object, given.fieldValidation);
}

/** The new state that a PUT or a patch asks for, given what its endpoint may change. `incoming` is the store's own by now. */
export function objectForUpdate(
  kind: Kind,
  old: StoredObject,
  incoming: JsonObject,
  given: { readonly subresource: string | undefined; readonly fieldValidation: FieldValidation },
): StoredObject {
  const { resource } = kind;
  checkKind(resource, incoming);
  const asked = isObject(incoming.metadata) ? incoming.metadata : {};
  if (asked.name !== old.metadata.name) {
    throw badRequest(
      `the name of the object (${asked.name}) does not match the name on the URL (${old.metadata.name})`,
    );
  }
  if (asked.uid !== undefined && asked.uid !== old.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${asked.uid}, UID in object meta: ${old.metadata.uid}`;
    throw conflict(resource, old.metadata.name, why);
  }
  const statusOnly = given.subresource === "status";
  const object = (statusOnly ? { ...old } : { ...incoming }) as StoredObject;
  if (statusOnly || kind.hasStatus) {
    const status = statusOnly ? incoming.status : old.status;
    if (status === undefined) delete object.status;
    else object.status = status;
  }
  const metadata = statusOnly ? statusMetadata(kind, old, incoming) : object.metadata;
  Object.assign(object, { metadata: updatedMetadata(old, metadata) });
  const result = checked(kind, object, given.fieldValidation);
  const causes = statusOnly && isJob(kind) ? jobStatusErrors(old, result) : [];
  if (causes.length > 0) throw invalid(resource, old.metadata.name, causes);
  if (kind.hasGeneration && !sameJson(desiredState(kind, old), desiredState(kind, result))) {
    return { ...result, metadata: { ...result.metadata, generation: (old.metadata.generation ?? 0) + 1 } };
  }
  return result;
}

/** The status endpoint of a Job resets its spec alone (Kubernetes 1.36: pkg/registry/batch/job/strategy.go). */
function statusMetadata(kind: Kind, old: StoredObject, incoming: JsonObject): ObjectMeta {
  return isJob(kind) && isObject(incoming.metadata) ? copyOf(incoming as StoredObject).metadata : old.metadata;
}

/** The server's own fields stay as they are; what is being deleted takes no new finalizers. */
function updatedMetadata(old: StoredObject, incoming: ObjectMeta): ObjectMeta {
  const { uid, creationTimestamp, resourceVersion, generation, deletionTimestamp } = old.metadata;
  const { deletionTimestamp: _, generation: __, ...rest } = incoming;
  return {
    ...rest,
    ...(old.metadata.namespace !== undefined && { namespace: old.metadata.namespace }),
    uid,
    creationTimestamp,
    resourceVersion,
    ...(generation !== undefined && { generation }),
    ...(deletionTimestamp !== undefined && { deletionTimestamp }),
  };
}

export function checkFinalizers(resource: Resource, old: KubeObject, next: KubeObject): void {
  if (old.metadata.deletionTimestamp === undefined) return;
  const before = old.metadata.finalizers ?? [];
  const added = (next.metadata.finalizers ?? []).filter((finalizer) => !before.includes(finalizer));
  if (added.length === 0) return;
  const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${added
    .map((finalizer) => JSON.stringify(finalizer))
    .join(", ")}}`;
  throw invalid(resource, next.metadata.name, [
    { reason: "FieldValueForbidden", message, field: "metadata.finalizers" },
  ]);
}

export const isPod = ({ resource }: Kind): boolean => resource.kind === "Pod" && resource.group === "";
const isJob = ({ resource }: Kind): boolean => resource.kind === "Job" && resource.group === "batch";
export const isNamespace = ({ resource }: Kind): boolean => resource.kind === "Namespace" && resource.group === "";

function desiredState(kind: Kind, object: StoredObject): JsonObject {
  const { metadata: _, status, ...desired } = object as JsonObject;
  return kind.hasStatus ? desired : { ...desired, status };
}

function checkKind(resource: Resource, body: JsonObject): void {
  if (body.kind === resource.kind) return;
  throw badRequest(
    `the object provided is unrecognized (must be of type ${resource.kind}): ${JSON.stringify(body.kind)}`,
  );
}

function withoutServerFields({ deletionTimestamp: _, generation, ...metadata }: ObjectMeta, kind: Kind): ObjectMeta {
  return { ...metadata, ...(kind.hasGeneration && generation !== undefined && { generation }) };
}

function checked(kind: Kind, object: StoredObject, fieldValidation: FieldValidation): StoredObject {
  const causes = metadataErrors(object.metadata);
  if (kind.schema === undefined) {
    if (causes.length > 0) throw invalid(kind.resource, object.metadata.name, causes);
    return object;
  }
  const checkedObject = bySchema(object, kind.schema, fieldValidation);
  const all = [...causes, ...validate(withoutMetadata(checkedObject), kind.schema)];
  if (all.length > 0) throw invalid(kind.resource, object.metadata.name, all);
  return checkedObject;
}

function bySchema(object: StoredObject, schema: JsonSchema, fieldValidation: FieldValidation): StoredObject {
  const unknown = prune(object, schema);
  if (unknown.length > 0 && fieldValidation === "Strict") {
    throw badRequest(`strict decoding error: ${unknown.map((field) => `unknown field "${field}"`).join(", ")}`);
  }
  return withDefaults(schema, object) as StoredObject;
}

/** Metadata is checked by its own rules; a schema that mentions it mostly says that it is an object. */
function withoutMetadata(object: StoredObject): JsonObject {
  return { ...object, metadata: {} };
}

const nameForm = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const rbacNameForm = /^[^/%]+$/;
const labelForm = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;

function metadataErrors({ name, labels = {} }: ObjectMeta): readonly Cause[] {
  const causes: Cause[] = [];
  const refuse = (field: string, value: string, why: string): void => {
    causes.push({ reason: "FieldValueInvalid", message: `Invalid value: "${value}": ${why}`, field });
  };
  // Roles may have names with a colon; no other kind here may.
  const form = name.startsWith("system:") ? rbacNameForm : nameForm;
  if (name.length > 253) refuse("metadata.name", name, "must be no more than 253 characters");
  if (!form.test(name)) {
    refuse(
      "metadata.name",
      name,
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'",
    );
  }
  for (const value of Object.values(labels)) {
    if (value.length > 63) refuse("metadata.labels", value, "must be no more than 63 characters");
    if (!labelForm.test(value)) {
      refuse(
        "metadata.labels",
        value,
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'",
      );
    }
  }
  return causes;
}
