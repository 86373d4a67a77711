// Tasks, their Pods and Jobs without an account of who wrote which of their fields: MutatingAdmissionPolicies, for
// Kubernetes from 1.36 on. Makes objects, sends none.
import type { Manifest } from "@dsl/kube-operator";
import { group } from "./group.ts";
import { labels } from "./labels.ts";

const apiVersion = "admissionregistration.k8s.io/v1";

/**
 * An object that is stored without the account never gets one by an update or a patch, whoever sends it; server-side
 * apply begins a new one. Keeping it was two thirds of what each status of a Pod cost the API server.
 */
export function managedFieldsPolicies(): readonly Manifest[] {
  return [
    ...policy("kube-pool-managed-fields", {
      matchConstraints: {
        // A label, not a condition: objects of others cost nothing.
        objectSelector: { matchExpressions: [{ key: labels.taskUid, operator: "Exists" }] },
        resourceRules: [
          { apiGroups: [""], apiVersions: ["*"], operations: ["CREATE"], resources: ["pods"] },
          { apiGroups: ["batch"], apiVersions: ["*"], operations: ["CREATE"], resources: ["jobs"] },
        ],
      },
    }),
    ...policy("kube-pool-managed-fields-of-tasks", {
      matchConstraints: {
        resourceRules: [{ apiGroups: [group], apiVersions: ["*"], operations: ["CREATE"], resources: ["pooledtasks"] }],
      },
      // Who applies a task on the server's side needs the account at the next time, to see what is in it no more.
      matchConditions: [
        { name: "not-applied", expression: 'object.metadata.managedFields.all(each, each.operation == "Update")' },
      ],
    }),
  ];
}

function policy(name: string, matched: object): readonly Manifest[] {
  return [
    {
      apiVersion,
      kind: "MutatingAdmissionPolicy",
      metadata: { name },
      spec: {
        // It spares work and guards nothing: what cannot be changed so is stored as it is.
        failurePolicy: "Ignore",
        reinvocationPolicy: "Never",
        ...matched,
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
