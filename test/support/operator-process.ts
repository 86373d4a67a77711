// The operator as its own process, the very file that users run, under its own rights in a real control plane.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";
import type { Cluster } from "./control-plane.ts";
import { established, must } from "./installed.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

export interface OperatorProcess {
  readonly identity: string;
  readonly process: ChildProcess;
  /** SIGKILL: no last word. Resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM: gives the lease back. */
  stop(): Promise<void>;
  /** What it serves at /metrics. */
  metrics(): Promise<string>;
}

/** CRDs, roles and policies, as deploy/up installs them. */
export async function install(cluster: Cluster): Promise<void> {
  await must(cluster, ["apply", "-f", join(root, "crds")]);
  await established(cluster);
  await must(cluster, ["apply", "-f", join(root, "deploy/manifests/namespace.yaml")]);
  const manifests = join(root, "deploy/manifests");
  await must(cluster, ["apply", "-f", manifests, "-f", join(manifests, "since-1.36")]);
}

let started = 0;

export async function startOperator(
  cluster: Cluster,
  environment: Readonly<Record<string, string>> = {},
  nodeArguments: readonly string[] = [],
): Promise<OperatorProcess> {
  const identity = `operator-${++started}`;
  const token = (
    await must(cluster, ["-n", "kube-pool-system", "create", "token", "kube-pool", "--duration=24h"])
  ).trim();
  const config = parse(await must(cluster, ["config", "view", "--raw", "--minify", "--flatten"]));
  config.users = [{ name: config.users[0].name, user: { token } }];
  const kubeconfig = join(cluster.dataDir, `${identity}.kubeconfig`);
  await writeFile(kubeconfig, stringify(config), { mode: 0o600 });

  return spawnOperator({ identity, kubeconfig, folder: cluster.dataDir, environment, nodeArguments });
}

export interface OperatorSettings {
  readonly identity: string;
  readonly kubeconfig: string;
  /** Its log goes there. */
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Of Node itself. */
  readonly nodeArguments?: readonly string[];
}

/** As deploy/up has it: docs/operations.md says why. */
const heapFlags = ["--max-semi-space-size=8"];

export function spawnOperator(settings: OperatorSettings): OperatorProcess {
  const { identity, kubeconfig, folder, environment = {}, nodeArguments = [] } = settings;
  const child = spawn(process.execPath, [...heapFlags, ...nodeArguments, join(root, "dist/operator.mjs")], {
    env: {
      PATH: process.env.PATH ?? "",
      KUBECONFIG: kubeconfig,
      KUBE_POOL_IDENTITY: identity,
      KUBE_POOL_HEALTH_PORT: "0",
      ...environment,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log = createWriteStream(join(folder, `${identity}.log`));
  child.stdout.pipe(log);
  const url = new Promise<string>((resolve) => {
    let told = "";
    child.stdout.on("data", (text: Buffer) => {
      told += text.toString();
      const found = /"url":"([^"]+)"/.exec(told);
      if (found?.[1] !== undefined) resolve(found[1]);
    });
  });
  child.stderr.pipe(log);
  const end = async (signal: "SIGKILL" | "SIGTERM"): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  };
  return {
    identity,
    process: child,
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
    metrics: async () => (await fetch(`${await url}/metrics`)).text(),
  };
}

/** `kubectl pool …` as users run it. */
export function kubectlPool(
  cluster: Cluster,
  args: readonly string[],
  stdin = "",
): Promise<{ readonly stdout: string; readonly stderr: string; readonly code: number }> {
  const child = spawn(process.execPath, [join(root, "dist/kubectl-pool"), ...args], {
    env: { PATH: process.env.PATH ?? "", KUBECONFIG: cluster.kubeconfig },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.end(stdin);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ stdout, stderr, code: code ?? 1 }));
  });
}
