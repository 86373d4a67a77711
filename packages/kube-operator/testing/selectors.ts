// Label and field selectors as the API server reads them. Knows no kind: the caller says which fields can be selected.
import type { ListOptions } from "../src/kube-api.ts";
import type { KubeObject } from "../src/object.ts";
import { badRequest } from "./api-errors.ts";
import { isObject } from "./json.ts";

export type Selector = (object: KubeObject) => boolean;

/** What a list or a watch asks for. */
export function selectorOf(
  { namespace, labelSelector, fieldSelector }: Pick<ListOptions, "namespace" | "labelSelector" | "fieldSelector">,
  selectable: readonly string[],
): Selector {
  const hasLabels = labelSelector ? parseLabelSelector(labelSelector) : () => true;
  const hasFields = fieldSelector ? parseFieldSelector(fieldSelector, selectable) : () => true;
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) && hasLabels(object) && hasFields(object);
}

function parseLabelSelector(text: string): Selector {
  // A comma in parentheses separates the values of one requirement, not requirements.
  const requirements = text.split(/,(?![^(]*\))/).map((part) => labelRequirement(part.trim()));
  return (object) => requirements.every((holds) => holds(object.metadata.labels ?? {}));
}

function labelRequirement(text: string): (labels: Readonly<Record<string, string>>) => boolean {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(text);
  if (set !== null) {
    const [, name = "", operator, list = ""] = set;
    const values = list.split(",").map((value) => value.trim());
    return (labels) => values.includes(labels[name] ?? absent) === (operator === "in");
  }
  const equality = /^([^!=\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(text);
  if (equality !== null) {
    const [, name = "", operator, value = ""] = equality;
    return (labels) => (labels[name] === value) === (operator !== "!=");
  }
  if (/^!?[^\s!=(),]+$/.test(text)) {
    const wanted = !text.startsWith("!");
    const name = wanted ? text : text.slice(1);
    return (labels) => Object.hasOwn(labels, name) === wanted;
  }
  throw badRequest(`unable to parse requirement: ${text}`);
}

/** No label value: values hold no spaces. */
const absent = " ";

function parseFieldSelector(text: string, selectable: readonly string[]): Selector {
  const requirements = text.split(",").map((part) => {
    const match = /^([^!=]+)(==|=|!=)(.*)$/.exec(part.trim());
    if (match === null) throw badRequest(`invalid selector: '${part}'; can't understand '${part}'`);
    const [, path = "", operator, value = ""] = match;
    if (!["metadata.name", "metadata.namespace", ...selectable].includes(path)) {
      throw badRequest(`field label not supported: ${path}`);
    }
    return (object: KubeObject) => (textAt(object, path) === value) === (operator !== "!=");
  });
  return (object) => requirements.every((holds) => holds(object));
}

function textAt(object: KubeObject, path: string): string {
  let value: unknown = object;
  for (const field of path.split(".")) value = isObject(value) ? value[field] : undefined;
  return value === undefined || value === null ? "" : String(value);
}
