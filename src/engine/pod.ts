// The Pod of one attempt: what is allowed of the task's template, the node that the plan chose, and the shard's items in
// the form that its task takes them. Does not know Jobs.

import { group } from "../api/group.ts";
import { axisVariable } from "../api/items.ts";
import { annotations, labels } from "../api/labels.ts";
import type { Container, PodSpec, Volume } from "../api/template.ts";
import { allowedPart } from "./allowed-pod.ts";
import { type PlacedItem, type Placement, type ShardForm, shardForm, type TaskContext } from "./engine.ts";
import { indexesText } from "./item-indexes.ts";
import { pinned } from "./node-affinity.ts";
import { messageBytesMax } from "./termination-message.ts";
import { wrapperCommand } from "./wrapper.ts";

/** Kubernetes' own: the container that `kubectl logs` takes for the Pod's, and our view for the program's. */
export const defaultContainerAnnotation = "kubectl.kubernetes.io/default-container";

const itemsVolume = { name: "kube-pool-items", mountPath: "/kube-pool/items" } as const;
const itemsFile = `${itemsVolume.mountPath}/lines`;
const scratchVolume = { name: "kube-pool-scratch", mountPath: "/kube-pool/scratch" } as const;

/** Where Kubernetes looks for a program's last words; results of programs that are run as they are stand there. */
const terminationLog = "/dev/termination-log";
/** The wrapper's: so nothing that a run writes to the usual place gets among the records. */
const wrapperRecords = "/dev/kube-pool-records";

export interface PodTemplateManifest {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: Readonly<Record<string, unknown>>;
}

export function podTemplate(context: TaskContext, placement: Placement): PodTemplateManifest {
  const form = shardForm(context.task.spec.chunk);
  const { main, initContainers, volumes, affinity, ...parts } = partsOf(context);
  return {
    metadata: {
      labels: { ...parts.labels, ...attemptLabels(context, placement) },
      annotations: {
        ...parts.annotations,
        ...(form !== "Single" && { [annotations.items]: itemLines(form, placement.items) }),
      },
    },
    spec: {
      ...parts.spec,
      ...nodeChoice(affinity, placement),
      volumes: [...volumes, ...ownVolumes(form)],
      initContainers,
      containers: [mainContainer(context, placement, form, main, 1 + initContainers.length)],
    },
  };
}

/** What all Pods of a task have in common, as `kubectl describe job` shows it. */
export function commonTemplate(context: TaskContext): PodTemplateManifest {
  const { main, initContainers, volumes, affinity, labels: own, annotations: notes, spec } = partsOf(context);
  const resources = resourcesOf(context, main);
  return {
    metadata: { labels: { ...own, ...taskLabels(context) }, annotations: notes },
    spec: {
      ...spec,
      ...(affinity !== undefined && { affinity }),
      volumes,
      initContainers,
      containers: [{ ...main, resources }],
    },
  };
}

interface Parts {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly main: Container;
  readonly initContainers: readonly Container[];
  readonly volumes: readonly Volume[];
  readonly affinity: PodSpec["affinity"];
}

function partsOf({ task, tolerations = [] }: TaskContext): Parts {
  const { metadata, spec } = allowedPart(task.spec.template);
  const { containers, initContainers = [], volumes = [], affinity, securityContext, ...rest } = spec;
  const [main] = containers;
  if (main === undefined) throw new TypeError("the template has no container; parsePooledTask refuses it");
  return {
    labels: withoutReserved(metadata?.labels),
    annotations: { ...withoutReserved(metadata?.annotations), [defaultContainerAnnotation]: main.name },
    spec: {
      automountServiceAccountToken: false,
      ...rest,
      ...(tolerations.length > 0 && { tolerations: [...(rest.tolerations ?? []), ...tolerations] }),
      restartPolicy: "Never",
      securityContext: { ...securityContext, seccompProfile: { type: "RuntimeDefault" } },
    },
    main,
    initContainers,
    volumes,
    affinity,
  };
}

function nodeChoice(affinity: PodSpec["affinity"], { node, bound }: Placement): Readonly<Record<string, unknown>> {
  if (bound !== true) return { affinity: { nodeAffinity: pinned(affinity?.nodeAffinity, node) } };
  return { ...(affinity !== undefined && { affinity }), nodeName: node };
}

/** Of a Job and its Pod. Labels find both; only the owner's UID says whose they are. */
export function attemptLabels(context: TaskContext, { shard, attempt }: Placement): Record<string, string> {
  return { ...taskLabels(context), [labels.shard]: String(shard), [labels.attempt]: String(attempt) };
}

export function taskLabels({ task, pool }: TaskContext): Record<string, string> {
  return { [labels.task]: task.metadata.name, [labels.taskUid]: task.metadata.uid, [labels.pool]: pool };
}

function withoutReserved(map: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(map).filter(([key]) => !isReserved(key)));
}

function isReserved(key: string): boolean {
  const domain = key.slice(0, Math.max(0, key.indexOf("/")));
  return (
    domain.endsWith("k8s.io") || domain.endsWith("kubernetes.io") || domain === group || domain.endsWith(`.${group}`)
  );
}

function mainContainer(
  context: TaskContext,
  placement: Placement,
  form: ShardForm,
  { command = [], args = [], ...rest }: Container,
  containers: number,
): Readonly<Record<string, unknown>> {
  const asItIs = { ...(command.length > 0 && { command }), ...(args.length > 0 && { args }) };
  return {
    ...rest,
    ...(form === "Each" ? { command: eachCommand(placement, [...command, ...args], containers) } : asItIs),
    env: [...variables(context, placement, form), ...(rest.env ?? []).filter(({ name }) => !name.startsWith("POOL_"))],
    resources: resourcesOf(context, rest),
    volumeMounts: [...(rest.volumeMounts ?? []), ...ownMounts(form)],
    terminationMessagePath: form === "Each" ? wrapperRecords : terminationLog,
    terminationMessagePolicy: "FallbackToLogsOnError",
  };
}

function resourcesOf(context: TaskContext, { resources }: Pick<Container, "resources">): unknown {
  return requestsNothing(resources) ? { requests: defaultRequests(context) } : resources;
}

function requestsNothing({ requests = {}, limits = {} }: Container["resources"] = {}): boolean {
  return Object.keys(requests).length === 0 && Object.keys(limits).length === 0;
}

/** A place among the Pods of a node is counted, but nothing that a container can request. */
function defaultRequests({
  defaultRequests: { pods: _, ...requests },
}: TaskContext): Readonly<Record<string, unknown>> {
  return requests;
}

/**
 * Ours come first, so that the user's may refer to them. The Pod's UID is known to the kubelet alone: it expands the
 * reference to it, so what is not ours in a value must not look like one.
 */
function variables({ task }: TaskContext, { shard, attempt, items }: Placement, form: ShardForm): readonly object[] {
  const fence = `${task.metadata.uid}/${shard}/${attempt}/$(POOL_POD_UID)`;
  return [
    { name: "POOL_TASK", value: task.metadata.name },
    { name: "POOL_SHARD", value: String(shard) },
    { name: "POOL_ATTEMPT", value: String(attempt) },
    { name: "POOL_POD_UID", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.uid" } } },
    { name: "POOL_FENCE", value: fence },
    ...(form === "Single" ? singleVariables(items) : []),
    ...(form === "Whole" ? [{ name: "POOL_ITEMS_FILE", value: itemsFile }] : []),
    // The wrapper sets one for each run.
    ...(form === "Each" ? [] : [{ name: "POOL_RESULT", value: terminationLog }]),
  ];
}

function singleVariables([item, another]: readonly PlacedItem[]): readonly object[] {
  if (item === undefined || another !== undefined) throw new RangeError("a shard of chunk size 1 has exactly one item");
  return [
    { name: "POOL_ITEM", value: literal(item.text) },
    { name: "POOL_INDEX", value: String(item.index) },
    ...(item.axes ?? []).map(({ name, value }) => ({ name: axisVariable(name), value: literal(value) })),
  ];
}

/** Kubernetes makes `$` of `$$`, and replaces `$(NAME)`, in values, commands and arguments. */
function literal(text: string): string {
  return text.replaceAll("$", "$$$$");
}

/** The wrapper's words are literal; those of the user are expanded as in any container. */
function eachCommand({ items }: Placement, command: readonly string[], containers: number): readonly string[] {
  if (command.length === 0) throw new TypeError("a chunk in mode Each has no command; parsePooledTask refuses it");
  const wrapper = wrapperCommand({
    records: wrapperRecords,
    scratch: scratchVolume.mountPath,
    items: itemsFile,
    recordBytesMax: messageBytesMax(containers),
    indexes: indexesText(items),
    axes: (items[0]?.axes ?? []).map(({ name }) => ({ name, variable: axisVariable(name) })),
  });
  return [...wrapper.map(literal), ...command];
}

/** In mode Each a matrix item is told by the values of its axes, one a line: the wrapper makes the text from them. */
function itemLines(form: ShardForm, items: readonly PlacedItem[]): string {
  const lines = items.flatMap(({ text, axes = [] }) =>
    form === "Each" && axes.length > 0 ? axes.map(({ value }) => value) : [text],
  );
  return lines.map((line) => `${line}\n`).join("");
}

function ownVolumes(form: ShardForm): readonly (Volume | object)[] {
  if (form === "Single") return [];
  const fieldRef = { apiVersion: "v1", fieldPath: `metadata.annotations['${annotations.items}']` };
  const items = { name: itemsVolume.name, downwardAPI: { items: [{ path: "lines", fieldRef }] } };
  return form === "Each" ? [items, { name: scratchVolume.name, emptyDir: {} }] : [items];
}

function ownMounts(form: ShardForm): readonly object[] {
  if (form === "Single") return [];
  const items = { ...itemsVolume, readOnly: true };
  return form === "Each" ? [items, scratchVolume] : [items];
}
