// How the API server refuses by a structural schema: unknown fields by their paths, what is invalid by causes.
// Does not run CEL rules (x-kubernetes-validations): these belong to tests on a real API server.
import { type JsonSchema, sameJson } from "../src/json-schema.ts";
import type { Cause } from "./api-errors.ts";
import { isObject, isStored, type JsonObject } from "./json.ts";

const at = (path: string, field: string): string => (path === "" ? field : `${path}.${field}`);

/** The schema of a field, or undefined when the field is unknown. */
export function schemaOfField(schema: JsonSchema, field: string): JsonSchema | undefined {
  return schema.properties?.[field] ?? schema.additionalProperties;
}

/** Removes the fields that the schema does not know, in place, and says which. */
export function prune(value: unknown, schema: JsonSchema, path = ""): readonly string[] {
  if (Array.isArray(value)) {
    const items = schema.items;
    return items === undefined ? [] : value.flatMap((item, index) => prune(item, items, `${path}[${index}]`));
  }
  if (!isObject(value) || isStored(value)) return [];
  const unknown: string[] = [];
  for (const [field, part] of Object.entries(value)) {
    // The server itself knows what these are, at the root and in embedded objects.
    const isObjectRoot = path === "" || schema["x-kubernetes-embedded-resource"] === true;
    if (isObjectRoot && ["apiVersion", "kind", "metadata"].includes(field)) continue;
    const known = schemaOfField(schema, field);
    if (known !== undefined) unknown.push(...prune(part, known, at(path, field)));
    else if (schema["x-kubernetes-preserve-unknown-fields"] !== true) {
      unknown.push(at(path, field));
      delete value[field];
    }
  }
  return unknown;
}

/** Everything that is wrong with a value, in the server's words. */
export function validate(value: unknown, schema: JsonSchema, path = ""): readonly Cause[] {
  if ((value === null && schema.nullable === true) || isStored(value)) return [];
  const wrongType = typeError(value, schema, path);
  if (wrongType !== undefined) return [wrongType];
  const causes: Cause[] = [];
  const refuse = (message: string, reason = "FieldValueInvalid", field = path): void => {
    causes.push({ reason, message, field });
  };
  const invalid = (why: string): void => refuse(`Invalid value: ${JSON.stringify(value)}: ${path} in body ${why}`);

  if (schema.enum !== undefined && !schema.enum.some((allowed) => sameJson(allowed, value))) {
    const allowed = schema.enum.map((one) => JSON.stringify(one)).join(", ");
    refuse(`Unsupported value: ${JSON.stringify(value)}: supported values: ${allowed}`, "FieldValueNotSupported");
  }
  if (typeof value === "number") for (const why of numberErrors(value, schema)) invalid(why);
  if (typeof value === "string") for (const why of stringErrors(value, schema)) invalid(why);
  if (Array.isArray(value)) {
    if (value.length < (schema.minItems ?? 0)) invalid(`should have at least ${schema.minItems} items`);
    if (value.length > (schema.maxItems ?? Infinity))
      refuse(`Too many: ${value.length}: must have at most ${schema.maxItems} items`, "FieldValueTooMany");
    causes.push(...duplicates(value, schema, path));
    const items = schema.items;
    if (items !== undefined) causes.push(...value.flatMap((item, index) => validate(item, items, `${path}[${index}]`)));
  }
  if (isObject(value)) {
    const size = Object.keys(value).length;
    if (size < (schema.minProperties ?? 0)) invalid(`should have at least ${schema.minProperties} properties`);
    if (size > (schema.maxProperties ?? Infinity))
      refuse(`Too many: ${size}: must have at most ${schema.maxProperties} items`, "FieldValueTooMany");
    for (const field of schema.required ?? []) {
      if (value[field] === undefined) refuse("Required value", "FieldValueRequired", at(path, field));
    }
    for (const [field, part] of Object.entries(value)) {
      const known = schemaOfField(schema, field);
      if (known !== undefined) causes.push(...validate(part, known, at(path, field)));
    }
  }
  const holds = (branch: JsonSchema): boolean => validate(value, branch, path).length === 0;
  for (const branch of schema.allOf ?? []) causes.push(...validate(value, branch, path));
  if (schema.anyOf !== undefined && !schema.anyOf.some(holds)) invalid("must validate at least one schema (anyOf)");
  if (schema.oneOf !== undefined && schema.oneOf.filter(holds).length !== 1) {
    invalid("must validate one and only one schema (oneOf)");
  }
  if (schema.not !== undefined && holds(schema.not)) invalid("must not validate the schema (not)");
  return causes;
}

function typeError(value: unknown, schema: JsonSchema, path: string): Cause | undefined {
  const actual = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
  const wanted = schema["x-kubernetes-int-or-string"] === true ? "integer,string" : schema.type;
  const fits = (type: string): boolean =>
    type === "integer" ? Number.isInteger(value) : type === "number" ? actual === "number" : type === actual;
  if (wanted === undefined || wanted.split(",").some(fits)) return undefined;
  return {
    reason: "FieldValueTypeInvalid",
    message: `Invalid value: "${actual}": ${path} in body must be of type ${wanted}: "${actual}"`,
    field: path,
  };
}

function* numberErrors(value: number, schema: JsonSchema): Iterable<string> {
  const { minimum, maximum, multipleOf } = schema;
  if (minimum !== undefined && (schema.exclusiveMinimum === true ? value <= minimum : value < minimum)) {
    yield `should be greater than ${schema.exclusiveMinimum === true ? "" : "or equal to "}${minimum}`;
  }
  if (maximum !== undefined && (schema.exclusiveMaximum === true ? value >= maximum : value > maximum)) {
    yield `should be less than ${schema.exclusiveMaximum === true ? "" : "or equal to "}${maximum}`;
  }
  if (multipleOf !== undefined && value % multipleOf !== 0) yield `should be a multiple of ${multipleOf}`;
  if (schema.format === "int32" && Math.abs(value) > 2 ** 31) yield "must be of type int32";
}

function* stringErrors(value: string, schema: JsonSchema): Iterable<string> {
  const length = [...value].length;
  if (length < (schema.minLength ?? 0)) yield `should be at least ${schema.minLength} chars long`;
  if (length > (schema.maxLength ?? Infinity)) yield `may not be more than ${schema.maxLength} bytes`;
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, "u").test(value)) {
    yield `should match '${schema.pattern}'`;
  }
  if (schema.format === "date-time" && Number.isNaN(Date.parse(value))) yield "must be of type date-time";
}

function duplicates(items: readonly unknown[], schema: JsonSchema, path: string): readonly Cause[] {
  const type = schema["x-kubernetes-list-type"];
  if (type !== "set" && type !== "map") return [];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const identity = (item: unknown): string =>
    type === "set" ? JSON.stringify(item) : JSON.stringify(keys.map((key) => (isObject(item) ? item[key] : undefined)));
  const seen = new Set<string>();
  return items.flatMap((item, index) => {
    const one = identity(item);
    if (seen.has(one)) {
      const message = `Duplicate value: ${type === "set" ? one : JSON.stringify(keyFields(item, keys))}`;
      return [{ reason: "FieldValueDuplicate", message, field: `${path}[${index}]` }];
    }
    seen.add(one);
    return [];
  });
}

export function keyFields(item: unknown, keys: readonly string[]): JsonObject {
  return Object.fromEntries(keys.map((key) => [key, isObject(item) ? item[key] : undefined]));
}
