// The Pod template of a task: an allow-list, written once, as a schema. What is not named here does not exist for the
// operator, and the admission policy that refuses it aloud is made from this same schema (admission.ts).
import * as z from "zod";
import { labelSelectorSchema, type MakeObject } from "./label-selector.ts";
import { quantities } from "./quantity.ts";
import { reservedDomains } from "./reserved-names.ts";

const name = (): z.ZodString => z.string().max(253);
const text = (length: number): z.ZodString => z.string().max(length);

function labelMap(about: string) {
  return z
    .record(text(317), text(262_144))
    .meta({ maxProperties: 64 })
    .describe(`${about} No key under ${reservedDomains.join(", ")}.`);
}

function securitySchemas(object: MakeObject) {
  const seccompProfile = object({
    type: z.enum(["RuntimeDefault"]).describe("RuntimeDefault, the only profile allowed; also in force if absent."),
  }).describe("The system calls that processes may make.");
  const user = {
    runAsUser: z.int().min(0).exactOptional().describe("The user ID that processes run as."),
    runAsGroup: z.int().min(0).exactOptional().describe("The group ID that processes run as."),
    runAsNonRoot: z.boolean().exactOptional().describe("Refuse to start as root."),
    seccompProfile: seccompProfile.exactOptional(),
  };
  return {
    pod: object({
      ...user,
      fsGroup: z.int().min(0).exactOptional().describe("The group ID that owns the volumes."),
      supplementalGroups: z.array(z.int().min(0)).max(64).exactOptional().describe("Further group IDs of processes."),
    }).describe("Security settings of all containers."),
    container: object({
      ...user,
      readOnlyRootFilesystem: z.boolean().exactOptional().describe("Mount the image read-only."),
      allowPrivilegeEscalation: z
        .boolean()
        .exactOptional()
        .describe("Whether a process may gain more rights than its parent has."),
      capabilities: object({
        drop: z
          .array(text(64))
          .max(64)
          .exactOptional()
          .describe("Capabilities to drop, such as ALL. None can be added."),
      })
        .exactOptional()
        .describe("Linux capabilities to drop."),
    }).describe("Security settings of this container."),
  };
}

function variableSchemas(object: MakeObject) {
  const key = (kind: string) =>
    object({
      name: name().describe(`The ${kind}'s name.`),
      key: text(253).describe("The key in it."),
      optional: z.boolean().exactOptional().describe("Whether it may be missing."),
    }).describe(`A key of a ${kind}.`);
  const whole = (kind: string) =>
    object({
      name: name().describe(`The ${kind}'s name.`),
      optional: z.boolean().exactOptional().describe("Whether it may be missing."),
    }).describe(`All keys of a ${kind}.`);
  return {
    env: z
      .array(
        object({
          name: text(512).describe("The variable's name. POOL_* is the operator's."),
          value: text(131_072).exactOptional().describe("Its value; $(NAME) is expanded by Kubernetes."),
          valueFrom: object({
            configMapKeyRef: key("ConfigMap").exactOptional(),
            secretKeyRef: key("Secret").exactOptional(),
            fieldRef: fieldRef(object).exactOptional(),
            resourceFieldRef: resourceFieldRef(object).exactOptional(),
          })
            .exactOptional()
            .describe("Where its value comes from."),
        }),
      )
      .max(256)
      .exactOptional()
      .describe("Environment variables, beside those that the operator sets (POOL_ITEM, POOL_RESULT and others)."),
    envFrom: z
      .array(
        object({
          prefix: text(512).exactOptional().describe("Put before each name."),
          configMapRef: whole("ConfigMap").exactOptional(),
          secretRef: whole("Secret").exactOptional(),
        }),
      )
      .max(64)
      .exactOptional()
      .describe("Environment variables from all keys of ConfigMaps and Secrets."),
  };
}

function fieldRef(object: MakeObject) {
  return object({
    apiVersion: text(63).exactOptional().describe("The version that fieldPath is written for: v1."),
    fieldPath: text(1024).describe("The path, such as metadata.name or status.podIP."),
  }).describe("A field of the Pod.");
}

function resourceFieldRef(object: MakeObject) {
  return object({
    containerName: name().exactOptional().describe("The container; needed in volumes."),
    resource: text(317).describe("The amount, such as limits.cpu."),
    divisor: z
      .union([z.int().min(0), text(32)])
      .exactOptional()
      .describe("The unit to count in."),
  }).describe("A request or limit of a container.");
}

function containerFields(object: MakeObject) {
  return {
    name: text(63).describe("The container's name."),
    image: text(4096).exactOptional().describe("The image, best with a tag."),
    imagePullPolicy: z.enum(["Always", "IfNotPresent", "Never"]).exactOptional().describe("When to pull the image."),
    command: z
      .array(text(131_072))
      .max(1024)
      .exactOptional()
      .describe("The program and its arguments. Needed with a chunk.size other than 1 in mode Each."),
    args: z.array(text(131_072)).max(1024).exactOptional().describe("Further arguments."),
    workingDir: text(4096).exactOptional().describe("The directory to start in."),
    ...variableSchemas(object),
    resources: object({
      requests: quantities
        .exactOptional()
        .describe("What a shard needs. A main container that requests nothing gets the pool's defaultRequests."),
      limits: quantities.exactOptional().describe("What it may use at most; also its request where that is absent."),
    })
      .exactOptional()
      .describe("CPU, memory and other amounts."),
    volumeMounts: z
      .array(
        object({
          name: text(63).describe("The volume's name."),
          mountPath: text(4096).describe("Where it appears."),
          readOnly: z.boolean().exactOptional().describe("Mount it read-only."),
          subPath: text(4096).exactOptional().describe("The part of the volume to mount."),
          subPathExpr: text(4096).exactOptional().describe("The same, with $(NAME) expanded."),
        }),
      )
      .max(64)
      .exactOptional()
      .describe("Volumes to mount."),
    securityContext: securitySchemas(object).container.exactOptional(),
  };
}

function volumeSchema(object: MakeObject) {
  const mode = z.int().min(0).max(0o777).exactOptional().describe("The files' permission bits.");
  const items = z
    .array(
      object({
        key: text(253).describe("The key."),
        path: text(4096).describe("The file, relative to the mount."),
        mode,
      }),
    )
    .max(1024)
    .exactOptional()
    .describe("The keys to show; all of them if absent.");
  const optional = z.boolean().exactOptional().describe("Whether it may be missing.");
  return object({
    name: text(63).describe("The name that volumeMounts use."),
    emptyDir: object({
      medium: text(64).exactOptional().describe("Memory, or the node's disk if absent."),
      sizeLimit: z
        .union([z.int().min(0), text(32)])
        .exactOptional()
        .describe("The most that it may hold."),
    })
      .exactOptional()
      .describe("A directory that goes with the Pod."),
    configMap: object({ name: name().describe("The ConfigMap's name."), items, defaultMode: mode, optional })
      .exactOptional()
      .describe("A ConfigMap's keys as files."),
    secret: object({ secretName: name().describe("The Secret's name."), items, defaultMode: mode, optional })
      .exactOptional()
      .describe("A Secret's keys as files."),
    downwardAPI: object({
      items: z
        .array(
          object({
            path: text(4096).describe("The file, relative to the mount."),
            fieldRef: fieldRef(object).exactOptional(),
            resourceFieldRef: resourceFieldRef(object).exactOptional(),
            mode,
          }),
        )
        .max(64)
        .exactOptional()
        .describe("The files."),
      defaultMode: mode,
    })
      .exactOptional()
      .describe("Fields of the Pod as files."),
    persistentVolumeClaim: object({
      claimName: name().describe("The claim's name."),
      readOnly: z.boolean().exactOptional().describe("Mount it read-only."),
    })
      .exactOptional()
      .describe("A persistent volume that has been claimed."),
  });
}

function nodeAffinitySchema(object: MakeObject) {
  const requirements = (about: string) =>
    z
      .array(
        object({
          key: text(317).describe("The key."),
          operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]).describe("How to compare."),
          values: z.array(text(253)).max(1024).exactOptional().describe("With what to compare."),
        }),
      )
      .max(64)
      .exactOptional()
      .describe(about);
  const term = object({
    matchExpressions: requirements("Requirements on the node's labels."),
    matchFields: requirements("Requirements on the node's fields: metadata.name only."),
  }).describe("A node matches if all these hold.");
  return object({
    requiredDuringSchedulingIgnoredDuringExecution: object({
      nodeSelectorTerms: z.array(term).max(64).describe("At least one must hold."),
    })
      .exactOptional()
      .describe("Which nodes a shard may use."),
    preferredDuringSchedulingIgnoredDuringExecution: z
      .array(object({ weight: z.int().min(1).max(100).describe("How much it counts."), preference: term }))
      .max(64)
      .exactOptional()
      .describe("Accepted, but without effect: the pool's placement chooses among the nodes that are allowed."),
  });
}

function schedulingFields(object: MakeObject) {
  return {
    nodeSelector: z
      .record(text(317), text(63))
      .meta({ maxProperties: 64 })
      .exactOptional()
      .describe("Labels that a node must have."),
    tolerations: z
      .array(
        object({
          key: text(317).min(1).describe("The taint's key. Needed: nothing may tolerate every taint."),
          operator: z.enum(["Exists", "Equal"]).exactOptional().describe("Exists, or Equal (if absent)."),
          value: text(63).exactOptional().describe("The taint's value, for Equal."),
          effect: z
            .enum(["NoSchedule", "PreferNoSchedule", "NoExecute"])
            .exactOptional()
            .describe("The taint's effect; every one if absent."),
          tolerationSeconds: z.int().exactOptional().describe("How long to stay after a NoExecute taint."),
        }),
      )
      .max(64)
      .exactOptional()
      .describe("Taints that shards tolerate."),
    affinity: object({
      nodeAffinity: nodeAffinitySchema(object).exactOptional().describe("Which nodes shards may use."),
    })
      .exactOptional()
      .describe("Node affinity only."),
    topologySpreadConstraints: z
      .array(
        object({
          maxSkew: z.int().min(1).describe("How uneven it may be."),
          topologyKey: text(317).describe("The node label that tells places apart."),
          whenUnsatisfiable: z.enum(["DoNotSchedule", "ScheduleAnyway"]).describe("What to do where it cannot be."),
          labelSelector: labelSelectorSchema(object, "Which Pods count.").exactOptional(),
          matchLabelKeys: z.array(text(317)).max(64).exactOptional().describe("Label keys taken from the Pod itself."),
          minDomains: z.int().min(1).exactOptional().describe("The fewest places."),
          nodeAffinityPolicy: z.enum(["Honor", "Ignore"]).exactOptional().describe("Whether node affinity counts."),
          nodeTaintsPolicy: z.enum(["Honor", "Ignore"]).exactOptional().describe("Whether taints count."),
        }),
      )
      .max(16)
      .exactOptional()
      .describe("How the Kubernetes scheduler spreads Pods; the planner does not look at it."),
  };
}

const oneContainer = "give exactly one container, the function that is mapped; others go into initContainers";

function templateSchema(object: MakeObject) {
  const container = object(containerFields(object));
  const initContainer = object({
    ...containerFields(object),
    restartPolicy: z.enum(["Always"]).exactOptional().describe("Always makes it a sidecar."),
  });
  const spec = object({
    containers: z
      .array(container)
      .min(1, oneContainer)
      .max(1, oneContainer)
      .describe("The one main container: the function that is mapped."),
    initContainers: z
      .array(initContainer)
      .max(10)
      .exactOptional()
      .describe("Containers that run before it, or beside it (restartPolicy Always)."),
    volumes: z
      .array(volumeSchema(object))
      .max(64)
      .exactOptional()
      .describe("Volumes: emptyDir, configMap, secret, downwardAPI or persistentVolumeClaim."),
    serviceAccountName: name().exactOptional().describe("The ServiceAccount to run as."),
    automountServiceAccountToken: z
      .boolean()
      .exactOptional()
      .describe("Whether to mount its token; false if absent, unlike in other Pods."),
    imagePullSecrets: z
      .array(object({ name: name().describe("The Secret's name.") }))
      .max(16)
      .exactOptional()
      .describe("Secrets for pulling images."),
    ...schedulingFields(object),
    securityContext: securitySchemas(object).pod.exactOptional(),
    terminationGracePeriodSeconds: z
      .int()
      .min(0)
      .max(600)
      .exactOptional()
      .describe("Seconds between asking a container to end and killing it: 30 if absent, at most 600."),
  });
  return object({
    metadata: object({
      labels: labelMap("Labels of the Pods.").exactOptional(),
      annotations: labelMap("Annotations of the Pods.").exactOptional(),
    })
      .exactOptional()
      .describe("Labels and annotations of the Pods."),
    spec: spec.describe("The Pod, in the fields that are allowed."),
  });
}

/** Judges: any field that it does not name is a problem. */
export const allowedTemplate = templateSchema(z.strictObject);

/** Keeps fields that it does not name, so that the admission policy sees and refuses them instead of losing them. */
export const storedTemplate = templateSchema(z.looseObject as unknown as MakeObject).describe(
  "The Pod that runs a shard, in the fields that are allowed here. It cannot be changed later.",
);

export type PodTemplate = z.output<typeof allowedTemplate>;
export type PodSpec = PodTemplate["spec"];
export type Container = PodSpec["containers"][number];
export type InitContainer = NonNullable<PodSpec["initContainers"]>[number];
export type Volume = NonNullable<PodSpec["volumes"]>[number];
