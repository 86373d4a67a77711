// A Kubernetes Node in the planner's words. What Pods hold there is not the Node's to say.
import type { KubeObject } from "@dsl/kube-operator";
import type { Node, Taint } from "../scheduling/model.ts";
import { amountsOf, type Quantities } from "./amount.ts";

/** What we read of a Node. */
export interface KubeNode extends KubeObject {
  readonly spec?: {
    readonly unschedulable?: boolean;
    readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  };
  readonly status?: {
    readonly allocatable?: Quantities;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

export function nodeOf({ metadata, spec, status }: KubeNode): Omit<Node, "foreign"> {
  return {
    name: metadata.name,
    labels: metadata.labels ?? {},
    taints: (spec?.taints ?? []).filter(isKnown).map(({ key, value = "", effect }) => ({ key, value, effect })),
    ready: status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false,
    cordoned: spec?.unschedulable ?? false,
    allocatable: amountsOf(status?.allocatable),
  };
}

/** Kubernetes' scheduler overlooks taints with an effect that it does not know, too. */
function isKnown<T extends { readonly effect: string }>(taint: T): taint is T & { readonly effect: Taint["effect"] } {
  return ["NoSchedule", "PreferNoSchedule", "NoExecute"].includes(taint.effect);
}
