// The account that the API server keeps of who wrote which field of an object, and how to be rid of it.
import type { JsonPatchOperation } from "./kube-api.ts";
import type { ObjectMeta } from "./object.ts";

type Accounted = { readonly metadata: Pick<ObjectMeta, "resourceVersion" | "managedFields"> };

/**
 * Operations for a JSON patch of the object, not of its status: from then on the server keeps no such account of it, which
 * is two fifths of what it pays for a write. Server-side apply begins a new one.
 *
 * None where there is no account, or where somebody applies the object on the server's side: the next apply sees in it what
 * is in the manifest no more. Somebody may have begun to since the object was read: its version is tested.
 */
export function dropManagedFields({ metadata }: Accounted): readonly JsonPatchOperation[] {
  const { managedFields = [], resourceVersion } = metadata;
  if (managedFields.length === 0 || managedFields.some(({ operation }) => operation === "Apply")) return [];
  return [
    { op: "test", path: "/metadata/resourceVersion", value: resourceVersion },
    // One empty entry is the server's word for it; a list that is left out or empty in a patch would be put back.
    { op: "add", path: "/metadata/managedFields", value: [{}] },
  ];
}
