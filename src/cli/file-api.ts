// Objects of a file as an API server would give them. Nothing can be written or watched.
import { ApiError, type KubeApi, type KubeObject, type ObjectKey, type Resource } from "@dsl/kube-operator";

export function fileApi(objects: readonly KubeObject[]): KubeApi {
  const of = <T extends KubeObject>(resource: Resource<T>): readonly T[] => {
    const apiVersion = resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
    return objects.filter((each): each is T => each.kind === resource.kind && each.apiVersion === apiVersion);
  };
  const refuse = (): never => {
    throw new Error("objects of a file can only be read");
  };
  return {
    list: async (resource) => ({ items: of(resource), resourceVersion: "1" }),
    async get<T extends KubeObject>(resource: Resource<T>, { namespace, name }: ObjectKey): Promise<T> {
      const found = of(resource).find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
      if (found !== undefined) return found;
      throw new ApiError({ code: 404, reason: "NotFound", message: `${resource.plural} "${name}" not found` });
    },
    watch: refuse,
    create: refuse,
    replace: refuse,
    patch: refuse,
    delete: refuse,
    log: refuse,
    request: refuse,
  };
}
