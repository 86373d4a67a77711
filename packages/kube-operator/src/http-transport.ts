// Bytes to and from an API server: connections, TLS, authorization, time limits. Knows neither verbs nor retries.
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { createSecureContext } from "node:tls";
import type { Clock, Timer } from "./clock.ts";
import type { Connection } from "./connection.ts";

export interface TransportOptions {
  readonly maxInFlight: number;
  readonly userAgent: string;
  readonly clock: Clock;
}

export interface TransportRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs: number;
}

export interface TransportResponse {
  readonly code: number;
  readonly retryAfterSeconds: number | undefined;
  readonly text: string;
}

/** A response whose body is read as it comes. */
export interface StreamResponse extends Omit<TransportResponse, "text"> {
  readonly body: IncomingMessage;
}

/** The server closes idle connections after 90 s; closing them first avoids sending into a closing one. */
const idleMsMax = 60_000;

/** Opened at once; each answer allows one more. A handshake is work, and a burst of them would hold up all else. */
const connectionsAtFirst = 8;

/** How long TCP waits before it asks whether the other end is still there. */
const tcpKeepAliveMs = 30_000;

/** A request that took longer than it may. Whether the server has carried it out is unknown. */
export class RequestTimeout extends Error {
  readonly code = "ETIMEDOUT";
  constructor(method: string, path: string, timeoutMs: number) {
    super(`${method} ${path} got no answer within ${timeoutMs} ms`);
    this.name = "RequestTimeout";
  }
}

export class HttpTransport {
  readonly #connection: Connection;
  readonly #options: TransportOptions;
  readonly #base: URL;
  /** Requests share a number of connections, and wait for one: this is the cap on requests in flight. */
  readonly #requestAgent: HttpAgent;
  /** Each stream has a connection to itself, so that a slow reader holds up nobody. */
  readonly #streamAgent: HttpAgent;

  constructor(connection: Connection, options: TransportOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#base = new URL(connection.server);
    this.#requestAgent = this.#agent(Math.min(connectionsAtFirst, options.maxInFlight));
    this.#streamAgent = this.#agent(Infinity);
  }

  /** Sends a request and reads the whole answer. */
  async send(request: TransportRequest): Promise<TransportResponse> {
    return this.#authorized(request, async (token) => {
      const { stream, deadline } = await this.#open(request, this.#requestAgent, token);
      try {
        const answer = { ...head(stream), text: await textOf(stream) };
        if (this.#requestAgent.maxSockets < this.#options.maxInFlight) this.#requestAgent.maxSockets += 1;
        return answer;
      } catch (error) {
        throw deadline.error() ?? error;
      } finally {
        deadline.clear();
      }
    });
  }

  /** Sends a request and hands over its answer as it comes; the time limit holds up to the first byte of it. */
  async stream(request: TransportRequest): Promise<StreamResponse> {
    return this.#authorized(request, async (token) => {
      const { stream, deadline } = await this.#open(request, this.#streamAgent, token);
      deadline.clear();
      return { ...head(stream), body: stream };
    });
  }

  close(): void {
    this.#requestAgent.destroy();
    this.#streamAgent.destroy();
  }

  #agent(maxSockets: number): HttpAgent {
    const { ca, cert, key, serverName, insecureSkipTlsVerify } = this.#connection;
    const pooling = {
      keepAlive: true,
      keepAliveMsecs: tcpKeepAliveMs,
      maxSockets,
      timeout: idleMsMax,
      scheduling: "lifo",
    } as const;
    if (this.#base.protocol === "http:") return new HttpAgent(pooling);
    return new HttpsAgent({
      ...pooling,
      // Read once: certificates are a fifth of what a connection costs.
      secureContext: createSecureContext({ ca, cert, key }),
      ...(serverName !== undefined && { servername: serverName }),
      rejectUnauthorized: insecureSkipTlsVerify !== true,
    });
  }

  /** Asks once more with a new token when the server rejects the one that it was given. */
  async #authorized<R extends { readonly code: number }>(
    request: TransportRequest,
    attempt: (token: string | undefined) => Promise<R>,
  ): Promise<R> {
    request.signal?.throwIfAborted();
    const token = await this.#connection.token?.();
    const response = await attempt(token);
    if (response.code !== 401 || token === undefined) return response;
    const fresh = await this.#connection.token?.(token);
    if (fresh === token) return response;
    if ("body" in response) (response.body as IncomingMessage).resume();
    return attempt(fresh);
  }

  async #open(
    { method, path, body, contentType, signal, timeoutMs }: TransportRequest,
    agent: HttpAgent,
    token: string | undefined,
  ): Promise<{ readonly stream: IncomingMessage; readonly deadline: Deadline }> {
    const { actsAs } = this.#connection;
    const options: RequestOptions = {
      agent,
      method,
      protocol: this.#base.protocol,
      hostname: this.#base.hostname.replace(/^\[|\]$/g, ""),
      port: this.#base.port,
      path: this.#base.pathname.replace(/\/$/, "") + path,
      headers: {
        accept: "application/json",
        "user-agent": this.#options.userAgent,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(actsAs !== undefined && { "impersonate-user": actsAs.user, "impersonate-group": [...actsAs.groups] }),
        ...(body !== undefined && {
          "content-type": contentType ?? "application/json",
          "content-length": Buffer.byteLength(body),
        }),
      },
    };
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const request = (this.#base.protocol === "http:" ? httpRequest : httpsRequest)(options);
      const deadline = createDeadline(this.#options.clock, timeoutMs, () => {
        const error = new RequestTimeout(method, path, timeoutMs);
        request.destroy(error);
        return error;
      });
      // Waiting for a connection is the client's own doing, and no reason to give up on the server.
      request.once("socket", () => deadline.start());
      const abort = (): void => void request.destroy(asError(signal?.reason));
      signal?.addEventListener("abort", abort, { once: true });
      request.once("close", () => {
        deadline.clear();
        signal?.removeEventListener("abort", abort);
      });
      request.once("response", (stream) => resolve({ stream, deadline }));
      request.on("error", (error) => reject(signal?.aborted ? asError(signal.reason) : error));
      request.end(body);
    });
  }
}

interface Deadline {
  start(): void;
  clear(): void;
  /** What ended the request, if it was the deadline. */
  error(): Error | undefined;
}

function createDeadline(clock: Clock, timeoutMs: number, expire: () => Error): Deadline {
  let error: Error | undefined;
  let timer: Timer | undefined;
  return {
    start() {
      timer = clock.after(timeoutMs, () => {
        error = expire();
      });
    },
    clear: () => timer?.cancel(),
    error: () => error,
  };
}

function head({ statusCode = 0, headers }: IncomingMessage): Omit<TransportResponse, "text"> {
  const seconds = Number(headers["retry-after"]);
  return {
    code: statusCode,
    retryAfterSeconds: headers["retry-after"] !== undefined && Number.isFinite(seconds) ? seconds : undefined,
  };
}

/** By its events: an iterator costs more than the answer, which most often comes in one piece. */
function textOf(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.once("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    stream.once("error", reject);
    // Of one that was cut off the error comes first.
    stream.once("close", () => reject(new Error("the answer was cut off")));
  });
}

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));
