// The API server in memory behind real HTTP: for tests of what lies between a client and its server.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate } from "node:timers/promises";
import type { Connection } from "../src/connection.ts";
import { ApiError, type LogOptions } from "../src/kube-api.ts";
import { badRequest, noSuchResource } from "./api-errors.ts";
import { keyAt, type Route, type RoutedApi, restRequest, routeOf, watchOptions } from "./rest-routes.ts";

export interface KubeApiServer {
  readonly port: number;
  readonly connection: Connection;
  /** How many TCP connections have been accepted so far. */
  readonly connectionCount: number;
  close(): Promise<void>;
}

export interface KubeApiServerOptions {
  /** Answers 401 to all but this token. */
  readonly token?: () => string;
  /** Sees each request before it is served, and may answer it itself by returning true. */
  readonly before?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export async function serveKubeApi(api: RoutedApi, options: KubeApiServerOptions = {}): Promise<KubeApiServer> {
  let connectionCount = 0;
  const server = createServer((request, response) => {
    if (options.before?.(request, response) === true) return;
    serve(api, request, response, options).catch((error) => sendError(response, error));
  });
  server.on("connection", () => {
    connectionCount += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    connection: { server: `http://127.0.0.1:${port}` },
    get connectionCount() {
      return connectionCount;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function serve(
  api: RoutedApi,
  request: IncomingMessage,
  response: ServerResponse,
  { token }: KubeApiServerOptions,
): Promise<void> {
  const { method = "GET", url = "/", headers } = request;
  if (token !== undefined && headers.authorization !== `Bearer ${token()}`) {
    throw new ApiError({ code: 401, reason: "Unauthorized", message: "Unauthorized" });
  }
  const body = await bodyOf(request);
  const route = routeOf(api, url);
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  if (method === "GET" && route !== undefined && route.name === undefined && route.query.get("watch") === "true") {
    return sendWatch(api, route, response, gone.signal);
  }
  if (method === "GET" && route?.subresource === "log") return sendLog(api, route, response, gone.signal);
  const answer = await restRequest(api, method, url, body, { signal: gone.signal }, headers["content-type"]);
  send(response, method === "POST" ? 201 : 200, answer);
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  if (chunks.length === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw badRequest("the body of the request is no JSON");
  }
}

async function sendWatch(api: RoutedApi, route: Route, response: ServerResponse, signal: AbortSignal): Promise<void> {
  const events = api.watch(route.resource, { ...watchOptions(route), signal });
  await sendStream(
    response,
    mapped(events, (event) => {
      const object = event.type === "ERROR" ? statusBody(event.status) : event.object;
      return `${JSON.stringify({ type: event.type, object })}\n`;
    }),
  );
}

async function sendLog(api: RoutedApi, route: Route, response: ServerResponse, signal: AbortSignal): Promise<void> {
  const { query, name } = route;
  if (name === undefined) throw noSuchResource();
  const container = query.get("container");
  const tailLines = query.get("tailLines");
  const options: LogOptions = {
    signal,
    follow: query.get("follow") === "true",
    previous: query.get("previous") === "true",
    ...(container !== null && { container }),
    ...(tailLines !== null && { tailLines: Number(tailLines) }),
  };
  await sendStream(response, api.log(keyAt(route, name), options));
}

async function* mapped<T>(values: AsyncIterable<T>, map: (value: T) => string): AsyncIterable<string> {
  for await (const value of values) yield map(value);
}

/** The headers go out before there is anything to tell, unless the stream is refused at once. */
async function sendStream(response: ServerResponse, chunks: AsyncIterable<string>): Promise<void> {
  const iterator = chunks[Symbol.asyncIterator]();
  let next = iterator.next();
  await Promise.race([next, setImmediate()]);
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
  for (let result = await next; result.done !== true; result = await next) {
    next = iterator.next();
    // Whoever reads slowly is waited for; whoever left is not.
    if (!response.write(result.value) && !response.closed) {
      await Promise.race([once(response, "drain"), once(response, "close")]);
    }
  }
  response.end();
}

function send(response: ServerResponse, code: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(code, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

function sendError(response: ServerResponse, error: unknown): void {
  // A refusal that comes too late for a status, and a connection that is meant to break.
  if (response.headersSent || !(error instanceof ApiError)) {
    response.socket?.resetAndDestroy();
    return;
  }
  const seconds = error.status.details?.retryAfterSeconds;
  send(
    response,
    error.status.code,
    statusBody(error.status),
    seconds === undefined ? {} : { "retry-after": `${seconds}` },
  );
}

const statusBody = (status: ApiError["status"]): unknown => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Failure",
  ...status,
});
