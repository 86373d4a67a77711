// KubeApi over HTTP: each verb as the REST API wants it. Sends raw JSON both ways: what the server has, callers get.
import { type Clock, type Random, sleep, systemClock, systemRandom } from "./clock.ts";
import type { Connection } from "./connection.ts";
import { retryDelayMs } from "./http-retry.ts";
import { HttpTransport, RequestTimeout, type TransportRequest, type TransportResponse } from "./http-transport.ts";
import {
  ApiError,
  type DeleteOptions,
  isNotFound,
  type KubeApi,
  type ListOptions,
  type ListPage,
  type LogOptions,
  type Patch,
  type RequestOptions,
  type Status,
  type WatchEvent,
  type WatchOptions,
  type WriteOptions,
} from "./kube-api.ts";
import { linesOf } from "./lines.ts";
import { apiVersionOf, type KubeObject, keyOf, type Manifest, type ObjectKey, type Resource } from "./object.ts";
import { collectionPath, objectPath, ownCollectionPath } from "./object-path.ts";

export interface HttpKubeApiOptions {
  /** How many requests may be under way at once; watches and logs do not count. The rest waits. */
  readonly maxInFlight?: number;
  /** For one attempt of a request; for a watch or a log, up to the beginning of its answer. */
  readonly timeoutMs?: number;
  readonly userAgent?: string;
  /** Hears of each attempt that has ended. */
  readonly onRequest?: (attempt: RequestAttempt) => void;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface RequestAttempt {
  readonly method: string;
  readonly host: string;
  /** The HTTP status, or `<error>` when there was none. */
  readonly code: string;
  readonly durationMs: number;
}

export interface HttpKubeApi extends KubeApi {
  /** Closes the connections; requests under way fail. */
  close(): void;
}

const podResource: Resource = { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true };

export function httpKubeApi(connection: Connection, options: HttpKubeApiOptions = {}): HttpKubeApi {
  return new HttpApi(connection, options);
}

interface Call extends RequestOptions {
  readonly method: string;
  readonly path: string;
  readonly query?: Query;
  readonly body?: unknown;
  readonly contentType?: string;
  /** See http-retry.ts. */
  readonly isRepeatable: boolean;
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

class HttpApi implements HttpKubeApi {
  readonly #transport: HttpTransport;
  readonly #host: string;
  readonly #timeoutMs: number;
  readonly #onRequest: (attempt: RequestAttempt) => void;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(connection: Connection, options: HttpKubeApiOptions) {
    const { maxInFlight = 64, timeoutMs = 30_000, userAgent = "kube-operator" } = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#onRequest = options.onRequest ?? (() => {});
    this.#timeoutMs = timeoutMs;
    this.#host = new URL(connection.server).host;
    this.#transport = new HttpTransport(connection, { maxInFlight, userAgent, clock: this.#clock });
  }

  close(): void {
    this.#transport.close();
  }

  async get<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    options: RequestOptions & { subresource?: string } = {},
  ): Promise<T> {
    const path = objectPath(resource, key, options.subresource);
    return (await this.#call({ ...limits(options), method: "GET", path, isRepeatable: true })) as T;
  }

  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<ListPage<T>> {
    const { namespace, labelSelector, fieldSelector, limit, continue: token, resourceVersion } = options;
    const body = (await this.#call({
      ...limits(options),
      method: "GET",
      path: collectionPath(resource, namespace),
      query: { labelSelector, fieldSelector, limit, continue: token, resourceVersion },
      isRepeatable: true,
    })) as ListBody;
    const { resourceVersion: version, continue: next, remainingItemCount } = body.metadata;
    return {
      items: (body.items ?? []).map((item) => withKind<T>(resource, item)),
      resourceVersion: version,
      ...(next !== undefined && next !== "" && { continue: next }),
      ...(remainingItemCount !== undefined && { remainingItemCount }),
    };
  }

  async *watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions = {}): AsyncIterable<WatchEvent<T>> {
    const { namespace, labelSelector, fieldSelector, resourceVersion, resourceVersionMatch } = options;
    const { sendInitialEvents, timeoutSeconds, onActivity } = options;
    const body = this.#stream({
      ...limits(options),
      method: "GET",
      path: collectionPath(resource, namespace),
      query: {
        watch: true,
        allowWatchBookmarks: true,
        labelSelector,
        fieldSelector,
        resourceVersion,
        resourceVersionMatch,
        sendInitialEvents,
        timeoutSeconds,
      },
      isRepeatable: true,
    });
    for await (const line of linesOf(body, onActivity)) yield eventIn<T>(line);
  }

  async create<T extends KubeObject>(
    resource: Resource<T>,
    manifest: Manifest,
    options: WriteOptions = {},
  ): Promise<T> {
    const { namespace, name } = manifest.metadata;
    const { subresource } = options;
    return (await this.#call({
      ...limits(options),
      method: "POST",
      path:
        subresource === undefined
          ? ownCollectionPath(resource, namespace)
          : objectPath(
              resource,
              keyOf({ metadata: { name, ...(namespace !== undefined && { namespace }) } }),
              subresource,
            ),
      query: writeQuery(options),
      body: manifest,
      isRepeatable: false,
    })) as T;
  }

  async replace<T extends KubeObject>(resource: Resource<T>, object: Manifest, options: WriteOptions = {}): Promise<T> {
    return (await this.#call({
      ...limits(options),
      method: "PUT",
      path: objectPath(resource, keyOf(object), options.subresource),
      query: writeQuery(options),
      body: object,
      isRepeatable: true,
    })) as T;
  }

  async patch<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: Patch,
    options: WriteOptions = {},
  ): Promise<T> {
    return (await this.#call({
      ...limits(options),
      method: "PATCH",
      path: objectPath(resource, key, options.subresource),
      query: { ...writeQuery(options), ...(patch.type === "apply" && patch.force === true && { force: true }) },
      body: patch.type === "json" ? patch.operations : patch.body,
      contentType: patchTypes[patch.type],
      // Adding an item to a list twice leaves it there twice.
      isRepeatable: patch.type !== "json",
    })) as T;
  }

  async delete<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    options: DeleteOptions = {},
  ): Promise<T | undefined> {
    const { uid, resourceVersion, propagation, gracePeriodSeconds } = options;
    let isRepeated = false;
    const call: Call = {
      ...limits(options),
      method: "DELETE",
      path: objectPath(resource, key),
      body: {
        apiVersion: "v1",
        kind: "DeleteOptions",
        ...((uid !== undefined || resourceVersion !== undefined) && { preconditions: { uid, resourceVersion } }),
        ...(propagation !== undefined && { propagationPolicy: propagation }),
        ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
      },
      isRepeatable: true,
    };
    try {
      const answer = await this.#call(call, () => {
        isRepeated = true;
      });
      return isStillThere(answer) ? (answer as T) : undefined;
    } catch (error) {
      // The first attempt did it, and its answer was lost.
      if (isRepeated && isNotFound(error)) return undefined;
      throw error;
    }
  }

  async *log(pod: ObjectKey, options: LogOptions = {}): AsyncIterable<string> {
    const { container, follow, tailLines, timestamps, previous } = options;
    const decoder = new TextDecoder();
    const body = this.#stream({
      ...limits(options),
      method: "GET",
      path: objectPath(podResource, pod, "log"),
      query: { container, follow, tailLines, timestamps, previous },
      isRepeatable: true,
    });
    for await (const chunk of body) {
      const text = decoder.decode(chunk, { stream: true });
      if (text !== "") yield text;
    }
  }

  request(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    body?: unknown,
    options: RequestOptions = {},
  ): Promise<unknown> {
    return this.#call({
      ...limits(options),
      method,
      path,
      body,
      ...(method === "PATCH" && { contentType: Array.isArray(body) ? patchTypes.json : patchTypes.merge }),
      isRepeatable: method === "GET" || method === "PUT" || method === "DELETE",
    });
  }

  /** Sends until an answer counts. `onRepeat` hears of each time that the request goes out again. */
  #call(call: Call, onRepeat: () => void = () => {}): Promise<unknown> {
    return this.#repeated(call, onRepeat, async (request) => {
      const response = await this.#transport.send(request);
      if (response.code >= 400) throw apiError(response);
      return { code: response.code, result: answerIn(response.text) };
    });
  }

  async *#stream(call: Call): AsyncIterable<Buffer> {
    if (call.signal?.aborted) return;
    try {
      const stream = await this.#repeated(
        call,
        () => {},
        async (request) => {
          const { body, ...response } = await this.#transport.stream(request);
          if (response.code < 400) return { code: response.code, result: body };
          const chunks: Buffer[] = [];
          for await (const chunk of body) chunks.push(chunk);
          throw apiError({ ...response, text: Buffer.concat(chunks).toString("utf8") });
        },
      );
      yield* stream;
    } catch (error) {
      // Who aborts a stream wants it to end, not to fail.
      if (!call.signal?.aborted) throw error;
    }
  }

  async #repeated<R>(
    call: Call,
    onRepeat: () => void,
    send: (request: TransportRequest) => Promise<{ readonly code: number; readonly result: R }>,
  ): Promise<R> {
    const { method, signal, timeoutMs = this.#timeoutMs, contentType } = call;
    const request: TransportRequest = {
      method,
      path: call.path + queryText(call.query),
      timeoutMs,
      ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
      ...(contentType !== undefined && { contentType }),
      ...(signal !== undefined && { signal }),
    };
    for (let attempt = 1; ; attempt += 1) {
      const startedAt = this.#clock.monotonic();
      const report = (code: string): void =>
        this.#onRequest({ method, host: this.#host, code, durationMs: this.#clock.monotonic() - startedAt });
      try {
        const { code, result } = await send(request);
        report(`${code}`);
        return result;
      } catch (error) {
        report(error instanceof ApiError ? `${error.status.code}` : "<error>");
        if (signal?.aborted) throw error;
        const delayMs = retryDelayMs(error, attempt, call.isRepeatable, this.#random);
        // A request that was given its own time limit is not to take several times as long.
        if (delayMs === undefined || (error instanceof RequestTimeout && call.timeoutMs !== undefined)) throw error;
        await sleep(this.#clock, delayMs, signal);
        signal?.throwIfAborted();
        onRepeat();
      }
    }
  }
}

interface ListBody {
  readonly items?: readonly object[] | null;
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
}

const patchTypes = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  apply: "application/apply-patch+yaml",
} as const;

/** What `#call` needs of any options; the rest of them are no concern of it. */
function limits({ signal, timeoutMs }: RequestOptions): RequestOptions {
  return { ...(signal !== undefined && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) };
}

const writeQuery = ({ dryRun, fieldManager, fieldValidation = "Strict" }: WriteOptions): Query => ({
  fieldValidation,
  fieldManager,
  dryRun: dryRun === true ? "All" : undefined,
});

function queryText(query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, `${value}`);
  return parameters.size === 0 ? "" : `?${parameters}`;
}

/** Items of a list of a built-in kind do not say what they are. */
function withKind<T extends KubeObject>(resource: Resource<T>, item: object): T {
  return ("kind" in item ? item : { apiVersion: apiVersionOf(resource), kind: resource.kind, ...item }) as T;
}

function eventIn<T extends KubeObject>(line: string): WatchEvent<T> {
  const event = JSON.parse(line);
  return event.type === "ERROR" ? { type: "ERROR", status: statusOf(event.object) } : event;
}

/** A deletion is answered by a Status when nothing is left, for some kinds by the last state of the object. */
function isStillThere(answer: unknown): boolean {
  const { kind, metadata } = answer as {
    kind?: string;
    metadata?: { finalizers?: unknown[]; deletionGracePeriodSeconds?: number };
  };
  if (kind === "Status" || metadata === undefined) return false;
  return (metadata.finalizers?.length ?? 0) > 0 || (metadata.deletionGracePeriodSeconds ?? 0) > 0;
}

function answerIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Some paths answer in plain text: /healthz, /metrics.
    return text;
  }
}

function apiError({ code, retryAfterSeconds, text }: TransportResponse): ApiError {
  const answer = answerIn(text);
  const isStatus = typeof answer === "object" && answer !== null && "kind" in answer && answer.kind === "Status";
  const status = isStatus ? statusOf(answer) : { code, reason: "Unknown", message: text.trim().slice(0, 1000) };
  const seconds = retryAfterSeconds ?? status.details?.retryAfterSeconds;
  return new ApiError({
    ...status,
    ...(seconds !== undefined && { details: { ...status.details, retryAfterSeconds: seconds } }),
  });
}

function statusOf(body: object): Status {
  const { code = 0, reason = "Unknown", message = "", details } = body as Partial<Status>;
  return { code, reason, message, ...(details !== undefined && { details }) };
}
