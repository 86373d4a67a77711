// The kinds that the command line reads and writes, without their schemas: building those would double the time that
// a verb takes to start. A test compares with src/api.
import type { KubeObject, Resource } from "@dsl/kube-operator";
import { group, version } from "../api/group.ts";
import type { PooledTask } from "../api/pooled-task.ts";
import type { ResourcePool } from "../api/resource-pool.ts";

export const pooledTasks: Resource<PooledTask> = {
  group,
  version,
  kind: "PooledTask",
  plural: "pooledtasks",
  namespaced: true,
};

export const resourcePools: Resource<ResourcePool> = {
  group,
  version,
  kind: "ResourcePool",
  plural: "resourcepools",
  namespaced: false,
};

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
  /** Sealed: it will never change again. */
  readonly immutable?: boolean;
}

export const configMaps: Resource<ConfigMap> = {
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  namespaced: true,
};

export interface Pod extends KubeObject {
  readonly spec?: { readonly containers?: readonly { readonly name: string }[] };
  readonly status?: { readonly phase?: string };
}

export const pods: Resource<Pod> = { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true };
