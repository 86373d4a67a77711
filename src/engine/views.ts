// What the operator keeps of a Job and of a Pod: thousands are held in memory, so each is built anew from the raw JSON,
// with only what somebody reads. What a tenant can write is read as hostile: it can be missing, or of any type.
import { controllerOf, type KubeObject, type OwnerReference } from "@dsl/kube-operator";
import { apiVersion } from "../api/group.ts";
import { annotations, attemptName, childName, labels } from "../api/labels.ts";
import { type PodNeeds, podRequest } from "../api/request.ts";
import type { Amounts } from "../scheduling/resources.ts";
import { itemIndexesAnnotation } from "./item-indexes.ts";
import { countOf, type Fields, fieldsOf, objectsOf, textOf, timeOf } from "./json.ts";
import { defaultContainerAnnotation } from "./pod.ts";
import { messageBytesMax } from "./termination-message.ts";

interface ViewMeta {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** A Job that is one attempt: the native engine's. */
export interface JobView {
  readonly kind: "Job";
  readonly metadata: ViewMeta;
  /** UID of the task that controls it. */
  readonly task: string;
  readonly taskName: string;
  readonly shard: number;
  readonly attempt: number;
  /** Empty where its template names none: somebody changed it. */
  readonly node: string;
  /** Indexes of its items as ranges: `40-43,47`. */
  readonly items: string;
  /** Of the Pod that it asks for. */
  readonly request: Amounts;
  readonly createdMs: number;
  readonly deleting: boolean;
  readonly finalizers: readonly string[];
  readonly finished?: "Complete" | "Failed";
}

/** A Job that the attempts of a task share: the managed engine's. */
export interface RoundView {
  readonly metadata: ViewMeta;
  /** UID of the task that controls it. */
  readonly task: string;
  readonly taskName: string;
  /** From 0; a task has one that is not finished, at most. */
  readonly round: number;
  readonly binding: string;
  readonly bindingReason: string;
  readonly completions: number;
  /** What kube's Job controller leaves alone; a cluster that does not know the field has dropped it. */
  readonly managedBy: string;
  /** Somebody set `spec.suspend`: we never do. */
  readonly suspended: boolean;
  /** Of its stored template, with those that the server put there: tools find its Pods by them. */
  readonly templateLabels: Readonly<Record<string, string>>;
  readonly createdMs: number;
  readonly deleting: boolean;
  readonly finalizers: readonly string[];
  readonly finished?: "Complete" | "Failed";
  /** As stored: ours alone to write. */
  readonly status: Readonly<Record<string, unknown>>;
}

/** A Pod that is one attempt, of a Job that attempts share. */
export interface AttemptPod {
  readonly kind: "Pod";
  readonly metadata: ViewMeta;
  readonly task: string;
  readonly shard: number;
  readonly attempt: number;
  readonly createdMs: number;
  readonly deleting: boolean;
  readonly finished?: "Complete" | "Failed";
  readonly pod: PodView & { readonly attempt: PodAttempt & { readonly own: OwnPod } };
}

/** What an attempt lives and dies with. */
export type AttemptObject = JobView | AttemptPod;

/** Of any Pod: what capacity needs. */
export interface PodView {
  readonly metadata: ViewMeta;
  /** Empty until it is bound. */
  readonly node: string;
  readonly phase: PodPhase;
  readonly request: Amounts;
  readonly deleting: boolean;
  /** Set by whoever keeps a Pod after its DELETED event: what it says is its last word. */
  readonly gone?: true;
  /** Of our own Pods only. */
  readonly attempt?: PodAttempt;
}

export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";

/** Of a Pod of ours: what became of the attempt. */
export interface PodAttempt {
  /** UID of the Job that controls it. */
  readonly job: string;
  /** Where the Pod is an attempt by itself: what a Job of its own would say. */
  readonly own?: OwnPod;
  readonly createdMs: number;
  /** When its deletion was asked for: the end of its grace period less that period. */
  readonly deletionAskedMs?: number;
  /** Its grace period is 0: it is being removed, and when it was first asked to end is told no longer. */
  readonly removing?: true;
  /** `status.reason` and `status.message`: the kubelet's words on a Pod that it refused or evicted. */
  readonly reason?: string;
  readonly message?: string;
  /** The condition PodScheduled is False: since when, and why. */
  readonly refused?: { readonly sinceMs: number; readonly words: string };
  /** The condition DisruptionTarget: the reason why the cluster ends this Pod. */
  readonly disrupted?: string;
  /** The main container, or the init container that keeps it from starting. */
  readonly container?: ContainerView;
  /** Bytes that the kubelet keeps of what one container of this Pod wrote. */
  readonly messageBytesMax: number;
}

export interface OwnPod {
  readonly shard: number;
  readonly attempt: number;
  /** Indexes of its items as ranges. */
  readonly items: string;
  /** The node that the plan chose. */
  readonly node: string;
}

export type ContainerView =
  | { readonly state: "waiting"; readonly words: string }
  | { readonly state: "running"; readonly startMs: number }
  | TerminatedView;

export interface TerminatedView {
  readonly state: "terminated";
  /** The name of an init container; absent for the main one. */
  readonly init?: string;
  readonly startMs?: number;
  readonly endMs?: number;
  readonly exit: number;
  readonly reason: string;
  readonly message: string;
}

export interface Projections {
  /** Undefined for a Job that no PooledTask controls. */
  job(raw: KubeObject): JobView | undefined;
  /** Undefined for any other Job than one that attempts share. */
  round(raw: KubeObject): RoundView | undefined;
  pod(raw: KubeObject): PodView;
}

/** Projections that keep one copy of each text and request that many objects have in common. */
export function createProjections(): Projections {
  const intern = createInterner();
  return {
    job: (raw) => jobView(raw, intern),
    round: (raw) => roundView(raw, intern),
    pod: (raw) => podView(raw, intern),
  };
}

interface Interner {
  text(text: string): string;
  request(spec: Fields): Amounts;
}

/** A cluster has few node names, namespaces and kinds of requests; what is not few is not worth keeping. */
const internedMax = 20_000;

function createInterner(): Interner {
  const texts = new Map<string, string>();
  const requests = new Map<string, Amounts>();
  const kept = <T>(map: Map<string, T>, key: string, value: T): T => {
    const known = map.get(key);
    if (known !== undefined) return known;
    if (map.size >= internedMax) map.clear();
    map.set(key, value);
    return value;
  };
  return {
    text: (text) => kept(texts, text, text),
    request(spec) {
      const needs = needsOf(spec);
      // Reading quantities exactly costs far more than the text of them, and few Pods ask for what no other does.
      const key = JSON.stringify(needs);
      return requests.get(key) ?? kept(requests, key, requestOf(needs));
    },
  };
}

/** What a request is computed from, and nothing else: the rest of a spec is different in each Pod. */
function needsOf(spec: Fields): PodNeeds {
  return {
    containers: objectsOf(spec.containers).map(({ resources }) => ({ resources })),
    initContainers: objectsOf(spec.initContainers).map(({ resources, restartPolicy }) => ({
      resources,
      restartPolicy,
    })),
    overhead: spec.overhead,
    resources: spec.resources,
  } as PodNeeds;
}

function requestOf(needs: PodNeeds): Amounts {
  try {
    return podRequest(needs);
  } catch {
    // An amount that is too large to count with: no node could hold such a Pod, so it holds nothing but its place.
    return { pods: 1 };
  }
}

function metaOf({ metadata }: KubeObject, intern: Interner): ViewMeta {
  const { name, namespace = "", uid, resourceVersion } = metadata;
  return { name, namespace: intern.text(namespace), uid, resourceVersion };
}

function taskOf(raw: KubeObject): OwnerReference | undefined {
  const owner = controllerOf(raw);
  return owner?.kind === "PooledTask" && owner.apiVersion === apiVersion ? owner : undefined;
}

function jobView(raw: KubeObject, intern: Interner): JobView | undefined {
  const owner = taskOf(raw);
  if (owner === undefined) return undefined;
  const found = raw.metadata.labels ?? {};
  const shard = countOf(found[labels.shard]);
  const attempt = countOf(found[labels.attempt]);
  if (shard === undefined || attempt === undefined) return undefined;
  const { metadata, spec, status } = raw as KubeObject & { readonly spec?: unknown; readonly status?: unknown };
  const podSpec = fieldsOf(fieldsOf(fieldsOf(spec).template).spec);
  const finished = finishOf(fieldsOf(status));
  return {
    kind: "Job",
    metadata: metaOf(raw, intern),
    task: intern.text(owner.uid),
    taskName: intern.text(owner.name),
    shard,
    attempt,
    node: intern.text(requiredNode(podSpec)),
    items: textOf(metadata.annotations?.[itemIndexesAnnotation]),
    request: intern.request(podSpec),
    createdMs: timeOf(metadata.creationTimestamp) ?? 0,
    deleting: metadata.deletionTimestamp !== undefined,
    finalizers: (metadata.finalizers ?? []).map(intern.text),
    ...(finished !== undefined && { finished }),
  };
}

function roundView(raw: KubeObject, intern: Interner): RoundView | undefined {
  const owner = taskOf(raw);
  const { metadata, spec, status } = raw as KubeObject & { readonly spec?: unknown; readonly status?: unknown };
  const round = countOf(metadata.labels?.[labels.round]);
  if (owner === undefined || round === undefined) return undefined;
  const template = fieldsOf(fieldsOf(fieldsOf(spec).template).metadata);
  const finished = finishOf(fieldsOf(status));
  return {
    metadata: metaOf(raw, intern),
    task: intern.text(owner.uid),
    taskName: intern.text(owner.name),
    round,
    binding: metadata.annotations?.[annotations.binding] ?? "",
    bindingReason: metadata.annotations?.[annotations.bindingReason] ?? "",
    completions: countOf(fieldsOf(spec).completions) ?? 0,
    managedBy: textOf(fieldsOf(spec).managedBy),
    suspended: fieldsOf(spec).suspend === true,
    templateLabels: Object.fromEntries(
      Object.entries(fieldsOf(template.labels)).map(([label, value]) => [label, textOf(value)]),
    ),
    createdMs: timeOf(metadata.creationTimestamp) ?? 0,
    deleting: metadata.deletionTimestamp !== undefined,
    finalizers: metadata.finalizers ?? [],
    ...(finished !== undefined && { finished }),
    status: fieldsOf(status),
  };
}

/** All Pods of a task are read at each reconcile, and few of them have changed. */
const attemptPods = new WeakMap<PodView, AttemptPod>();

/** Undefined where it is no attempt of the Job, by what it says and by its name: then it is foreign. */
export function attemptPodOf(pod: PodView, round: RoundView): AttemptPod | undefined {
  const known = attemptPods.get(pod);
  // A view never changes, nor does the task of the Job that controls its Pod.
  if (known !== undefined && known.task === round.task) return known;
  const found = readAttemptPod(pod, round);
  if (found !== undefined) attemptPods.set(pod, found);
  return found;
}

function readAttemptPod(pod: PodView, { task, taskName }: RoundView): AttemptPod | undefined {
  const own = pod.attempt?.own;
  if (own === undefined) return undefined;
  const { shard, attempt } = own;
  const child = childName({ metadata: { name: taskName, uid: task } });
  if (pod.metadata.name !== attemptName(child, shard, attempt)) return undefined;
  return {
    kind: "Pod",
    metadata: pod.metadata,
    task,
    shard,
    attempt,
    createdMs: pod.attempt?.createdMs ?? 0,
    deleting: pod.deleting,
    ...(pod.phase === "Succeeded" && { finished: "Complete" }),
    ...(pod.phase === "Failed" && { finished: "Failed" }),
    pod: pod as AttemptPod["pod"],
  };
}

function finishOf(status: Fields): JobView["finished"] {
  const holding = objectsOf(status.conditions).filter((condition) => condition.status === "True");
  if (holding.some(({ type }) => type === "Complete")) return "Complete";
  return holding.some(({ type }) => type === "Failed") ? "Failed" : undefined;
}

function requiredNode(podSpec: Fields): string {
  const affinity = fieldsOf(fieldsOf(podSpec.affinity).nodeAffinity);
  const required = fieldsOf(affinity.requiredDuringSchedulingIgnoredDuringExecution);
  for (const term of objectsOf(required.nodeSelectorTerms)) {
    for (const { key, operator, values } of objectsOf(term.matchFields)) {
      if (key === "metadata.name" && operator === "In" && Array.isArray(values)) return textOf(values[0]);
    }
  }
  return "";
}

function podView(raw: KubeObject, intern: Interner): PodView {
  const pod = raw as KubeObject & { readonly spec?: unknown; readonly status?: unknown };
  const spec = fieldsOf(pod.spec);
  const status = fieldsOf(pod.status);
  const job = raw.metadata.labels?.[labels.taskUid] === undefined ? undefined : controllerOf(raw);
  return {
    metadata: metaOf(raw, intern),
    node: intern.text(textOf(spec.nodeName)),
    phase: phaseOf(status.phase),
    request: intern.request(spec),
    deleting: raw.metadata.deletionTimestamp !== undefined,
    ...(job?.kind === "Job" && { attempt: podAttempt(raw, job.uid, spec, status, intern) }),
  };
}

function phaseOf(phase: unknown): PodPhase {
  return phase === "Running" || phase === "Succeeded" || phase === "Failed" || phase === "Unknown" ? phase : "Pending";
}

function podAttempt({ metadata }: KubeObject, job: string, spec: Fields, status: Fields, intern: Interner): PodAttempt {
  const deletionMs = timeOf(metadata.deletionTimestamp);
  const graceSeconds = countOf(fieldsOf(metadata).deletionGracePeriodSeconds) ?? 0;
  const reason = intern.text(textOf(status.reason));
  const message = textOf(status.message);
  const refused = conditionOf(status, "PodScheduled", "False");
  const disrupted = conditionOf(status, "DisruptionTarget", "True");
  const container = containerView(metadata, spec, status, intern);
  const own = ownPod(metadata, spec, intern);
  return {
    job,
    ...(own !== undefined && { own }),
    createdMs: timeOf(metadata.creationTimestamp) ?? 0,
    ...(deletionMs !== undefined && { deletionAskedMs: deletionMs - graceSeconds * 1000 }),
    ...(deletionMs !== undefined && graceSeconds === 0 && { removing: true }),
    ...(reason !== "" && { reason }),
    ...(message !== "" && { message: shortened(message) }),
    ...(refused !== undefined && {
      refused: { sinceMs: timeOf(refused.lastTransitionTime) ?? 0, words: intern.text(wordsOf(refused)) },
    }),
    ...(disrupted !== undefined && { disrupted: intern.text(textOf(disrupted.reason)) }),
    ...(container !== undefined && { container }),
    messageBytesMax: messageBytesMax(
      objectsOf(spec.containers).length +
        objectsOf(spec.initContainers).length +
        objectsOf(spec.ephemeralContainers).length,
    ),
  };
}

/** Only where the Pod itself says which items it runs; of one that has a Job of its own, that Job does. */
function ownPod(
  { labels: found = {}, annotations: notes }: KubeObject["metadata"],
  spec: Fields,
  intern: Interner,
): OwnPod | undefined {
  const items = notes?.[itemIndexesAnnotation];
  const shard = countOf(found[labels.shard]);
  const attempt = countOf(found[labels.attempt]);
  if (items === undefined || shard === undefined || attempt === undefined) return undefined;
  const node = textOf(spec.nodeName) || requiredNode(spec);
  return { shard, attempt, items, node: intern.text(node) };
}

function conditionOf(status: Fields, type: string, is: string): Fields | undefined {
  return objectsOf(status.conditions).find((condition) => condition.type === type && condition.status === is);
}

/** `Reason: message`, as Kubernetes puts it. */
function wordsOf({ reason, message }: Fields): string {
  return shortened(
    [reason, message]
      .map(textOf)
      .filter((part) => part !== "")
      .join(": "),
  );
}

const wordsLengthMax = 1024;

function shortened(words: string): string {
  return words.length <= wordsLengthMax ? words : `${words.slice(0, wordsLengthMax - 1)}…`;
}

/**
 * The main container is the one that we named so: a webhook may have put others before it. While an init container
 * keeps it from starting, or has failed and ended the Pod, that one's story is told instead.
 */
function containerView(
  metadata: KubeObject["metadata"],
  spec: Fields,
  status: Fields,
  intern: Interner,
): ContainerView | undefined {
  const name = metadata.annotations?.[defaultContainerAnnotation] ?? textOf(objectsOf(spec.containers)[0]?.name);
  const main = stateOf(
    objectsOf(status.containerStatuses).find((found) => found.name === name),
    intern,
  );
  if (main !== undefined && main.state !== "waiting") return main;
  for (const found of objectsOf(status.initContainerStatuses)) {
    const init = stateOf(found, intern);
    if (init?.state === "waiting" && !init.words.startsWith("PodInitializing")) return init;
    if (init?.state === "terminated" && init.exit !== 0) return { ...init, init: textOf(found.name) };
  }
  return main;
}

function stateOf(container: Fields | undefined, intern: Interner): ContainerView | undefined {
  if (container === undefined) return undefined;
  const { waiting, running, terminated } = fieldsOf(container.state);
  if (terminated !== undefined) return terminatedView(fieldsOf(terminated), intern);
  if (running !== undefined) return { state: "running", startMs: timeOf(fieldsOf(running).startedAt) ?? 0 };
  if (waiting !== undefined) return { state: "waiting", words: intern.text(wordsOf(fieldsOf(waiting))) };
  return undefined;
}

function terminatedView(terminated: Fields, intern: Interner): TerminatedView {
  const startMs = timeOf(terminated.startedAt);
  const endMs = timeOf(terminated.finishedAt);
  return {
    state: "terminated",
    // A container that never ran has times of 1970, or none.
    ...(startMs !== undefined && startMs > 0 && { startMs }),
    ...(endMs !== undefined && endMs > 0 && { endMs }),
    exit: countOf(terminated.exitCode) ?? 255,
    reason: intern.text(textOf(terminated.reason)),
    message: textOf(terminated.message),
  };
}
