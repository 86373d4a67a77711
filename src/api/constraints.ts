// On which nodes a template's Pod may run, in the planner's words. Preferences and topology spread are left to the
// Kubernetes scheduler.
import type { Constraints, NodeRequirement, NodeTerm, Toleration } from "../scheduling/model.ts";
import type { PodSpec } from "./template.ts";

type Written = NonNullable<NonNullable<PodSpec["affinity"]>["nodeAffinity"]>;
type Term = NonNullable<Written["requiredDuringSchedulingIgnoredDuringExecution"]>["nodeSelectorTerms"][number];

export function constraintsOf(spec: Pick<PodSpec, "nodeSelector" | "tolerations" | "affinity">): Constraints {
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return {
    nodeSelector: spec.nodeSelector ?? {},
    tolerations: (spec.tolerations ?? []).map(tolerationOf),
    ...(required !== undefined && { nodeTerms: required.nodeSelectorTerms.map(termOf) }),
  };
}

function termOf({ matchExpressions = [], matchFields = [] }: Term): NodeTerm {
  return { labels: matchExpressions.map(requirementOf), fields: matchFields.map(requirementOf) };
}

function requirementOf({ key, operator, values = [] }: NonNullable<Term["matchFields"]>[number]): NodeRequirement {
  return { key, operator, values };
}

function tolerationOf({
  key,
  operator = "Equal",
  value,
  effect,
}: NonNullable<PodSpec["tolerations"]>[number]): Toleration {
  return { key, operator, ...(value !== undefined && { value }), ...(effect !== undefined && { effect }) };
}
