// A CustomResourceDefinition → the kind that it adds. One stored form serves all versions (conversion strategy None).

import type { JsonSchema } from "../src/json-schema.ts";
import { badRequest } from "./api-errors.ts";
import type { Kind } from "./builtin-kinds.ts";
import { isObject, type JsonObject } from "./json.ts";

/** One kind for each version that is served. */
export function kindsOfDefinition(definition: JsonObject): readonly Kind[] {
  const spec = isObject(definition.spec) ? definition.spec : {};
  const names = isObject(spec.names) ? spec.names : {};
  const { group, scope } = spec;
  const { kind, plural } = names;
  if (typeof group !== "string" || typeof kind !== "string" || typeof plural !== "string") {
    throw badRequest("a CustomResourceDefinition needs spec.group, spec.names.kind and spec.names.plural");
  }
  const versions: readonly unknown[] = Array.isArray(spec.versions) ? spec.versions : [];
  return versions.filter(isObject).flatMap((version) => {
    if (version.served !== true || typeof version.name !== "string") return [];
    const schema = isObject(version.schema) ? version.schema.openAPIV3Schema : undefined;
    const fields: readonly unknown[] = Array.isArray(version.selectableFields) ? version.selectableFields : [];
    return [
      {
        resource: { group, version: version.name, kind, plural, namespaced: scope === "Namespaced" },
        hasStatus: isObject(version.subresources) && isObject(version.subresources.status),
        hasGeneration: true,
        unconditionalUpdate: false,
        defaultPropagation: "Background",
        selectableFields: fields
          .filter(isObject)
          .flatMap(({ jsonPath }) => (typeof jsonPath === "string" ? [jsonPath.slice(1)] : [])),
        ...(isObject(schema) && { schema: schema as JsonSchema }),
      },
    ];
  });
}
