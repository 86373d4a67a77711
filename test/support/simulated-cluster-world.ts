// What the parts of a simulated cluster have in common: the API server that they all talk to, the time that they live
// in, and a live copy of the kinds that they look at. Knows no part.
import { ApiError, type KubeObject, keyText, type ObjectKey, type Resource } from "@dsl/kube-operator";
import type { ManualClock, MemoryKubeApi } from "@dsl/kube-operator/testing";
import { type PooledTask, pooledTasks } from "../../src/api/pooled-task.ts";
import { type ResourcePool, resourcePools } from "../../src/api/resource-pool.ts";
import { type ConfigMap, configMaps } from "../../src/controller/record-log.ts";

export type Fields = Readonly<Record<string, unknown>>;

export interface SimulatedJob extends KubeObject {
  readonly spec: {
    readonly managedBy?: string;
    readonly template: { readonly metadata?: object; readonly spec: SimulatedPod["spec"] };
  };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

export interface SimulatedContainer {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly resources?: { readonly requests?: Readonly<Record<string, string>> };
}

export interface SimulatedPod extends KubeObject {
  readonly spec: {
    readonly nodeName?: string;
    readonly affinity?: unknown;
    readonly containers: readonly SimulatedContainer[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly Fields[];
    readonly containerStatuses?: readonly { readonly state?: Fields }[];
  };
}

export interface SimulatedNode extends KubeObject {
  readonly spec?: Fields;
  readonly status?: {
    readonly allocatable?: Readonly<Record<string, string>>;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

function core<T extends KubeObject>(kind: string, plural: string, namespaced = true): Resource<T> {
  return { group: "", version: "v1", kind, plural, namespaced };
}

export const jobs: Resource<SimulatedJob> = {
  group: "batch",
  version: "v1",
  kind: "Job",
  plural: "jobs",
  namespaced: true,
};
export const pods = core<SimulatedPod>("Pod", "pods");
export const nodes = core<SimulatedNode>("Node", "nodes", false);
export const namespaces = core("Namespace", "namespaces", false);
export const events = core("Event", "events");
export const quotas = core<KubeObject & { readonly spec: { readonly hard: Readonly<Record<string, string>> } }>(
  "ResourceQuota",
  "resourcequotas",
);
export { configMaps, pooledTasks, resourcePools };

export type Change = "ADDED" | "MODIFIED" | "DELETED";

/** The objects of one kind as the server has them, a moment later. */
export class Mirror<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly #objects = new Map<string, T>();
  readonly #handlers: ((change: Change, object: T) => void)[] = [];

  constructor(api: MemoryKubeApi, resource: Resource<T>) {
    this.resource = resource;
    void this.#follow(api);
  }

  async #follow(api: MemoryKubeApi): Promise<void> {
    for await (const event of api.watch(this.resource)) {
      if (event.type === "BOOKMARK" || event.type === "ERROR") continue;
      const { type, object } = event;
      const key = keyText(object.metadata);
      if (type === "DELETED") this.#objects.delete(key);
      else this.#objects.set(key, object as T);
      for (const handler of this.#handlers) handler(type, object as T);
    }
  }

  onChange(handler: (change: Change, object: T) => void): void {
    this.#handlers.push(handler);
  }

  get(key: ObjectKey): T | undefined {
    return this.#objects.get(keyText(key));
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }
}

export interface World {
  readonly api: MemoryKubeApi;
  readonly clock: ManualClock;
  readonly tasks: Mirror<PooledTask>;
  readonly pools: Mirror<ResourcePool>;
  readonly jobs: Mirror<SimulatedJob>;
  readonly pods: Mirror<SimulatedPod>;
  readonly nodes: Mirror<SimulatedNode>;
  readonly configMaps: Mirror<ConfigMap>;
  readonly quotas: Mirror<KubeObject & { readonly spec: { readonly hard: Readonly<Record<string, string>> } }>;
  /** What went wrong in a part of the cluster itself: a mistake in the simulation. */
  readonly mistakes: unknown[];
}

export function createWorld(api: MemoryKubeApi, clock: ManualClock): World {
  return {
    api,
    clock,
    tasks: new Mirror(api, pooledTasks),
    pools: new Mirror(api, resourcePools),
    jobs: new Mirror(api, jobs),
    pods: new Mirror(api, pods),
    nodes: new Mirror(api, nodes),
    configMaps: new Mirror(api, configMaps),
    quotas: new Mirror(api, quotas),
    mistakes: [],
  };
}

/** Does something later; the server's refusals are no mistake, since the world moves on meanwhile. */
export function later(world: World, delayMs: number, work: () => Promise<unknown>): void {
  world.clock.after(delayMs, () => {
    work().catch((error) => {
      if (!(error instanceof ApiError)) world.mistakes.push(error);
    });
  });
}

/** RFC 3339 in whole seconds, as Kubernetes writes times. */
export function timestamp(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
}

export function isOver({ status }: SimulatedPod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

export function jobOf(pod: SimulatedPod): string {
  return pod.metadata.ownerReferences?.find(({ controller }) => controller)?.uid ?? "";
}
