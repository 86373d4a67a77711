// The built-in kinds that the in-memory API server knows by name, and where they differ from each other.

import type { JsonSchema } from "../src/json-schema.ts";
import type { Resource } from "../src/object.ts";

/** What the API server knows about one kind. */
export interface Kind {
  readonly resource: Resource;
  /** Whether `status` is written through its subresource only. */
  readonly hasStatus: boolean;
  /** Whether metadata.generation counts the changes of the desired state. */
  readonly hasGeneration: boolean;
  /** Whether a PUT may come without a resourceVersion. */
  readonly unconditionalUpdate: boolean;
  /** What a delete without a propagation policy does with dependents. */
  readonly defaultPropagation: "Background" | "Orphan";
  /** Beside metadata.name and metadata.namespace. */
  readonly selectableFields: readonly string[];
  /** Of custom resources only: built-in objects are stored as they come. */
  readonly schema?: JsonSchema;
}

type Differences = Partial<Omit<Kind, "resource">> & { readonly clusterScoped?: true };

function kind(group: string, version: string, name: string, plural: string, differences: Differences = {}): Kind {
  const { clusterScoped, ...others } = differences;
  return {
    resource: { group, version, kind: name, plural, namespaced: clusterScoped !== true },
    hasStatus: false,
    hasGeneration: false,
    unconditionalUpdate: true,
    defaultPropagation: "Background",
    selectableFields: [],
    ...others,
  };
}

const desiredState = { hasStatus: true, hasGeneration: true } as const;

export const builtinKinds: readonly Kind[] = [
  kind("", "v1", "Namespace", "namespaces", {
    clusterScoped: true,
    hasStatus: true,
    selectableFields: ["status.phase"],
  }),
  kind("", "v1", "Node", "nodes", {
    clusterScoped: true,
    hasStatus: true,
    selectableFields: ["spec.unschedulable"],
  }),
  kind("", "v1", "Pod", "pods", {
    ...desiredState,
    selectableFields: [
      "spec.nodeName",
      "spec.restartPolicy",
      "spec.schedulerName",
      "spec.serviceAccountName",
      "status.phase",
    ],
  }),
  kind("", "v1", "ConfigMap", "configmaps"),
  kind("", "v1", "Secret", "secrets", { selectableFields: ["type"] }),
  kind("", "v1", "Service", "services", { hasStatus: true }),
  kind("", "v1", "ServiceAccount", "serviceaccounts"),
  kind("", "v1", "ResourceQuota", "resourcequotas", { hasStatus: true }),
  kind("", "v1", "LimitRange", "limitranges"),
  kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", { hasStatus: true }),
  kind("", "v1", "Event", "events", {
    selectableFields: ["involvedObject.kind", "involvedObject.name", "involvedObject.uid", "reason", "type"],
  }),
  kind("apps", "v1", "Deployment", "deployments", desiredState),
  kind("batch", "v1", "Job", "jobs", {
    ...desiredState,
    // Kept so by Kubernetes for clients older than propagation policies.
    defaultPropagation: "Orphan",
    selectableFields: ["status.successful"],
  }),
  kind("coordination.k8s.io", "v1", "Lease", "leases", { unconditionalUpdate: false }),
  kind("events.k8s.io", "v1", "Event", "events", { selectableFields: ["reason", "type"] }),
  kind("rbac.authorization.k8s.io", "v1", "Role", "roles"),
  kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
  kind("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", { clusterScoped: true }),
  kind("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", { clusterScoped: true }),
  kind("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", { clusterScoped: true, hasGeneration: true }),
  kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", {
    ...desiredState,
    clusterScoped: true,
    unconditionalUpdate: false,
  }),
];
