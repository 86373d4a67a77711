// From the options that kubectl knows to a connection with the cluster.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Connection, httpKubeApi, inClusterConnection, kubeconfigConnection } from "@dsl/kube-operator";
import type { Arguments } from "./arguments.ts";
import type { Terminal } from "./terminal.ts";
import type { Cluster } from "./verb.ts";

export async function connect(args: Arguments, env: Terminal["env"]): Promise<Cluster & { close(): void }> {
  const timeoutSeconds = args.seconds("request-timeout");
  const connection = await connectionFor(args, env);
  const api = httpKubeApi(connection, {
    userAgent: "kubectl-pool",
    ...(timeoutSeconds !== undefined && { timeoutMs: timeoutSeconds * 1000 }),
  });
  return { api, namespace: args.text("namespace") ?? connection.namespace ?? "default", close: () => api.close() };
}

/** As kubectl does it: a Pod's own service account serves where there is no kubeconfig at all. */
async function connectionFor(args: Arguments, env: Terminal["env"]): Promise<Connection> {
  const path = args.text("kubeconfig");
  const context = args.text("context");
  const hasKubeconfig =
    path !== undefined || env.KUBECONFIG || existsSync(join(env.HOME ?? homedir(), ".kube", "config"));
  const inCluster = hasKubeconfig ? undefined : inClusterConnection(env);
  if (inCluster !== undefined) return inCluster;
  return kubeconfigConnection({
    ...(path !== undefined && { path }),
    ...(context !== undefined && { context }),
    environment: env,
  });
}
