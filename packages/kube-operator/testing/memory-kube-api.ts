// An API server in memory, for tests and simulation: KubeApi with the rules of the real one, and with faults on demand.
// What it leaves out: authorization, admission, CEL rules, validation of built-in kinds, version conversion.
import { setImmediate } from "node:timers/promises";
import type { Clock, Random } from "../src/clock.ts";
import {
  ApiError,
  type DeleteOptions,
  type KubeApi,
  type ListOptions,
  type ListPage,
  type LogOptions,
  type Patch,
  type RequestOptions,
  type WatchEvent,
  type WatchOptions,
  type WriteOptions,
} from "../src/kube-api.ts";
import { type KubeObject, keyOf, type Manifest, type ObjectKey, type Resource } from "../src/object.ts";
import { isTerminated } from "./deletion-rules.ts";
import { asVersion } from "./kind-registry.ts";
import { MemoryLists } from "./memory-lists.ts";
import { builtinResource, MemoryObjects } from "./memory-objects.ts";
import { connectionReset, MemoryWatches } from "./memory-watches.ts";
import type { StoredObject } from "./object-rules.ts";
import { PodLogs } from "./pod-logs.ts";
import { restRequest } from "./rest-routes.ts";
import { seededRandom } from "./seeded-random.ts";

export interface ApiRequest {
  readonly verb: "get" | "list" | "watch" | "create" | "replace" | "patch" | "delete" | "log";
  readonly resource: Resource;
  /** Absent for lists and watches. */
  readonly key?: ObjectKey;
  readonly subresource?: string;
  readonly body?: unknown;
}

/**
 * What a request meets: the server's refusal, a connection that breaks before the request is done, or one that breaks
 * after, so that its answer is lost.
 */
export type Fault = ApiError | "reset" | "lost";

export interface MemoryKubeApiOptions {
  readonly clock: Clock;
  /** Where uids come from; by default the same for each run. */
  readonly random?: Random;
  /** Beside the namespaces that every cluster has. */
  readonly namespaces?: readonly string[];
  /** CustomResourceDefinitions to begin with. */
  readonly crds?: readonly Manifest[];
  /** False: a server that refuses to send initial events in a watch. */
  readonly watchList?: boolean;
  /** How many past events a watch may start from, at least. */
  readonly windowSize?: number;
  readonly bookmarkMs?: number;
  /** False: who owns which field is not followed, for simulations that never apply; writes then cost half. */
  readonly fieldOwnership?: boolean;
}

export interface MemoryKubeApi extends KubeApi {
  /** The version of the last change. */
  readonly resourceVersion: string;
  /** Asks `fault` about each request from now on, until the returned function is called. */
  fail(fault: (request: ApiRequest) => Fault | undefined): () => void;
  /** Lets the garbage collector finish without time passing. */
  settle(): Promise<void>;
  /** Forgets all past events: a watch from an older version, and the next page of an older list, get 410. */
  compact(): void;
  /** Ends the watches that are open: closed by the server, broken, or told of an error. */
  breakWatches(how?: "end" | "reset" | ApiError): void;
  /** Holds back what watches would be told, until the returned function is called. */
  holdWatches(): () => void;
  /** Adds to the log of a Pod's container. */
  appendLog(pod: ObjectKey, text: string, container?: string): void;
  /** The kind that a REST path names. */
  resourceAt(group: string, version: string, plural: string): Resource | undefined;
}

export function memoryKubeApi(options: MemoryKubeApiOptions): MemoryKubeApi {
  return new InMemoryKubeApi(options);
}

const everyNamespace = ["default", "kube-node-lease", "kube-public", "kube-system"];
const podResource = builtinResource("pods");

class InMemoryKubeApi implements MemoryKubeApi {
  readonly #objects: MemoryObjects;
  readonly #lists: MemoryLists;
  readonly #watches: MemoryWatches;
  readonly #logs = new PodLogs();
  readonly #faults = new Set<(request: ApiRequest) => Fault | undefined>();

  constructor(options: MemoryKubeApiOptions) {
    const { clock, random = seededRandom(1), windowSize = 10_000, bookmarkMs = 60_000, watchList = true } = options;
    this.#objects = new MemoryObjects(clock, random, windowSize, options.fieldOwnership);
    this.#lists = new MemoryLists(this.#objects.storage);
    this.#watches = new MemoryWatches(this.#objects.storage, { clock, bookmarkMs, watchList });
    for (const name of [...everyNamespace, ...(options.namespaces ?? [])]) {
      this.#objects.create(builtinResource("namespaces"), { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    }
    for (const crd of options.crds ?? []) this.#objects.create(builtinResource("customresourcedefinitions"), crd);
  }

  get resourceVersion(): string {
    return `${this.#objects.storage.revision}`;
  }

  fail(fault: (request: ApiRequest) => Fault | undefined): () => void {
    this.#faults.add(fault);
    return () => void this.#faults.delete(fault);
  }

  async settle(): Promise<void> {
    do {
      await setImmediate();
      this.#objects.collector.run();
    } while (!this.#objects.collector.isIdle);
    await setImmediate();
  }

  compact(): void {
    this.#objects.storage.compact();
    this.#lists.compact();
  }

  breakWatches(how: "end" | "reset" | ApiError = "end"): void {
    this.#watches.break(how);
  }

  holdWatches(): () => void {
    return this.#watches.hold();
  }

  appendLog(pod: ObjectKey, text: string, container?: string): void {
    this.#logs.append(pod, text, container);
  }

  resourceAt(group: string, version: string, plural: string): Resource | undefined {
    return this.#objects.kinds.find({ group, version, plural })?.resource;
  }

  get<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    options: RequestOptions & { subresource?: string } = {},
  ): Promise<T> {
    return this.#perform({ verb: "get", resource, key, ...subresourceOf(options) }, options, () =>
      asVersion(resource, this.#objects.entry(resource, key).object),
    );
  }

  list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<ListPage<T>> {
    return this.#perform({ verb: "list", resource }, options, () =>
      this.#lists.page(this.#objects.kinds.get(resource), resource, options),
    );
  }

  async *watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions = {}): AsyncIterable<WatchEvent<T>> {
    if (options.signal?.aborted) return;
    const events = await this.#perform({ verb: "watch", resource }, options, () =>
      this.#watches.open(this.#objects.kinds.get(resource), resource, options),
    );
    for await (const event of events) yield event as WatchEvent<T>;
  }

  create<T extends KubeObject>(resource: Resource<T>, manifest: Manifest, options: WriteOptions = {}): Promise<T> {
    const key = keyOf(manifest);
    return this.#perform({ verb: "create", resource, key, ...subresourceOf(options), body: manifest }, options, () =>
      asVersion(resource, this.#objects.create(resource, manifest, options)),
    );
  }

  replace<T extends KubeObject>(resource: Resource<T>, object: Manifest, options: WriteOptions = {}): Promise<T> {
    const key = keyOf(object);
    return this.#perform({ verb: "replace", resource, key, ...subresourceOf(options), body: object }, options, () =>
      asVersion(resource, this.#objects.replace(resource, object, options)),
    );
  }

  patch<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: Patch,
    options: WriteOptions = {},
  ): Promise<T> {
    return this.#perform({ verb: "patch", resource, key, ...subresourceOf(options), body: patch }, options, () =>
      asVersion(resource, this.#objects.patch(resource, key, patch, options)),
    );
  }

  delete<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    options: DeleteOptions = {},
  ): Promise<T | undefined> {
    return this.#perform({ verb: "delete", resource, key, body: options }, options, () => {
      const held = this.#objects.delete(resource, key, options);
      return held && asVersion(resource, held);
    });
  }

  async *log(pod: ObjectKey, options: LogOptions = {}): AsyncIterable<string> {
    const { storage } = this.#objects;
    yield* await this.#perform({ verb: "log", resource: podResource, key: pod }, options, () => {
      const { uid } = this.#objects.entry(podResource, pod).object.metadata;
      const isOver = (): boolean => {
        const entry = storage.byUid(uid);
        return entry === undefined || isTerminated(entry.object as StoredObject);
      };
      return this.#logs.read(pod, options, isOver, (listener) => storage.onEvent(listener));
    });
  }

  request(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    body?: unknown,
    options: RequestOptions = {},
  ): Promise<unknown> {
    return restRequest(this, method, path, body, options);
  }

  async #perform<R>(request: ApiRequest, { signal }: RequestOptions, operation: () => R): Promise<R> {
    // Whoever calls must not rely on an answer in the same turn.
    await Promise.resolve();
    signal?.throwIfAborted();
    let isLost = false;
    for (const faultOf of [...this.#faults]) {
      const fault = faultOf(request);
      if (fault instanceof ApiError) throw fault;
      if (fault === "reset") throw connectionReset();
      isLost ||= fault === "lost";
    }
    const result = operation();
    if (isLost) throw connectionReset();
    return result;
  }
}

const subresourceOf = ({ subresource }: { readonly subresource?: string }): { subresource?: string } =>
  subresource === undefined ? {} : { subresource };
