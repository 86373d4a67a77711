// How an API server is reached and who asks. Knows nothing of requests; kubeconfig.ts reads the same from a file.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, systemClock } from "./clock.ts";

export interface Connection {
  /** With scheme, and a path if the API lives below one. */
  readonly server: string;
  /** Certificates of the authorities to trust, in PEM; absent: those of the system. */
  readonly ca?: string;
  /** The client's certificate and key, in PEM. */
  readonly cert?: string;
  readonly key?: string;
  /** Asked before each request. A token that the server has rejected is named, so that it is not given again. */
  readonly token?: (rejected?: string) => Promise<string>;
  /** Whom requests are made for, where that is not who makes them: Kubernetes asks whether the one may act as the other. */
  readonly actsAs?: { readonly user: string; readonly groups: readonly string[] };
  /** The name in the server's certificate, where it is not that of the URL. */
  readonly serverName?: string;
  readonly insecureSkipTlsVerify?: boolean;
  /** The namespace to work in when none is said. */
  readonly namespace?: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The kubelet replaces the file before the token expires; client-go reads it as often. */
const tokenAgeMsMax = 60_000;

/** The connection that a Pod has by its service account; undefined outside of a cluster. */
export function inClusterConnection(
  environment: Environment,
  options: { readonly directory?: string; readonly clock?: Clock } = {},
): Connection | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (!host || !port) return undefined;
  const { directory = "/var/run/secrets/kubernetes.io/serviceaccount", clock = systemClock } = options;
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    ca: readFileSync(join(directory, "ca.crt"), "utf8"),
    token: tokenFromFile(join(directory, "token"), clock),
    namespace: readFileSync(join(directory, "namespace"), "utf8").trim(),
  };
}

/** A token from a file that someone else keeps fresh. */
export function tokenFromFile(path: string, clock: Clock): (rejected?: string) => Promise<string> {
  let known: { readonly token: string; readonly readAt: number } | undefined;
  return async (rejected) => {
    const isOld = known === undefined || clock.monotonic() - known.readAt >= tokenAgeMsMax;
    if (known === undefined || isOld || known.token === rejected) {
      known = { token: (await readFile(path, "utf8")).trim(), readAt: clock.monotonic() };
    }
    return known.token;
  };
}
