// A real Kubernetes control plane for one test file, started by deploy/local/up in a folder of its own and gone after it.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface ControlPlaneOptions {
  /** Where everything of it is; absent: a folder of its own. */
  readonly dataDir?: string;
  readonly nodes: "none" | "real" | `kwok:${number}` | `real+kwok:${number}`;
  readonly profile?: "tuned" | "shipped";
  /** A file for the API server's audit log. */
  readonly audit?: string;
  /** Archives of images for real containers. */
  readonly images?: readonly string[];
  /** How long a simulated Pod runs. */
  readonly kwokRunMs?: number;
  /** Of each simulated node. */
  readonly kwokCpu?: number;
  readonly kwokPods?: number;
}

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

export interface Cluster {
  readonly kubeconfig: string;
  readonly dataDir: string;
  /** Runs kubectl as the cluster's administrator; a failure is an answer too, not an exception. */
  kubectl(args: readonly string[], stdin?: string): Promise<CommandResult>;
}

/** A cluster of the caller's own. */
export interface ControlPlane extends Cluster {
  stop(): Promise<void>;
}

const localCluster = fileURLToPath(new URL("../../deploy/local/", import.meta.url));

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { dataDir = await newDataDir() } = options;
  const stop = (): Promise<void> => stopControlPlane(dataDir);
  const up = await run(join(localCluster, "up"), ["--data", dataDir, ...flags(options)]);
  if (up.code !== 0) {
    await stop().catch(() => undefined);
    throw new Error(`deploy/local/up failed:\n${up.stderr}`);
  }
  return { ...(await controlPlaneIn(dataDir)), stop };
}

export function newDataDir(): Promise<string> {
  return mkdtemp(join(tmpdir(), "kube-pool-test-"));
}

/** Also where none has been started, or its start has failed. */
export async function stopControlPlane(dataDir: string): Promise<void> {
  const down = await run(join(localCluster, "down"), ["--data", dataDir]);
  await rm(dataDir, { recursive: true, force: true });
  if (down.code !== 0) throw new Error(`deploy/local/down failed:\n${down.stderr}`);
}

/** One that somebody else has started, and will stop. */
export async function controlPlaneIn(dataDir: string): Promise<Cluster> {
  const kubeconfig = join(dataDir, "kubeconfig");
  const programs = (await readFile(join(dataDir, "bin"), "utf8")).trim();
  return {
    kubeconfig,
    dataDir,
    kubectl: (args, stdin) =>
      run(
        join(programs, "kubectl"),
        ["--kubeconfig", kubeconfig, "--cache-dir", join(dataDir, "kubectl-cache"), ...args],
        stdin,
      ),
  };
}

function flags({ nodes, profile, audit, images = [], kwokRunMs, kwokCpu, kwokPods }: ControlPlaneOptions): string[] {
  return [
    "--nodes",
    nodes,
    ...(profile === undefined ? [] : ["--profile", profile]),
    ...(audit === undefined ? [] : ["--audit", audit]),
    ...images.flatMap((image) => ["--image", image]),
    ...(kwokRunMs === undefined ? [] : ["--kwok-run-ms", String(kwokRunMs)]),
    ...(kwokCpu === undefined ? [] : ["--kwok-cpu", String(kwokCpu)]),
    ...(kwokPods === undefined ? [] : ["--kwok-pods", String(kwokPods)]),
  ];
}

function run(program: string, args: readonly string[], stdin?: string): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", reject);
    // Not "close": what `up` leaves running may have inherited its standard error.
    child.once("exit", (code) => setImmediate(() => resolve({ stdout, stderr, code: code ?? 1 })));
    child.stdin.on("error", () => undefined).end(stdin ?? "");
  });
}
