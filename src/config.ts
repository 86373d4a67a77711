// The only reader of the environment: every setting of the operator, checked once, frozen.
import { hostname } from "node:os";
import * as z from "zod";

const settings = z.strictObject({
  /** Where the operator's Lease is. */
  KUBE_POOL_NAMESPACE: z.string().min(1).max(63).default("kube-pool-system"),
  /** Names this replica in the Lease; in a cluster the Pod's name. */
  KUBE_POOL_IDENTITY: z.string().min(1).max(253).default(`${hostname()}-${process.pid}`),
  KUBE_POOL_LEADER_ELECTION: z.enum(["on", "off"]).default("on"),
  KUBE_POOL_LEASE_SECONDS: z.coerce.number().min(1).max(3600).default(15),
  /** How tasks that begin become Pods; of Managed, how these come to their nodes, Auto unless it says so. */
  KUBE_POOL_ENGINE: z
    .enum(["Native", "Managed", "Managed/Scheduler", "Managed/Direct"], {
      error: "one of Native, Managed, Managed/Scheduler, Managed/Direct",
    })
    .default("Managed"),
  /** Health and metrics; port 0 takes any free one, which the log tells. */
  KUBE_POOL_HEALTH_HOST: z.string().default("127.0.0.1"),
  KUBE_POOL_HEALTH_PORT: z.coerce.number().int().min(0).max(65535).default(8080),
  KUBE_POOL_LOG_LEVEL: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
});

export interface Config {
  readonly namespace: string;
  readonly identity: string;
  readonly leaderElection: boolean;
  readonly leaseMs: number;
  readonly engine: "Native" | "Managed" | "Managed/Scheduler" | "Managed/Direct";
  readonly healthHost: string;
  readonly healthPort: number;
  readonly logLevel: "debug" | "info" | "warn" | "error" | "silent";
}

/**
 * Into each Pod kubelets put variables for the Services of its namespace: beside one that is called kube-pool or
 * kube-pool-metrics they begin as ours do, and one of kube-pool-health has the very name of ours.
 */
function isOfService(name: string, value: string): boolean {
  if (/_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$/.test(name) || /_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name))
    return true;
  return name.endsWith("_PORT") && /^(tcp|udp|sctp):\/\//.test(value);
}

/** Throws an Error whose message names each wrong variable and what it may be. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const ours = Object.entries(environment).filter(
    ([name, value = ""]) => name.startsWith("KUBE_POOL_") && !isOfService(name, value),
  );
  const read = settings.safeParse(Object.fromEntries(ours));
  if (!read.success) {
    const lines = read.error.issues.flatMap((issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((name) => `${name} is no setting; there are ${Object.keys(settings.shape).join(", ")}`)
        : [`${issue.path.join(".")}: ${issue.message}`],
    );
    throw new Error(`the operator cannot start with this environment: ${lines.join(" · ")}`);
  }
  const value = read.data;
  return Object.freeze({
    namespace: value.KUBE_POOL_NAMESPACE,
    identity: value.KUBE_POOL_IDENTITY,
    leaderElection: value.KUBE_POOL_LEADER_ELECTION === "on",
    leaseMs: value.KUBE_POOL_LEASE_SECONDS * 1000,
    engine: value.KUBE_POOL_ENGINE,
    healthHost: value.KUBE_POOL_HEALTH_HOST,
    healthPort: value.KUBE_POOL_HEALTH_PORT,
    logLevel: value.KUBE_POOL_LOG_LEVEL,
  });
}
