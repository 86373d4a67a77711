// The fields of a Pod template that reach a Pod, and nothing else: the third keeper of the allow-list, after the
// admission policy and the operator's own check, and written apart from theirs (api/template.ts), so that one slip is
// not enough. Copies in silence; telling the user is what the other two are for.

/** What a field may hold. A list in brackets: any number of the one shape in it. */
type Shape = "scalar" | "scalars" | "map" | readonly [Shape] | { readonly [field: string]: Shape };

const fieldRef: Shape = { apiVersion: "scalar", fieldPath: "scalar" };
const resourceFieldRef: Shape = { containerName: "scalar", resource: "scalar", divisor: "scalar" };
const keyRef: Shape = { name: "scalar", key: "scalar", optional: "scalar" };
const wholeRef: Shape = { name: "scalar", optional: "scalar" };

const userFields = {
  runAsUser: "scalar",
  runAsGroup: "scalar",
  runAsNonRoot: "scalar",
  seccompProfile: { type: "scalar" },
} as const;

const container = {
  name: "scalar",
  image: "scalar",
  imagePullPolicy: "scalar",
  command: "scalars",
  args: "scalars",
  workingDir: "scalar",
  env: [
    {
      name: "scalar",
      value: "scalar",
      valueFrom: { configMapKeyRef: keyRef, secretKeyRef: keyRef, fieldRef, resourceFieldRef },
    },
  ],
  envFrom: [{ prefix: "scalar", configMapRef: wholeRef, secretRef: wholeRef }],
  resources: { requests: "map", limits: "map" },
  volumeMounts: [{ name: "scalar", mountPath: "scalar", readOnly: "scalar", subPath: "scalar", subPathExpr: "scalar" }],
  securityContext: {
    ...userFields,
    readOnlyRootFilesystem: "scalar",
    allowPrivilegeEscalation: "scalar",
    capabilities: { drop: "scalars" },
  },
} as const;

const keyFiles: Shape = [{ key: "scalar", path: "scalar", mode: "scalar" }];

const volume: Shape = {
  name: "scalar",
  emptyDir: { medium: "scalar", sizeLimit: "scalar" },
  configMap: { name: "scalar", items: keyFiles, defaultMode: "scalar", optional: "scalar" },
  secret: { secretName: "scalar", items: keyFiles, defaultMode: "scalar", optional: "scalar" },
  downwardAPI: { items: [{ path: "scalar", fieldRef, resourceFieldRef, mode: "scalar" }], defaultMode: "scalar" },
  persistentVolumeClaim: { claimName: "scalar", readOnly: "scalar" },
};

const requirements: Shape = [{ key: "scalar", operator: "scalar", values: "scalars" }];
const nodeTerm: Shape = { matchExpressions: requirements, matchFields: requirements };

const podSpec: Shape = {
  containers: [container],
  initContainers: [{ ...container, restartPolicy: "scalar" }],
  volumes: [volume],
  serviceAccountName: "scalar",
  automountServiceAccountToken: "scalar",
  imagePullSecrets: [{ name: "scalar" }],
  nodeSelector: "map",
  tolerations: [{ key: "scalar", operator: "scalar", value: "scalar", effect: "scalar", tolerationSeconds: "scalar" }],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [nodeTerm] },
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: "scalar", preference: nodeTerm }],
    },
  },
  topologySpreadConstraints: [
    {
      maxSkew: "scalar",
      topologyKey: "scalar",
      whenUnsatisfiable: "scalar",
      labelSelector: { matchLabels: "map", matchExpressions: requirements },
      matchLabelKeys: "scalars",
      minDomains: "scalar",
      nodeAffinityPolicy: "scalar",
      nodeTaintsPolicy: "scalar",
    },
  ],
  securityContext: { ...userFields, fsGroup: "scalar", supplementalGroups: "scalars" },
  terminationGracePeriodSeconds: "scalar",
};

const template: Shape = { metadata: { labels: "map", annotations: "map" }, spec: podSpec };

/** A copy with the allowed fields only; the type is that of what went in, which may have claimed less than was there. */
export function allowedPart<T>(podTemplate: T): T {
  return copied(podTemplate, template) as T;
}

/** Undefined for what does not have the shape. */
function copied(value: unknown, shape: Shape): unknown {
  if (shape === "scalar") return isScalar(value) ? value : undefined;
  if (shape === "scalars") return Array.isArray(value) ? value.filter(isScalar) : undefined;
  if (isList(shape)) return Array.isArray(value) ? value.map((entry) => copied(entry, shape[0]) ?? {}) : undefined;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const entries = Object.entries(value);
  if (shape === "map") return Object.fromEntries(entries.filter(([, entry]) => isScalar(entry)));
  // In the order of the shape, so that the same template always gives the same text.
  return Object.fromEntries(
    Object.entries(shape).flatMap(([field, inner]) => {
      const part = Object.hasOwn(value, field) ? copied((value as Record<string, unknown>)[field], inner) : undefined;
      return part === undefined ? [] : [[field, part]];
    }),
  );
}

function isScalar(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}
