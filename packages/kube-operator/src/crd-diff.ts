// What a new CustomResourceDefinition takes away from users of the old one: objects that were valid and no longer are,
// fields that get lost. Widening is silent. Knows no kind.
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from "./crd.ts";
import { type JsonSchema, sameJson } from "./json-schema.ts";

/** Each loss as `version path: what`; empty when every user of the old definition can use the new one. */
export function crdDiff(before: CustomResourceDefinition, after: CustomResourceDefinition): readonly string[] {
  const found: string[] = [];
  for (const part of ["group", "scope"] as const) {
    if (before.spec[part] !== after.spec[part]) found.push(`${part}: was ${before.spec[part]}, is ${after.spec[part]}`);
  }
  for (const part of ["kind", "plural"] as const) {
    const [was, is] = [before.spec.names[part], after.spec.names[part]];
    if (was !== is) found.push(`${part}: was ${was}, is ${is}`);
  }
  const removedNames = (before.spec.names.shortNames ?? []).filter(
    (name) => !after.spec.names.shortNames?.includes(name),
  );
  found.push(...removedNames.map((name) => `short name ${name}: removed`));
  for (const old of before.spec.versions.filter((version) => version.served)) {
    const next = after.spec.versions.find((version) => version.name === old.name && version.served);
    found.push(...(next === undefined ? [`${old.name}: is no longer served`] : versionDiff(old, next)));
  }
  return found;
}

function versionDiff(old: CustomResourceDefinitionVersion, next: CustomResourceDefinitionVersion): readonly string[] {
  const kept = new Set((next.selectableFields ?? []).map((field) => field.jsonPath));
  const selectors = (old.selectableFields ?? []).filter((field) => !kept.has(field.jsonPath));
  const subresources = (["status", "scale"] as const).filter(
    (name) => old.subresources?.[name] !== undefined && next.subresources?.[name] === undefined,
  );
  return [
    ...selectors.map((field) => `${old.name}: ${field.jsonPath} can no longer be selected by`),
    ...subresources.map((name) => `${old.name}: the subresource ${name} is gone`),
    ...[...losses(old.schema.openAPIV3Schema, next.schema.openAPIV3Schema, "")].map((line) => `${old.name} ${line}`),
  ];
}

const lowerBounds = ["minimum", "minLength", "minItems", "minProperties"] as const;
const upperBounds = ["maximum", "maxLength", "maxItems", "maxProperties"] as const;
/** Whatever changes here, some value that was taken may be refused. */
const exact = ["type", "pattern", "multipleOf", "allOf", "anyOf", "oneOf", "not"] as const;

function* losses(old: JsonSchema, next: JsonSchema, path: string): Generator<string> {
  const at = (what: string): string => `${path === "" ? "object" : path}: ${what}`;
  for (const keyword of exact) {
    if (next[keyword] === undefined && keyword !== "type") continue;
    if (!sameJson(old[keyword], next[keyword]))
      yield at(`${keyword} was ${text(old[keyword])}, is ${text(next[keyword])}`);
  }
  for (const keyword of lowerBounds) {
    const is = next[keyword];
    if (is !== undefined && is > (old[keyword] ?? Number.NEGATIVE_INFINITY)) yield at(`${keyword} rose to ${is}`);
  }
  for (const keyword of upperBounds) {
    const is = next[keyword];
    if (is !== undefined && is < (old[keyword] ?? Number.POSITIVE_INFINITY)) yield at(`${keyword} fell to ${is}`);
  }
  for (const keyword of ["exclusiveMinimum", "exclusiveMaximum"] as const) {
    if (next[keyword] === true && old[keyword] !== true) yield at(`${keyword} is new`);
  }
  if (next.format !== undefined && next.format !== old.format && !(old.format === "int32" && next.format === "int64")) {
    yield at(`format was ${text(old.format)}, is ${next.format}`);
  }
  if (next.enum !== undefined) {
    const removed = old.enum?.filter((value) => !next.enum?.some((kept) => sameJson(kept, value)));
    if (removed === undefined) yield at(`allows only ${text(next.enum)} now`);
    else for (const value of removed) yield at(`${text(value)} is no longer allowed`);
  }
  if (old.nullable === true && next.nullable !== true) yield at("may no longer be null");
  if (old.default !== undefined && !sameJson(old.default, next.default)) {
    yield at(`default was ${text(old.default)}, is ${text(next.default)}`);
  }
  for (const keyword of ["x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type"] as const) {
    if (!sameJson(old[keyword], next[keyword]))
      yield at(`${keyword} was ${text(old[keyword])}, is ${text(next[keyword])}`);
  }
  const known = new Set((old["x-kubernetes-validations"] ?? []).map((rule) => rule.rule));
  for (const { rule } of next["x-kubernetes-validations"] ?? []) {
    if (!known.has(rule)) yield at(`has the new rule ${rule}`);
  }
  for (const name of next.required ?? []) {
    const optional = old.required?.includes(name) !== true;
    if (optional && next.properties?.[name]?.default === undefined) yield at(`requires ${name} now`);
  }
  yield* childLosses(old, next, path);
}

function* childLosses(old: JsonSchema, next: JsonSchema, path: string): Generator<string> {
  const keepsUnknown = next["x-kubernetes-preserve-unknown-fields"] === true;
  if (old["x-kubernetes-preserve-unknown-fields"] === true && !keepsUnknown) {
    yield `${path === "" ? "object" : path}: unknown fields get lost now`;
  }
  for (const [name, property] of Object.entries(old.properties ?? {})) {
    const fieldPath = path === "" ? name : `${path}.${name}`;
    const successor = next.properties?.[name] ?? next.additionalProperties;
    if (successor !== undefined) yield* losses(property, successor, fieldPath);
    else if (!keepsUnknown) yield `${fieldPath}: removed`;
  }
  if (old.items !== undefined && next.items !== undefined) yield* losses(old.items, next.items, `${path}[]`);
  if (old.additionalProperties === undefined) return;
  if (next.additionalProperties !== undefined)
    yield* losses(old.additionalProperties, next.additionalProperties, `${path}.*`);
  else if (!keepsUnknown) yield `${path}.*: free names get lost now`;
}

function text(value: unknown): string {
  return value === undefined ? "absent" : JSON.stringify(value);
}
