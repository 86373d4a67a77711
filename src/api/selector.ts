// Label selectors as Kubernetes reads them, and what a pool makes of them: which nodes are its own, which namespaces it
// admits.
import type { ResourcePoolSpec } from "./resource-pool.ts";

export type Labels = Readonly<Record<string, string>>;
export type LabelSelector = NonNullable<ResourcePoolSpec["namespaceSelector"]>;
type Requirement = NonNullable<LabelSelector["matchExpressions"]>[number];

/** All that the selector says holds; an empty selector selects everything. */
export function selectsLabels(selector: LabelSelector, labels: Labels): boolean {
  return (
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labelOf(labels, key) === value) &&
    (selector.matchExpressions ?? []).every((requirement) => holds(requirement, labelOf(labels, requirement.key)))
  );
}

/** Not `labels[key]`: a label may be named like something that every JavaScript object has. */
function labelOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/** A requirement that Kubernetes would refuse as malformed selects nothing: who wrote it gets too little, not too much. */
function holds({ operator, values = [] }: Requirement, label: string | undefined): boolean {
  switch (operator) {
    case "In":
      return label !== undefined && values.includes(label);
    case "NotIn":
      return values.length > 0 && (label === undefined || !values.includes(label));
    case "Exists":
      return values.length === 0 && label !== undefined;
    case "DoesNotExist":
      return values.length === 0 && label === undefined;
  }
}

/** Whether a node is one of the pool's, as far as its own spec says: an older pool may have it all the same. */
export function selectsNode(
  pool: Pick<ResourcePoolSpec, "nodeSelector" | "nodeNames">,
  node: { readonly name: string; readonly labels: Labels },
): boolean {
  if (pool.nodeNames !== undefined) return pool.nodeNames.includes(node.name);
  return pool.nodeSelector === undefined || selectsLabels(pool.nodeSelector, node.labels);
}

/**
 * Whether tasks of a namespace with these labels may run in the pool, as far as its own spec says. Without a selector a
 * root admits nobody, and a child leaves it to its parent.
 */
export function admitsNamespace(
  { namespaceSelector, parentRef }: Pick<ResourcePoolSpec, "namespaceSelector" | "parentRef">,
  labels: Labels,
): boolean {
  return namespaceSelector === undefined ? parentRef !== undefined : selectsLabels(namespaceSelector, labels);
}
