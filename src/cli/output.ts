// Prints whole objects as kubectl's `-o json|yaml|name` does.
import type { KubeObject } from "@dsl/kube-operator";

export const objectFormats = ["json", "yaml", "name"] as const;

export async function objectText(object: KubeObject, format: string): Promise<string> {
  if (format === "name") return `${nameText(object)}\n`;
  return structureText(object, format);
}

/** Several objects, as a List; names a line each. */
export async function objectsText(objects: readonly KubeObject[], format: string): Promise<string> {
  if (format === "name") return objects.map((object) => `${nameText(object)}\n`).join("");
  return structureText({ apiVersion: "v1", kind: "List", metadata: {}, items: objects }, format);
}

export async function structureText(value: unknown, format: string): Promise<string> {
  if (format !== "yaml") return `${JSON.stringify(value, undefined, 2)}\n`;
  // Loaded only here: most calls print no YAML.
  const { stringify } = await import("yaml");
  return stringify(value, { lineWidth: 0 });
}

function nameText({ apiVersion, kind, metadata }: KubeObject): string {
  const group = apiVersion.includes("/") ? `.${apiVersion.slice(0, apiVersion.indexOf("/"))}` : "";
  return `${kind.toLowerCase()}${group}/${metadata.name}`;
}
