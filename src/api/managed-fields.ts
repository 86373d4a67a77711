// The Pods and Jobs of tasks without an account of who wrote which of their fields: a MutatingAdmissionPolicy, for Kubernetes
// from 1.36 on. Makes objects, sends none.
import type { Manifest } from "@dsl/kube-operator";
import { labels } from "./labels.ts";

const apiVersion = "admissionregistration.k8s.io/v1";
const name = "kube-pool-managed-fields";

/**
 * An object that is stored without the account never gets one by an update or a patch, whoever sends it; server-side
 * apply begins a new one. Keeping it was two thirds of what each status of a Pod cost the API server.
 *
 * No such policy may select a kind of our own: for seconds after its definition is stored, or an API server has started, the
 * server knows no form of it to patch, and refuses what the policy selects (503).
 */
export function managedFieldsPolicy(): readonly Manifest[] {
  return [
    {
      apiVersion,
      kind: "MutatingAdmissionPolicy",
      metadata: { name },
      spec: {
        // It spares work and guards nothing: what cannot be changed so is stored as it is.
        failurePolicy: "Ignore",
        reinvocationPolicy: "Never",
        matchConstraints: {
          // A label, not a condition: objects of others cost nothing.
          objectSelector: { matchExpressions: [{ key: labels.taskUid, operator: "Exists" }] },
          resourceRules: [
            { apiGroups: [""], apiVersions: ["*"], operations: ["CREATE"], resources: ["pods"] },
            { apiGroups: ["batch"], apiVersions: ["*"], operations: ["CREATE"], resources: ["jobs"] },
          ],
        },
        mutations: [
          {
            patchType: "JSONPatch",
            jsonPatch: { expression: '[JSONPatch{op: "remove", path: "/metadata/managedFields"}]' },
          },
        ],
      },
    },
    {
      apiVersion,
      kind: "MutatingAdmissionPolicyBinding",
      metadata: { name },
      spec: { policyName: name },
    },
  ];
}
