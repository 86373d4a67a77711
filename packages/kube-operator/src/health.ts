// What the kubelet and Prometheus ask over HTTP: /livez, /readyz and /metrics. Checks have names, as those of the API
// server do: `?verbose` lists them, `?exclude=name` leaves one out. Knows nothing of what is checked.
import { createServer, type ServerResponse } from "node:http";
import type { Registry } from "prom-client";

/** Undefined when all is well, else what is wrong, in a few words. */
export type HealthCheck = () => string | undefined;

export interface HealthOptions {
  /** Default 127.0.0.1: what shall be reachable from outside says so. */
  readonly host?: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly livez: Readonly<Record<string, HealthCheck>>;
  readonly readyz: Readonly<Record<string, HealthCheck>>;
  readonly registry?: Registry;
}

export interface HealthServer {
  /** Where it listens, such as http://127.0.0.1:8081. */
  readonly url: string;
  close(): Promise<void>;
}

export async function startHealthServer(options: HealthOptions): Promise<HealthServer> {
  const { host = "127.0.0.1", port, livez, readyz, registry } = options;
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    if (request.method !== "GET" && request.method !== "HEAD") reply(response, 405, "only GET is served\n");
    else if (pathname === "/livez" || pathname === "/healthz") answer(response, "livez", livez, searchParams);
    else if (pathname === "/readyz") answer(response, "readyz", readyz, searchParams);
    else if (pathname === "/metrics" && registry !== undefined) scrape(response, registry);
    else reply(response, 404, "there are /livez, /readyz and /metrics\n");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  const actualPort = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${actualPort}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(
  response: ServerResponse,
  endpoint: string,
  checks: Readonly<Record<string, HealthCheck>>,
  query: URLSearchParams,
): void {
  const excluded = new Set(query.getAll("exclude"));
  const results = Object.entries(checks)
    .filter(([name]) => !excluded.has(name))
    .map(([name, check]) => ({ name, problem: outcome(check) }));
  const isFine = results.every(({ problem }) => problem === undefined);
  const lines = results.map(({ name, problem }) =>
    problem === undefined ? `[+]${name} ok` : `[-]${name} failed: ${problem}`,
  );
  const isListed = query.has("verbose") || !isFine;
  const verdict = `${endpoint} check ${isFine ? "passed" : "failed"}`;
  reply(response, isFine ? 200 : 503, isListed ? [...lines, verdict, ""].join("\n") : "ok");
}

function outcome(check: HealthCheck): string | undefined {
  try {
    return check();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function scrape(response: ServerResponse, registry: Registry): void {
  registry.metrics().then(
    (text) => reply(response, 200, text, registry.contentType),
    (error: unknown) => reply(response, 500, `${error instanceof Error ? error.message : String(error)}\n`),
  );
}

function reply(response: ServerResponse, code: number, text: string, type = "text/plain; charset=utf-8"): void {
  response.writeHead(code, { "content-type": type, "x-content-type-options": "nosniff" }).end(text);
}
