// Node affinity that leaves a Pod one node: the plan's choice, within what the user requires.
import type { PodSpec } from "../api/template.ts";
import { type Fields, fieldsOf, objectsOf, textOf } from "./json.ts";

type NodeAffinity = NonNullable<NonNullable<PodSpec["affinity"]>["nodeAffinity"]>;
type NodeTerm = NonNullable<
  NodeAffinity["requiredDuringSchedulingIgnoredDuringExecution"]
>["nodeSelectorTerms"][number];

/**
 * Terms are ORed and the parts of a term are ANDed, so the node goes into each term; but for one that says nothing:
 * Kubernetes takes it to match no node, and it has to stay so.
 */
export function pinned(affinity: NodeAffinity | undefined, node: string): NodeAffinity {
  const terms = affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return {
    ...affinity,
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms:
        terms.length === 0 ? [onNode({}, node)] : terms.map((term) => (isEmpty(term) ? term : onNode(term, node))),
    },
  };
}

function onNode(term: NodeTerm, node: string): NodeTerm {
  return {
    ...term,
    matchFields: [...(term.matchFields ?? []), { key: "metadata.name", operator: "In", values: [node] }],
  };
}

function isEmpty({ matchExpressions = [], matchFields = [] }: NodeTerm): boolean {
  return matchExpressions.length === 0 && matchFields.length === 0;
}

/** The node that a Pod's spec requires so; empty where it names none. */
export function requiredNode(podSpec: Fields): string {
  const affinity = fieldsOf(fieldsOf(podSpec.affinity).nodeAffinity);
  const required = fieldsOf(affinity.requiredDuringSchedulingIgnoredDuringExecution);
  for (const term of objectsOf(required.nodeSelectorTerms)) {
    for (const { key, operator, values } of objectsOf(term.matchFields)) {
      if (key === "metadata.name" && operator === "In" && Array.isArray(values)) return textOf(values[0]);
    }
  }
  return "";
}
