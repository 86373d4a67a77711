// zod → the structural schema of a CustomResourceDefinition. zod's own JSON schema says the same things in ways that
// the API server refuses; each such way is either rewritten here or refused with the path of the field.
// Knows nothing of the kind around the schema.
import * as z from "zod";
import { isRecord, type JsonSchema, sameJson } from "./json-schema.ts";

type Raw = Readonly<Record<string, unknown>>;

/** Kept as they are, in the order in which a reader of the YAML wants them. */
const keptAsIs: readonly (keyof JsonSchema)[] = [
  "title",
  "description",
  "nullable",
  "default",
  "example",
  "enum",
  "pattern",
  "minLength",
  "maxLength",
  "minimum",
  "exclusiveMinimum",
  "maximum",
  "exclusiveMaximum",
  "multipleOf",
  "minItems",
  "maxItems",
  "minProperties",
  "maxProperties",
  "required",
  "x-kubernetes-int-or-string",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-embedded-resource",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-map-type",
  "x-kubernetes-validations",
];

/** They say nothing that the API server would check, or what it does anyway. */
const dropped: ReadonlySet<string> = new Set([
  "$schema",
  "id",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
  "propertyNames",
  "contentEncoding",
]);

const rewritten: ReadonlySet<string> = new Set([
  "type",
  "format",
  "properties",
  "additionalProperties",
  "items",
  "anyOf",
  "oneOf",
  "allOf",
]);

/** Formats that zod and the API server read alike; of the others the pattern stays. */
const sharedFormats: ReadonlySet<string> = new Set(["email", "uri", "uuid", "ipv4", "ipv6"]);

/** A description, bounds and `x-kubernetes-*` come in by `.meta({…})`; defaults of nested objects by `.prefault({})`. */
export function structuralSchema(schema: z.ZodType): JsonSchema {
  const raw = z.toJSONSchema(schema, {
    target: "openapi-3.0",
    io: "input",
    reused: "inline",
    cycles: "throw",
    override({ zodSchema, path }) {
      const { type } = zodSchema._zod.def;
      if (type === "tuple" || type === "never") throw refusal(pathText(path), `a ${type} has no structural schema`);
    },
  });
  return convert(raw, "");
}

function convert(raw: Raw, path: string): JsonSchema {
  for (const name of Object.keys(raw)) {
    if (name === "$ref" || name === "$defs")
      throw refusal(path, "recursion and named schemas have no structural schema");
    const known = (keptAsIs as readonly string[]).includes(name) || rewritten.has(name) || dropped.has(name);
    if (!known) throw refusal(path, `"${name}" has no structural schema`);
  }
  const kept = Object.fromEntries(keptAsIs.flatMap((name) => (raw[name] === undefined ? [] : [[name, raw[name]]])));
  return inReadingOrder({ ...kept, ...shapeOf(raw, path) });
}

/** Everything that is not kept as it is. */
function shapeOf(raw: Raw, path: string): JsonSchema {
  if (raw["x-kubernetes-int-or-string"] === true) return intOrString;
  const alternatives = records(raw.oneOf ?? raw.anyOf);
  if (alternatives.length > 0) return union(alternatives, path);
  switch (raw.type) {
    case "object":
      return objectShape(raw, path);
    case "array":
      return isRecord(raw.items) ? { type: "array", items: convert(raw.items, `${path}[]`) } : { type: "array" };
    case "string":
      return stringShape(raw);
    case "integer":
      return integerShape(raw);
    case "number":
    case "boolean":
      return { type: raw.type };
    case undefined:
      return { "x-kubernetes-preserve-unknown-fields": true };
    default:
      throw refusal(path, `type ${JSON.stringify(raw.type)} has no structural schema`);
  }
}

function objectShape(raw: Raw, path: string): JsonSchema {
  const { properties, additionalProperties: rest } = raw;
  if (isRecord(properties)) {
    const fields = Object.entries(properties).map(([name, field]) => [
      name,
      convert(asRecord(field), join(path, name)),
    ]);
    // A strict object says `false`: the server prunes unknown fields anyway.
    if (rest === undefined || rest === false) return { type: "object", properties: Object.fromEntries(fields) };
    if (!isRecord(rest) || Object.keys(rest).length > 0) {
      throw refusal(path, "named fields beside a schema for all others have no structural schema");
    }
    const named = fields.length > 0 ? { properties: Object.fromEntries(fields) } : {};
    return { type: "object", ...named, "x-kubernetes-preserve-unknown-fields": true };
  }
  if (isRecord(rest)) return { type: "object", additionalProperties: convert(rest, `${path}.*`) };
  return { type: "object" };
}

function stringShape(raw: Raw): JsonSchema {
  const format = raw.format;
  // For times zod adds a pattern that is stricter than RFC 3339; the server's own check of the format is enough.
  if (format === "date-time" || format === "date") return { type: "string", format, ...without("pattern") };
  if (format === "base64") return { type: "string", format: "byte", ...without("pattern") };
  const shape: JsonSchema = { type: "string", ...(isShared(format) && { format }) };
  const patterns = records(raw.allOf).map((part) => ({ pattern: String(part.pattern) }));
  return patterns.length === 0 ? shape : { ...shape, allOf: patterns };
}

function isShared(format: unknown): format is string {
  return typeof format === "string" && sharedFormats.has(format);
}

/** zod writes the range of a JavaScript integer as bounds; here the format says it. */
function integerShape(raw: Raw): JsonSchema {
  const { minimum, maximum } = raw;
  const is32 = minimum === -2_147_483_648 || maximum === 2_147_483_647;
  return {
    type: "integer",
    format: is32 ? "int32" : "int64",
    ...(minimum === (is32 ? -2_147_483_648 : Number.MIN_SAFE_INTEGER) && without("minimum")),
    ...(maximum === (is32 ? 2_147_483_647 : Number.MAX_SAFE_INTEGER) && without("maximum")),
  };
}

/** The one form of a union of types that the server knows. */
const intOrString: JsonSchema = {
  anyOf: [{ type: "integer" }, { type: "string" }],
  "x-kubernetes-int-or-string": true,
};

function union(alternatives: readonly Raw[], path: string): JsonSchema {
  const branches = alternatives.map((branch) => convert(branch, path));
  const types = [...new Set(branches.map((branch) => branch.type))];
  const [type] = types;
  if (types.length === 1 && type === "object") {
    const closed = alternatives.map((branch) => branch.additionalProperties === false);
    return unionOfObjects(branches, closed, path);
  }
  if (types.length === 1 && type !== undefined && type !== "array") {
    if (branches.every((branch) => branch.enum !== undefined)) {
      return { type, enum: [...new Set(branches.flatMap((branch) => branch.enum ?? []))] };
    }
    return { type, anyOf: branches.map(checksOf) };
  }
  if (types.length === 2 && types.includes("integer") && types.includes("string")) {
    return Object.assign({}, ...branches.map(checksOf), intOrString);
  }
  throw refusal(path, `a union of ${types.join(" and ")} has no structural schema`);
}

/**
 * The fields of all branches stand outside; a branch only says which of them it requires, which values tell it from
 * the others, and, when its object is strict, which fields are not its own.
 */
function unionOfObjects(branches: readonly JsonSchema[], closed: readonly boolean[], path: string): JsonSchema {
  const names = [...new Set(branches.flatMap((branch) => Object.keys(branch.properties ?? {})))];
  const telling = new Set<string>();
  const properties = names.map((name) => {
    const variants = branches.flatMap((branch) => branch.properties?.[name] ?? []);
    const [first, ...others] = variants.map(({ enum: _, description: __, ...rest }) => rest);
    if (first === undefined || others.some((other) => !sameJson(first, other))) {
      throw refusal(join(path, name), "differs between the alternatives: give each its own name");
    }
    const description = variants.find((variant) => variant.description !== undefined)?.description;
    const enums = variants.map((variant) => variant.enum);
    const values = enums.every((each) => each !== undefined) ? [...new Set(enums.flat())] : undefined;
    if (enums.some((each) => !sameJson(each, enums[0]))) telling.add(name);
    const merged = { ...first, ...(description !== undefined && { description }), ...(values && { enum: values }) };
    return [name, inReadingOrder(merged)] as const;
  });
  const required = names.filter((name) => branches.every((branch) => branch.required?.includes(name)));
  const oneOf = branches.map((branch, i): JsonSchema => {
    const own = branch.properties ?? {};
    const tells = names.filter((name) => telling.has(name) && own[name]?.enum !== undefined);
    const needs = (branch.required ?? []).filter((name) => !required.includes(name));
    const foreign = closed[i] ? names.filter((name) => !Object.hasOwn(own, name)) : [];
    return {
      ...(tells.length > 0 && {
        properties: Object.fromEntries(tells.map((name) => [name, checksOf(own[name] ?? {})])),
      }),
      ...(needs.length > 0 && { required: needs }),
      ...(foreign.length > 0 && { not: { anyOf: foreign.map((name) => ({ required: [name] })) } }),
    };
  });
  const loose = branches.some((branch) => branch["x-kubernetes-preserve-unknown-fields"] === true);
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    ...(required.length > 0 && { required }),
    ...(loose && { "x-kubernetes-preserve-unknown-fields": true }),
    oneOf,
  };
}

/** What of a schema may stand inside anyOf, allOf, oneOf and not: checks, but neither types nor words nor defaults. */
function checksOf(schema: JsonSchema): JsonSchema {
  const { type: _, title: __, description: ___, default: ____, format, nullable: _____, ...rest } = schema;
  return Object.fromEntries(Object.entries(rest).filter(([name]) => !name.startsWith("x-kubernetes-")));
}

function inReadingOrder(schema: JsonSchema): JsonSchema {
  const order = ["title", "description", "type", "format", ...keptAsIs];
  const known = Object.entries(schema).filter(([, value]) => value !== undefined);
  const rank = ([name]: readonly [string, unknown]): number =>
    order.includes(name) ? order.indexOf(name) : order.length;
  return Object.fromEntries(known.toSorted((a, b) => rank(a) - rank(b)));
}

/** Takes a keyword away again that was kept. */
function without(keyword: keyof JsonSchema): JsonSchema {
  return { [keyword]: undefined };
}

function records(value: unknown): readonly Raw[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function asRecord(value: unknown): Raw {
  return isRecord(value) ? value : {};
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function pathText(path: readonly (string | number)[]): string {
  return path.filter((part) => part !== "properties").join(".");
}

function refusal(path: string, why: string): TypeError {
  return new TypeError(`${path === "" ? "the schema" : path}: ${why}`);
}
