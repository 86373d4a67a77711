// Where the REST API keeps a kind and its objects.
import { apiVersionOf, type ObjectKey, type Resource } from "./object.ts";

/** The path of all objects of a kind, or of those in one namespace. */
export function collectionPath(resource: Resource, namespace?: string): string {
  const root = resource.group === "" ? "/api" : "/apis";
  const scope = resource.namespaced && namespace !== undefined ? `namespaces/${segment(namespace)}/` : "";
  return `${root}/${apiVersionOf(resource)}/${scope}${resource.plural}`;
}

/** The path of one object, or of one of its subresources. */
export function objectPath(resource: Resource, { namespace, name }: ObjectKey, subresource?: string): string {
  // An empty name would address the whole collection, and a delete there deletes everything.
  if (name === "") throw new TypeError(`a ${resource.kind} is addressed without a name`);
  const path = `${ownCollectionPath(resource, namespace)}/${segment(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** The path to which an object of this namespace is posted. */
export function ownCollectionPath(resource: Resource, namespace: string | undefined): string {
  if (resource.namespaced && (namespace === undefined || namespace === "")) {
    throw new TypeError(`a ${resource.kind} lives in a namespace, and none is given`);
  }
  return collectionPath(resource, namespace);
}

const segment = (text: string): string => encodeURIComponent(text);
