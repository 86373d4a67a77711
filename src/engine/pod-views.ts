// What the operator keeps of a Pod: of any what capacity needs, of our own what became of the attempt. Built anew from
// the raw JSON, with only what somebody reads; what a tenant can write can be missing, or of any type.
import { controllerOf, type KubeObject } from "@dsl/kube-operator";
import { labels } from "../api/labels.ts";
import type { Amounts } from "../scheduling/resources.ts";
import { type Interner, metaOf, type ViewMeta } from "./interner.ts";
import { itemIndexesAnnotation } from "./item-indexes.ts";
import { countOf, type Fields, fieldsOf, objectsOf, textOf, timeOf } from "./json.ts";
import { requiredNode } from "./node-affinity.ts";
import { defaultContainerAnnotation } from "./pod.ts";
import { messageBytesMax } from "./termination-message.ts";

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

/** It holds nothing of its node any more. */
export function hasEnded({ phase }: PodView): boolean {
  return phase === "Succeeded" || phase === "Failed";
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

export function podView(raw: KubeObject, intern: Interner): PodView {
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
