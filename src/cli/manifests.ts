// Manifests as people write them: YAML with several documents, JSON, Lists. Does not know what they are about.
import type { KubeObject } from "@dsl/kube-operator";

/** Throws an Error that says which document is no object. */
export async function manifestsOf(text: string): Promise<readonly KubeObject[]> {
  // Loaded only here: most calls read no YAML.
  const { parseAllDocuments } = await import("yaml");
  const documents = parseAllDocuments(text, { schema: "core" });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document, index) => {
    const [error] = document.errors;
    if (error !== undefined) throw new Error(error.message);
    const value: unknown = document.toJS();
    return value === null || value === undefined ? [] : objectsIn(value, `document ${index + 1}`);
  });
}

function objectsIn(value: unknown, where: string): readonly KubeObject[] {
  if (typeof value !== "object" || value === null) throw new Error(`${where} is no object`);
  const { apiVersion, kind, metadata, items } = value as Partial<KubeObject> & { readonly items?: unknown };
  if (typeof kind !== "string" || typeof apiVersion !== "string")
    throw new Error(`${where} has no apiVersion and kind`);
  if (kind.endsWith("List") && Array.isArray(items)) {
    return items.flatMap((item, index) => objectsIn(item, `${where}, item ${index + 1}`));
  }
  if (typeof metadata?.name !== "string") throw new Error(`${where}, a ${kind}, has no metadata.name`);
  return [value as KubeObject];
}
