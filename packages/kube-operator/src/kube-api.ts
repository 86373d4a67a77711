// The one interface through which anything reads or writes Kubernetes. Two things implement it: HttpKubeApi (a real
// API server) and MemoryKubeApi (tests, simulation); one contract suite holds them to the same behaviour.
import type { KubeObject, Manifest, ObjectKey, Resource } from "./object.ts";

export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** Overrides the client's time limit for one request. */
  readonly timeoutMs?: number;
}

export interface ListOptions extends RequestOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
}

export interface ListPage<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Absent on the last page. */
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export interface WatchOptions extends RequestOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: "NotOlderThan";
  readonly sendInitialEvents?: boolean;
  readonly timeoutSeconds?: number;
  /** Called with each chunk that arrives, also those without an event: proof of life. */
  readonly onActivity?: () => void;
}

export type WatchEvent<T> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  | { readonly type: "BOOKMARK"; readonly object: KubeObject }
  | { readonly type: "ERROR"; readonly status: Status };

export interface WriteOptions extends RequestOptions {
  readonly subresource?: string;
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  /** Default Strict: an unknown field is an error, not a silence. */
  readonly fieldValidation?: "Strict" | "Warn" | "Ignore";
}

export interface JsonPatchOperation {
  readonly op: "add" | "remove" | "replace" | "test" | "move" | "copy";
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

export interface JsonPatch {
  readonly type: "json";
  readonly operations: readonly JsonPatchOperation[];
}

export type Patch =
  | JsonPatch
  | { readonly type: "merge"; readonly body: unknown }
  /** Server-side apply; needs `fieldManager` in the options. */
  | { readonly type: "apply"; readonly body: Manifest; readonly force?: boolean };

export interface DeleteOptions extends RequestOptions {
  /** Preconditions: the server answers 409 when the stored object differs. */
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly propagation?: "Background" | "Foreground" | "Orphan";
  readonly gracePeriodSeconds?: number;
}

export interface LogOptions extends RequestOptions {
  readonly container?: string;
  readonly follow?: boolean;
  readonly tailLines?: number;
  readonly timestamps?: boolean;
  readonly previous?: boolean;
}

export interface KubeApi {
  get<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    options?: RequestOptions & { subresource?: string },
  ): Promise<T>;
  /** One page; see `listAll`. */
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<ListPage<T>>;
  /** Ends when the server closes the stream or the signal aborts; throws ApiError or a network error. */
  watch<T extends KubeObject>(resource: Resource<T>, options?: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create<T extends KubeObject>(resource: Resource<T>, manifest: Manifest, options?: WriteOptions): Promise<T>;
  /** PUT: the object's resourceVersion is its precondition. */
  replace<T extends KubeObject>(resource: Resource<T>, object: Manifest, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, patch: Patch, options?: WriteOptions): Promise<T>;
  /** Resolves with the object while finalizers still hold it, with undefined when it is gone. */
  delete<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options?: DeleteOptions): Promise<T | undefined>;
  /** A Pod's log, in chunks of text. */
  log(pod: ObjectKey, options?: LogOptions): AsyncIterable<string>;
  /** Anything else: version, discovery, access reviews, token requests, eviction, scale. `path` starts with "/". */
  request(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    body?: unknown,
    options?: RequestOptions,
  ): Promise<unknown>;
}

/** The API server's own words on a failure (`kind: Status`). */
export interface Status {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: {
    readonly name?: string;
    readonly kind?: string;
    readonly uid?: string;
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[];
  };
}

export class ApiError extends Error {
  readonly status: Status;
  constructor(status: Status, options?: { cause?: unknown }) {
    super(status.message || `${status.code} ${status.reason}`, options);
    this.name = "ApiError";
    this.status = status;
  }
}

const hasCode = (error: unknown, code: number): error is ApiError =>
  error instanceof ApiError && error.status.code === code;

export const isNotFound = (error: unknown): error is ApiError => hasCode(error, 404);
export const isAlreadyExists = (error: unknown): error is ApiError =>
  hasCode(error, 409) && error.status.reason === "AlreadyExists";
export const isConflict = (error: unknown): error is ApiError =>
  hasCode(error, 409) && error.status.reason === "Conflict";
export const isForbidden = (error: unknown): error is ApiError => hasCode(error, 403);
export const isInvalid = (error: unknown): error is ApiError => hasCode(error, 422);
/** The version asked for is compacted: list anew. */
export const isExpired = (error: unknown): error is ApiError => hasCode(error, 410);
export const isTooManyRequests = (error: unknown): error is ApiError => hasCode(error, 429);

/** All pages of a list, each of `pageSize` objects, read at one version. */
export async function listAll<T extends KubeObject>(
  api: KubeApi,
  resource: Resource<T>,
  options: Omit<ListOptions, "limit" | "continue"> = {},
  pageSize = 500,
): Promise<{ readonly items: readonly T[]; readonly resourceVersion: string }> {
  const items: T[] = [];
  let token: string | undefined;
  for (;;) {
    const page: ListPage<T> = await api.list(resource, {
      ...options,
      limit: pageSize,
      ...(token !== undefined && { continue: token }),
    });
    items.push(...page.items);
    if (page.continue === undefined) return { items, resourceVersion: page.resourceVersion };
    token = page.continue;
  }
}
