// What a structural schema must keep so that the API server takes it and `kubectl explain` reads well. Each check
// returns a list of `path: why`. Knows nothing of zod: it also checks a schema that was written by hand.
import { type JsonSchema, pruned, sameJson, violations, withDefaults } from "./json-schema.ts";

/** Everything that makes a schema unfit; empty when all is well. */
export function schemaProblems(schema: JsonSchema): readonly string[] {
  return [...nodes(schema)].flatMap(({ path, node, isField }) => {
    const described = isField && path !== "metadata" && !node.description ? ["has no description"] : [];
    const why = [...described, ...shapeProblems(node), ...listProblems(node), ...defaultProblems(node)];
    const patterns = [node.pattern, ...(node.allOf ?? []).map((part) => part.pattern)];
    for (const pattern of patterns) {
      const problem = pattern === undefined ? undefined : re2Problem(pattern);
      if (problem !== undefined) why.push(`its pattern has ${problem}, which RE2 does not know`);
    }
    return why.map((text) => `${path}: ${text}`);
  });
}

/**
 * Strings, lists and maps without an upper bound. The server refuses a CEL rule that loops over one, as it must assume
 * the largest; an enum or a format bounds a string.
 */
export function unboundedFields(schema: JsonSchema): readonly string[] {
  return [...nodes(schema)].flatMap(({ path, node }) => {
    const textual = node.type === "string" || node["x-kubernetes-int-or-string"] === true;
    const limited = node.maxLength !== undefined || node.enum !== undefined || node.format?.startsWith("date") === true;
    if (textual && !limited) return [`${path}: has no maxLength`];
    if (node.type === "array" && node.maxItems === undefined) return [`${path}: has no maxItems`];
    if (node.additionalProperties !== undefined && node.maxProperties === undefined)
      return [`${path}: has no maxProperties`];
    return [];
  });
}

/** What of JavaScript's regular expressions RE2 refuses, or undefined. */
export function re2Problem(pattern: string): string | undefined {
  for (const [token] of pattern.matchAll(/\\[1-9ukc]|\\.|\(\?<?[=!]|\{\d+(?:,\d*)?\}|\[\^?\]/gs)) {
    if (/^\\[1-9k]/.test(token)) return `the backreference ${token}`;
    if (/^\\[uc]/.test(token)) return `the escape ${token}`;
    if (token.startsWith("(?")) return `the look-around ${token}`;
    if (token.startsWith("[")) return `the empty class ${token}`;
    if (token.startsWith("{") && (token.match(/\d+/g) ?? []).some((count) => Number(count) > 1000)) {
      return `the count ${token} over 1000`;
    }
  }
  return undefined;
}

interface Node {
  readonly path: string;
  readonly node: JsonSchema;
  /** A named field, as opposed to the root and to the items of a list or map. */
  readonly isField: boolean;
}

function* nodes(node: JsonSchema, path = "", isField = false): Generator<Node> {
  yield { path: path === "" ? "the schema" : path, node, isField };
  for (const [name, property] of Object.entries(node.properties ?? {})) {
    yield* nodes(property, path === "" ? name : `${path}.${name}`, true);
  }
  if (node.items !== undefined) yield* nodes(node.items, `${path}[]`);
  if (node.additionalProperties !== undefined) yield* nodes(node.additionalProperties, `${path}.*`);
}

/** The rules for structural schemas of the API server's documentation. */
function shapeProblems(node: JsonSchema): readonly string[] {
  const found: string[] = [];
  const untyped = node["x-kubernetes-int-or-string"] === true || node["x-kubernetes-preserve-unknown-fields"] === true;
  if (node.type === undefined && !untyped) found.push("has no type");
  if (node.type !== undefined && node["x-kubernetes-int-or-string"] === true)
    found.push("has a type beside int-or-string");
  if (node.properties !== undefined && node.additionalProperties !== undefined) {
    found.push("has both named fields and a schema for all others");
  }
  if (node.type === "array" && node.items === undefined) found.push("is a list without a schema for its items");
  for (const name of node.required ?? []) {
    if (node.properties !== undefined && !Object.hasOwn(node.properties, name))
      found.push(`requires ${name}, which it does not have`);
  }
  const parts = [node.allOf, node.anyOf, node.oneOf].flatMap((each) => each ?? []);
  if (node["x-kubernetes-int-or-string"] !== true) {
    for (const part of [...parts, ...(node.not === undefined ? [] : [node.not])])
      found.push(...partProblems(part, node));
  }
  return found;
}

/** Inside a combination only checks may stand, and only on fields that stand outside too. */
function partProblems(part: JsonSchema, outside: JsonSchema): readonly string[] {
  const keywords = ["type", "default", "title", "description", "nullable", "additionalProperties"] as const;
  const forbidden = Object.keys(part).filter(
    (keyword) => (keywords as readonly string[]).includes(keyword) || keyword.startsWith("x-kubernetes-"),
  );
  const found = forbidden.map((keyword) => `has ${keyword} inside a combination`);
  for (const [name, property] of Object.entries(part.properties ?? {})) {
    const counterpart = outside.properties?.[name];
    if (counterpart === undefined) found.push(`has ${name} inside a combination only`);
    else found.push(...partProblems(property, counterpart));
  }
  if (part.items !== undefined) found.push(...partProblems(part.items, outside.items ?? {}));
  const inner = [part.allOf, part.anyOf, part.oneOf].flatMap((each) => each ?? []);
  for (const each of [...inner, ...(part.not === undefined ? [] : [part.not])])
    found.push(...partProblems(each, outside));
  return found;
}

function listProblems(node: JsonSchema): readonly string[] {
  if (node["x-kubernetes-list-type"] !== "map") return [];
  const keys = node["x-kubernetes-list-map-keys"] ?? [];
  if (keys.length === 0) return ["is a list of type map without keys"];
  return keys.flatMap((key) => {
    const field = node.items?.properties?.[key];
    if (field === undefined) return [`has the key ${key}, which its items do not have`];
    const present = node.items?.required?.includes(key) === true || field.default !== undefined;
    return present ? [] : [`has the key ${key}, which is neither required nor has a default`];
  });
}

/** A default must be what the server would make of it: complete, without unknown fields, and valid. */
function defaultProblems(node: JsonSchema): readonly string[] {
  if (node.default === undefined) return [];
  if (!sameJson(pruned(node, node.default), node.default)) return ["its default has unknown fields"];
  return violations(node, withDefaults(node, node.default), "its default");
}
