// Which nodes a shard may use, as the Kubernetes scheduler reads node selectors, required node affinity, taints and
// tolerations. Does not know what is free there.
import type { Constraints, Node, NodeRequirement, NodeTerm, Taint, Toleration } from "./model.ts";

/** Selector and required affinity. */
export function selects(constraints: Constraints, node: Node): boolean {
  for (const key of Object.keys(constraints.nodeSelector)) {
    if (labelOf(node, key) !== constraints.nodeSelector[key]) return false;
  }
  return constraints.nodeTerms === undefined || constraints.nodeTerms.some((term) => termHolds(term, node));
}

/** Every taint that keeps Pods away is tolerated. */
export function tolerates(constraints: Constraints, taints: readonly Taint[]): boolean {
  return taints.every(
    (taint) => taint.effect === "PreferNoSchedule" || constraints.tolerations.some((each) => matches(each, taint)),
  );
}

/** What does not keep a node open now may pass, but for taints that others than Kubernetes have set. */
export function admitsEver(constraints: Constraints, node: Node): boolean {
  return selects(constraints, node) && tolerates(constraints, lastingTaints(node));
}

/** Without those that Kubernetes itself sets and lifts with the state of the node: no ground to say that a shard never fits. */
export function lastingTaints({ taints }: Node): readonly Taint[] {
  return taints.length === 0 ? taints : taints.filter(({ key }) => !passing.some((prefix) => key.startsWith(prefix)));
}

const passing = ["node.kubernetes.io/", "node.cloudprovider.kubernetes.io/"];

function matches(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect !== undefined && toleration.effect !== taint.effect) return false;
  if (toleration.key !== undefined && toleration.key !== "" && toleration.key !== taint.key) return false;
  return toleration.operator === "Exists" || (toleration.value ?? "") === taint.value;
}

/** A requirement on `constructor` is about a label, not about what every object in JavaScript has. */
function labelOf({ labels }: Node, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/** A term without any requirement selects nothing, as in Kubernetes. */
function termHolds(term: NodeTerm, node: Node): boolean {
  if (term.labels.length === 0 && term.fields.length === 0) return false;
  return (
    term.labels.every((requirement) => requirementHolds(requirement, labelOf(node, requirement.key))) &&
    term.fields.every((requirement) => fieldHolds(requirement, node))
  );
}

/** A malformed requirement makes its term match nothing; the other terms still count. */
function requirementHolds({ operator, values }: NodeRequirement, label: string | undefined): boolean {
  switch (operator) {
    case "In":
      return label !== undefined && values.includes(label);
    case "NotIn":
      return values.length > 0 && (label === undefined || !values.includes(label));
    case "Exists":
      return values.length === 0 && label !== undefined;
    case "DoesNotExist":
      return values.length === 0 && label === undefined;
    case "Gt":
    case "Lt": {
      const bound = values.length === 1 ? int64(values[0]) : undefined;
      const value = int64(label);
      if (bound === undefined || value === undefined) return false;
      return operator === "Gt" ? value > bound : value < bound;
    }
  }
}

/** Kubernetes knows one field, the node's name, and for it only In and NotIn with one value. */
function fieldHolds({ key, operator, values }: NodeRequirement, node: Node): boolean {
  if (key !== "metadata.name" || values.length !== 1) return false;
  if (operator === "In") return values[0] === node.name;
  return operator === "NotIn" && values[0] !== node.name;
}

/** As Go's ParseInt(text, 10, 64) reads it: a label such as "4.5" or "big" is no number and matches no bound. */
function int64(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^[+-]?[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text.startsWith("+") ? text.slice(1) : text);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}
