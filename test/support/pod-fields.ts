// Every field that Kubernetes knows in a Pod, tried one at a time: a template with that field, and whether it is allowed.
// Where the names of fields come from is the caller's: type definitions or a server's OpenAPI.
import { aTemplate } from "./tasks.ts";

/** The names of an object's fields by the name of its type: `PodSpec`, `Container`, … */
export type FieldsOf = (type: string) => readonly string[];

export interface FieldCase {
  /** Where the field is: `spec.template.spec.containers[0].lifecycle`. */
  readonly field: string;
  readonly template: unknown;
}

interface Place {
  readonly type: string;
  readonly path: string;
  /** A template whose object at `path` has these further fields. */
  readonly template: (fields: Record<string, unknown>) => unknown;
}

const inSpec = (fields: Record<string, unknown>): unknown => ({ spec: { ...aTemplate().spec, ...fields } });
const volume = (source: Record<string, unknown>): unknown => inSpec({ volumes: [{ name: "v", ...source }] });

const places: readonly Place[] = [
  { type: "ObjectMeta", path: "metadata", template: (metadata) => ({ ...aTemplate(), metadata }) },
  { type: "PodSpec", path: "spec", template: inSpec },
  { type: "Container", path: "spec.containers[0]", template: (fields) => aTemplate(fields) },
  {
    type: "Container",
    path: "spec.initContainers[0]",
    template: (fields) => inSpec({ initContainers: [{ name: "first", image: "busybox:1.35", ...fields }] }),
  },
  { type: "Volume", path: "spec.volumes[0]", template: volume },
  {
    type: "PodSecurityContext",
    path: "spec.securityContext",
    template: (securityContext) => inSpec({ securityContext }),
  },
  {
    type: "SecurityContext",
    path: "spec.containers[0].securityContext",
    template: (securityContext) => aTemplate({ securityContext }),
  },
  {
    type: "Capabilities",
    path: "spec.containers[0].securityContext.capabilities",
    template: (capabilities) => aTemplate({ securityContext: { capabilities } }),
  },
  { type: "Affinity", path: "spec.affinity", template: (affinity) => inSpec({ affinity }) },
  {
    type: "ResourceRequirements",
    path: "spec.containers[0].resources",
    template: (resources) => aTemplate({ resources }),
  },
  {
    type: "VolumeMount",
    path: "spec.containers[0].volumeMounts[0]",
    template: (fields) => aTemplate({ volumeMounts: [{ name: "v", mountPath: "/v", ...fields }] }),
  },
  {
    type: "EnvVar",
    path: "spec.containers[0].env[0]",
    template: (fields) => aTemplate({ env: [{ name: "A", ...fields }] }),
  },
  {
    type: "EnvVarSource",
    path: "spec.containers[0].env[0].valueFrom",
    template: (valueFrom) => aTemplate({ env: [{ name: "A", valueFrom }] }),
  },
  {
    type: "EnvFromSource",
    path: "spec.containers[0].envFrom[0]",
    template: (fields) => aTemplate({ envFrom: [fields] }),
  },
  {
    type: "SecretVolumeSource",
    path: "spec.volumes[0].secret",
    template: (fields) => volume({ secret: { secretName: "s", ...fields } }),
  },
];

/** What a field that is allowed may hold, where an empty object will not do. */
const values: Readonly<Record<string, unknown>> = {
  "metadata.labels": { a: "b" },
  "metadata.annotations": { a: "b" },
  "spec.containers": aTemplate().spec.containers,
  "spec.initContainers": [{ name: "first" }],
  "spec.initContainers[0].restartPolicy": "Always",
  "spec.volumes": [{ name: "v", emptyDir: {} }],
  "spec.tolerations": [{ key: "a" }],
  "spec.topologySpreadConstraints": [],
  "spec.imagePullSecrets": [{ name: "s" }],
  "spec.serviceAccountName": "default",
  "spec.automountServiceAccountToken": true,
  "spec.terminationGracePeriodSeconds": 5,
  "spec.nodeSelector": { a: "b" },
  "spec.volumes[0].configMap": { name: "c" },
  "spec.volumes[0].secret": { secretName: "s" },
  "spec.volumes[0].persistentVolumeClaim": { claimName: "p" },
  "spec.securityContext.seccompProfile": { type: "RuntimeDefault" },
  "spec.containers[0].securityContext.seccompProfile": { type: "RuntimeDefault" },
};

/** By the last part of a path, wherever it stands. */
const valuesByName: Readonly<Record<string, unknown>> = {
  name: "a",
  image: "busybox:1.35",
  imagePullPolicy: "Always",
  command: ["true"],
  args: ["a"],
  workingDir: "/",
  env: [{ name: "A", value: "b" }],
  envFrom: [{ prefix: "A_" }],
  volumeMounts: [{ name: "v", mountPath: "/v" }],
  runAsUser: 1,
  runAsGroup: 1,
  fsGroup: 1,
  supplementalGroups: [1],
  runAsNonRoot: true,
  readOnlyRootFilesystem: true,
  allowPrivilegeEscalation: false,
  drop: ["ALL"],
  mountPath: "/v",
  subPath: "a",
  subPathExpr: "a",
  readOnly: true,
  value: "b",
  prefix: "A_",
  configMapKeyRef: { name: "c", key: "k" },
  secretKeyRef: { name: "s", key: "k" },
  fieldRef: { fieldPath: "metadata.name" },
  resourceFieldRef: { resource: "limits.cpu" },
  configMapRef: { name: "c" },
  secretRef: { name: "s" },
  secretName: "s",
  items: [{ key: "k", path: "p" }],
  defaultMode: 0o400,
  optional: true,
};

/** One template for each field of each object of a Pod. */
export function fieldCases(fieldsOf: FieldsOf): readonly FieldCase[] {
  return places.flatMap(({ type, path, template }) =>
    fieldsOf(type).map((name) => {
      const value = values[`${path}.${name}`] ?? valuesByName[name] ?? {};
      return { field: `spec.template.${path}.${name}`, template: template({ [name]: value }) };
    }),
  );
}
