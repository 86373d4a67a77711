// Names in a template that are not for users: prefixes of labels and annotations by which controllers act, and the
// operator's own variables. Checked here by the operator and, from the same words, in CEL by the admission policy.
import { group } from "./group.ts";

export const reservedDomains = [group, "k8s.io", "kubernetes.io"] as const;
export const reservedVariablePrefix = "POOL_";

/** Kubernetes expands these once a container, but with several items a shard they are different for each item. */
export const itemExpansions = ["$(POOL_ITEM)", "$(POOL_ITEM_", "$(POOL_INDEX)"] as const;
export const itemExpansionMessage =
  "$(POOL_ITEM) and $(POOL_INDEX) are expanded once a container, so they need chunk.size 1; let a shell read $POOL_ITEM instead";

/** A key whose prefix is one of the domains or below one. */
export function isReservedKey(key: string): boolean {
  const [prefix, name] = key.split("/");
  return name !== undefined && reservedDomains.some((domain) => prefix === domain || prefix?.endsWith(`.${domain}`));
}
