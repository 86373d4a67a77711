// The objects that `map` creates, from what the command line said. Sends nothing.
import type { Manifest, OwnerReference, Random } from "@dsl/kube-operator";
import type { ChunkSize } from "../api/chunks.ts";
import { apiVersion } from "../api/group.ts";
import { labels } from "../api/labels.ts";
import type { PooledTask, PooledTaskSpecInput, Reduce } from "../api/pooled-task.ts";
import { capturingCommand } from "./capture.ts";

export interface MapRequest {
  readonly name: string;
  readonly namespace: string;
  readonly pool: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly chunkSize: ChunkSize;
  readonly mode: "Each" | "Whole";
  readonly parallelism: number | undefined;
  readonly retries: number | undefined;
  readonly reduce: Reduce;
  /** Of one shard: `cpu` → `100m`. */
  readonly requests: Readonly<Record<string, string>> | undefined;
  readonly itemTimeoutSeconds: number | undefined;
}

/** The key under which a ConfigMap of ours holds its items. */
const itemsKey = "items";

export function itemsName(task: string, number: number): string {
  return `${task}-items-${number}`;
}

export function itemsManifest(request: MapRequest, number: number, text: string): Manifest {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: itemsName(request.name, number),
      namespace: request.namespace,
      labels: { [labels.task]: request.name },
    },
    // Items must not change while a task runs.
    immutable: true,
    data: { [itemsKey]: text },
  };
}

/** Makes a ConfigMap of items go with its task. */
export function ownerReference(task: PooledTask): OwnerReference {
  return { apiVersion: task.apiVersion, kind: task.kind, name: task.metadata.name, uid: task.metadata.uid };
}

/** `items`: the items themselves, or how many ConfigMaps hold them. */
export function taskManifest(request: MapRequest, items: readonly string[] | number): Manifest {
  const { chunkSize, mode, parallelism, retries, reduce, requests, itemTimeoutSeconds } = request;
  const spec: PooledTaskSpecInput = {
    poolRef: { name: request.pool },
    items:
      typeof items === "number"
        ? {
            configMapRefs: Array.from({ length: items }, (_, n) => ({
              name: itemsName(request.name, n),
              key: itemsKey,
            })),
          }
        : { list: [...items] },
    ...((chunkSize !== 1 || mode !== "Each") && { chunk: { size: chunkSize, mode } }),
    ...(parallelism !== undefined && { parallelism }),
    ...(retries !== undefined && { retries }),
    ...(reduce !== "None" && { results: { reduce } }),
    ...(itemTimeoutSeconds !== undefined && { itemTimeoutSeconds }),
    template: {
      spec: {
        containers: [
          {
            name: "main",
            image: request.image,
            command: [...capturingCommand(request.command)],
            ...(requests !== undefined && { resources: { requests } }),
          },
        ],
      },
    },
  };
  return { apiVersion, kind: "PooledTask", metadata: { name: request.name, namespace: request.namespace }, spec };
}

/** Kubernetes' own alphabet for generated names: no vowels, so no words. */
const nameLetters = "bcdfghjklmnpqrstvwxz2456789";

export function generatedName(random: Random): string {
  const letters = Array.from({ length: 5 }, () => nameLetters[Math.floor(random() * nameLetters.length)]);
  return `map-${letters.join("")}`;
}
