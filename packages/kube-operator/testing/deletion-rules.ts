// When a deleted object goes, and what holds it until then. Pure.
import type { DeleteOptions } from "../src/kube-api.ts";
import type { Kind } from "./builtin-kinds.ts";
import { isObject } from "./json.ts";
import { isNamespace, isPod, type StoredObject, timestamp } from "./object-rules.ts";

/** The garbage collector's own finalizers: they make a deletion wait for it. */
export const deletionFinalizers = { Foreground: "foregroundDeletion", Orphan: "orphan" } as const;

/** The object as a delete leaves it, if something holds it. */
export function objectForDeletion(
  kind: Kind,
  object: StoredObject,
  options: Pick<DeleteOptions, "propagation" | "gracePeriodSeconds">,
  nowMs: number,
): StoredObject {
  const graceSeconds = isPod(kind) ? graceOf(object, options.gracePeriodSeconds) : 0;
  const propagation = options.propagation ?? kind.defaultPropagation;
  const finalizer = propagation === "Background" ? [] : [deletionFinalizers[propagation]];
  const { finalizers = [], generation, deletionTimestamp, ...metadata } = object.metadata;
  const given = "deletionGracePeriodSeconds" in metadata ? Number(metadata.deletionGracePeriodSeconds) : 0;
  const isFirst = deletionTimestamp === undefined;
  const held = isFirst ? [...new Set([...finalizers, ...finalizer])] : finalizers;
  return {
    ...object,
    ...(isNamespace(kind) && { status: { phase: "Terminating" } }),
    metadata: {
      ...metadata,
      // Deleting again may give a Pod less time; when it was asked to go stays the same.
      deletionTimestamp:
        deletionTimestamp === undefined
          ? timestamp(nowMs + graceSeconds * 1000)
          : timestamp(Date.parse(deletionTimestamp) - Math.max(0, given - graceSeconds) * 1000),
      ...(generation !== undefined && { generation: isFirst ? generation + 1 : generation }),
      ...(held.length > 0 && { finalizers: held }),
      ...(isPod(kind) && { deletionGracePeriodSeconds: graceSeconds }),
    },
  };
}

/** Whether something still has to happen before a deleted object goes. */
export function isHeld(kind: Kind, { metadata, spec }: StoredObject): boolean {
  const graceSeconds = "deletionGracePeriodSeconds" in metadata ? Number(metadata.deletionGracePeriodSeconds) : 0;
  const hasContents =
    isNamespace(kind) && isObject(spec) && Array.isArray(spec.finalizers) && spec.finalizers.length > 0;
  return (metadata.finalizers?.length ?? 0) > 0 || graceSeconds > 0 || hasContents;
}

/** How long a kubelet has to stop a Pod: no time at all when none has it, or when it has stopped already. */
function graceOf(pod: StoredObject, asked: number | undefined): number {
  const spec = isObject(pod.spec) ? pod.spec : {};
  if (typeof spec.nodeName !== "string" || isTerminated(pod)) return 0;
  const own = spec.terminationGracePeriodSeconds;
  return asked ?? (typeof own === "number" ? own : 30);
}

export const isTerminated = ({ status }: StoredObject): boolean =>
  isObject(status) && (status.phase === "Succeeded" || status.phase === "Failed");
