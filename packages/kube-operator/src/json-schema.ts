// The dialect of JSON schema that CustomResourceDefinitions speak (structural schemas), and what the API server does
// with it: fill in defaults, prune, validate. Knows no kind. CEL rules are the server's alone.

export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: "FieldValueInvalid" | "FieldValueForbidden" | "FieldValueRequired" | "FieldValueDuplicate";
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

export interface JsonSchema {
  readonly title?: string;
  readonly description?: string;
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  readonly format?: string;
  readonly nullable?: boolean;
  readonly default?: unknown;
  readonly example?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly maximum?: number;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: JsonSchema;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema;
  readonly allOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly not?: JsonSchema;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-embedded-resource"?: boolean;
  readonly "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: "atomic" | "granular";
  readonly "x-kubernetes-validations"?: readonly ValidationRule[];
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `value` with every default that the schema has for what is absent. A null counts as absent unless it is allowed. */
export function withDefaults(schema: JsonSchema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((item) => withDefaults(items, item));
  }
  if (!isRecord(value)) return value;
  const result: Record<string, unknown> = { ...value };
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const absent = !Object.hasOwn(result, name) || (result[name] === null && property.nullable !== true);
    if (absent && property.default !== undefined) result[name] = structuredClone(property.default);
    if (Object.hasOwn(result, name)) result[name] = withDefaults(property, result[name]);
  }
  if (schema.additionalProperties !== undefined) {
    for (const name of Object.keys(result)) result[name] = withDefaults(schema.additionalProperties, result[name]);
  }
  return result;
}

/** `value` without the fields that the schema does not name. */
export function pruned(schema: JsonSchema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((item) => pruned(items, item));
  }
  if (!isRecord(value)) return value;
  const known = Object.entries(value).flatMap(([name, field]) => {
    const property =
      schema.properties !== undefined && Object.hasOwn(schema.properties, name)
        ? schema.properties[name]
        : schema.additionalProperties;
    if (property !== undefined) return [[name, pruned(property, field)] as const];
    const embedded = schema["x-kubernetes-embedded-resource"] === true && embeddedFields.has(name);
    return schema["x-kubernetes-preserve-unknown-fields"] === true || embedded ? [[name, field] as const] : [];
  });
  return Object.fromEntries(known);
}

const embeddedFields: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata"]);

/** What the server would refuse, each as `path: why`; empty when the value is valid. */
export function violations(schema: JsonSchema, value: unknown, path = ""): readonly string[] {
  const at = (why: string): string[] => [`${path === "" ? "value" : path}: ${why}`];
  if (value === null && schema.nullable === true) return [];
  if (schema.type !== undefined && !hasType(value, schema.type)) return at(`must be of type ${schema.type}`);

  const found: string[] = [];
  if (schema.enum !== undefined && !schema.enum.some((allowed) => sameJson(allowed, value))) {
    found.push(...at(`must be one of ${schema.enum.map((allowed) => JSON.stringify(allowed)).join(", ")}`));
  }
  found.push(...ownLimits(schema, value).flatMap(at));
  for (const part of schema.allOf ?? []) found.push(...violations(part, value, path));
  const matches = (part: JsonSchema): boolean => violations(part, value, path).length === 0;
  if (schema.anyOf !== undefined && !schema.anyOf.some(matches)) found.push(...at("matches none of the alternatives"));
  if (schema.oneOf !== undefined) {
    const count = schema.oneOf.filter(matches).length;
    if (count !== 1) found.push(...at(`must match exactly one of the alternatives, matches ${count}`));
  }
  if (schema.not !== undefined && matches(schema.not)) found.push(...at("matches what is excluded"));

  if (Array.isArray(value) && schema.items !== undefined) {
    for (const [i, item] of value.entries()) found.push(...violations(schema.items, item, `${path}[${i}]`));
  }
  if (isRecord(value)) {
    for (const name of schema.required ?? []) {
      if (!Object.hasOwn(value, name)) found.push(`${join(path, name)}: is required`);
    }
    for (const [name, field] of Object.entries(value)) {
      const property =
        schema.properties !== undefined && Object.hasOwn(schema.properties, name)
          ? schema.properties[name]
          : schema.additionalProperties;
      if (property !== undefined) found.push(...violations(property, field, join(path, name)));
    }
  }
  return found;
}

function ownLimits(schema: JsonSchema, value: unknown): readonly string[] {
  const found: string[] = [];
  const limit = (actual: number, min: number | undefined, max: number | undefined, what: string): void => {
    if (min !== undefined && actual < min) found.push(`must have at least ${min} ${what}`);
    if (max !== undefined && actual > max) found.push(`must have at most ${max} ${what}`);
  };
  if (typeof value === "string") {
    // The server counts code points.
    limit([...value].length, schema.minLength, schema.maxLength, "characters");
    if (schema.pattern !== undefined && !new RegExp(schema.pattern, "u").test(value)) {
      found.push(`must match ${schema.pattern}`);
    }
    if (schema.format === "date-time" && !/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d/.test(value)) {
      found.push("must be a date and time of RFC 3339");
    }
  } else if (typeof value === "number") {
    const { minimum, maximum, multipleOf } = schema;
    if (minimum !== undefined && (value < minimum || (schema.exclusiveMinimum === true && value === minimum))) {
      found.push(`must be ${schema.exclusiveMinimum === true ? "greater than" : "at least"} ${minimum}`);
    }
    if (maximum !== undefined && (value > maximum || (schema.exclusiveMaximum === true && value === maximum))) {
      found.push(`must be ${schema.exclusiveMaximum === true ? "less than" : "at most"} ${maximum}`);
    }
    if (multipleOf !== undefined && value % multipleOf !== 0) found.push(`must be a multiple of ${multipleOf}`);
  } else if (Array.isArray(value)) {
    limit(value.length, schema.minItems, schema.maxItems, "items");
    found.push(...duplicates(schema, value));
  } else if (isRecord(value)) {
    limit(Object.keys(value).length, schema.minProperties, schema.maxProperties, "entries");
  }
  return found;
}

function duplicates(schema: JsonSchema, items: readonly unknown[]): readonly string[] {
  const listType = schema["x-kubernetes-list-type"];
  if (listType !== "set" && listType !== "map") return [];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const identity = (item: unknown): string =>
    JSON.stringify(listType === "map" && isRecord(item) ? keys.map((key) => item[key]) : item);
  const seen = new Set<string>();
  return items.flatMap((item) => {
    const id = identity(item);
    if (seen.has(id)) return [`has ${id} twice`];
    seen.add(id);
    return [];
  });
}

function hasType(value: unknown, type: NonNullable<JsonSchema["type"]>): boolean {
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isRecord(value);
  if (type === "integer") return Number.isInteger(value);
  return typeof value === type;
}

/** Equality of what JSON can say; the order of fields does not count. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  if (isRecord(a) && isRecord(b)) {
    const names = Object.keys(a);
    return (
      names.length === Object.keys(b).length &&
      names.every((name) => Object.hasOwn(b, name) && sameJson(a[name], b[name]))
    );
  }
  return false;
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
