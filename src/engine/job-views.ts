// What the operator keeps of a Job: of one that is an attempt, and of one that attempts share. Built anew from the raw
// JSON, with only what somebody reads; what a tenant can write can be missing, or of any type.
import { controllerOf, type KubeObject, type OwnerReference } from "@dsl/kube-operator";
import { apiVersion } from "../api/group.ts";
import { annotations, labels } from "../api/labels.ts";
import type { Amounts } from "../scheduling/resources.ts";
import { type Interner, metaOf, type ViewMeta } from "./interner.ts";
import { itemIndexesAnnotation } from "./item-indexes.ts";
import { countOf, type Fields, fieldsOf, objectsOf, textOf, timeOf } from "./json.ts";
import { requiredNode } from "./node-affinity.ts";

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

/** Undefined for a Job that no PooledTask controls. */
export function jobView(raw: KubeObject, intern: Interner): JobView | undefined {
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

/** Undefined for any other Job than one that attempts share. */
export function roundView(raw: KubeObject, intern: Interner): RoundView | undefined {
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

function taskOf(raw: KubeObject): OwnerReference | undefined {
  const owner = controllerOf(raw);
  return owner?.kind === "PooledTask" && owner.apiVersion === apiVersion ? owner : undefined;
}

function finishOf(status: Fields): JobView["finished"] {
  const holding = objectsOf(status.conditions).filter((condition) => condition.status === "True");
  if (holding.some(({ type }) => type === "Complete")) return "Complete";
  return holding.some(({ type }) => type === "Failed") ? "Failed" : undefined;
}
