// Patches that add or remove one finalizer and touch no other. Each tests what it builds upon: on a change in between
// the server answers 422 and changes nothing, and the next reconcile sees the new state.
import type { JsonPatch, JsonPatchOperation } from "./kube-api.ts";
import type { ObjectMeta } from "./object.ts";

type Held = {
  readonly metadata: Pick<ObjectMeta, "uid" | "resourceVersion" | "finalizers" | "deletionTimestamp">;
};

export function hasFinalizer({ metadata }: Held, name: string): boolean {
  return metadata.finalizers?.includes(name) === true;
}

/** Undefined when it is there, or when the object is being deleted: the server takes no new ones then. */
export function addFinalizer(object: Held, name: string): JsonPatch | undefined {
  const { finalizers, deletionTimestamp, resourceVersion } = object.metadata;
  if (hasFinalizer(object, name) || deletionTimestamp !== undefined) return undefined;
  if (finalizers === undefined || finalizers.length === 0) {
    // An absent list cannot be tested; adding one could overwrite what another has put there since.
    return patch(object, [
      { op: "test", path: "/metadata/resourceVersion", value: resourceVersion },
      { op: "add", path: "/metadata/finalizers", value: [name] },
    ]);
  }
  return patch(object, [
    { op: "test", path: "/metadata/finalizers", value: finalizers },
    { op: "add", path: "/metadata/finalizers/-", value: name },
  ]);
}

/** Undefined when it is not there. */
export function removeFinalizer(object: Held, name: string): JsonPatch | undefined {
  const position = object.metadata.finalizers?.indexOf(name) ?? -1;
  if (position < 0) return undefined;
  const path = `/metadata/finalizers/${position}`;
  return patch(object, [
    { op: "test", path, value: name },
    { op: "remove", path },
  ]);
}

/** The name may have a new bearer by now: the uid is tested too. */
function patch({ metadata }: Held, operations: readonly JsonPatchOperation[]): JsonPatch {
  return { type: "json", operations: [{ op: "test", path: "/metadata/uid", value: metadata.uid }, ...operations] };
}
