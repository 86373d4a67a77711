import { expect, test } from "vitest";
import { allowedTemplate, type PodTemplate } from "../../src/api/template.ts";
import { allowedPart } from "../../src/engine/allowed-pod.ts";

const fieldRef = { apiVersion: "v1", fieldPath: "metadata.name" };
const keyRef = { name: "n", key: "k", optional: true };
const files = [{ key: "k", path: "p", mode: 0o400 }];
const requirement = { key: "k", operator: "In", values: ["v"] } as const;
const term = { matchExpressions: [requirement], matchFields: [requirement] };
const user = { runAsUser: 1, runAsGroup: 1, runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } } as const;

const container = {
  name: "c",
  image: "i:1",
  imagePullPolicy: "Always",
  command: ["a"],
  args: ["b"],
  workingDir: "/w",
  env: [
    { name: "A", value: "a" },
    { name: "B", valueFrom: { configMapKeyRef: keyRef, secretKeyRef: keyRef, fieldRef } },
    { name: "C", valueFrom: { resourceFieldRef: { containerName: "c", resource: "limits.cpu", divisor: 1 } } },
  ],
  envFrom: [{ prefix: "P_", configMapRef: { name: "n", optional: true }, secretRef: { name: "n", optional: false } }],
  resources: { requests: { cpu: 1 }, limits: { memory: "1Gi" } },
  volumeMounts: [{ name: "v", mountPath: "/v", readOnly: true, subPath: "s", subPathExpr: "$(A)" }],
  securityContext: {
    ...user,
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
  },
} as const;

/** Every field that the API allows. */
const full = {
  metadata: { labels: { a: "b" }, annotations: { c: "d" } },
  spec: {
    containers: [container],
    initContainers: [{ ...container, restartPolicy: "Always" }],
    volumes: [
      { name: "e", emptyDir: { medium: "Memory", sizeLimit: "1Gi" } },
      { name: "c", configMap: { name: "n", items: files, defaultMode: 0o400, optional: true } },
      { name: "s", secret: { secretName: "n", items: files, defaultMode: 0o400, optional: true } },
      { name: "d", downwardAPI: { items: [{ path: "p", fieldRef, mode: 0o400 }], defaultMode: 0o400 } },
      { name: "p", persistentVolumeClaim: { claimName: "n", readOnly: true } },
    ],
    serviceAccountName: "sa",
    automountServiceAccountToken: true,
    imagePullSecrets: [{ name: "n" }],
    nodeSelector: { a: "b" },
    tolerations: [{ key: "k", operator: "Equal", value: "v", effect: "NoExecute", tolerationSeconds: 5 }],
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] },
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: term }],
      },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "zone",
        whenUnsatisfiable: "DoNotSchedule",
        labelSelector: { matchLabels: { a: "b" }, matchExpressions: [requirement] },
        matchLabelKeys: ["a"],
        minDomains: 1,
        nodeAffinityPolicy: "Honor",
        nodeTaintsPolicy: "Ignore",
      },
    ],
    securityContext: { ...user, fsGroup: 1, supplementalGroups: [1] },
    terminationGracePeriodSeconds: 5,
  },
} as unknown as PodTemplate;

test("everything that the API allows reaches the Pod", () => {
  expect(allowedTemplate.safeParse(full).error).toBeUndefined();
  expect(allowedPart(full)).toEqual(full);
});

/** A copy with a field `sneaked` in every object. */
function withSneaked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSneaked);
  if (typeof value !== "object" || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withSneaked(inner)]));
  return { ...copy, sneaked: { in: true }, hostPath: { path: "/" } };
}

test("a field that is not allowed reaches nothing, at whatever depth it stands", () => {
  expect(allowedPart(withSneaked(full))).toEqual(full);
});

test("a value of another type than the field has is left out, and a hostile shape is no error", () => {
  const odd = { metadata: null, spec: { containers: [{ name: ["x"], image: "i", env: "A=1" }, null], volumes: {} } };
  expect(allowedPart<unknown>(odd)).toEqual({ spec: { containers: [{ image: "i" }, {}] } });
  expect(allowedPart<unknown>({ spec: JSON.parse('{"__proto__": {"hostPID": true}, "constructor": 1}') })).toEqual({
    spec: {},
  });
});
