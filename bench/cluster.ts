// The ground of a scenario: a control plane of its own with simulated nodes, or the cluster of a kubeconfig, where
// kube-pool is installed and running already.
import { readdirSync } from "node:fs";
import { setPriority } from "node:os";
import {
  type HttpKubeApi,
  httpKubeApi,
  isAlreadyExists,
  kubeconfigConnection,
  type Manifest,
  type Resource,
} from "@dsl/kube-operator";
import { apiVersion } from "../src/api/group.ts";
import { resourcePools } from "../src/api/resource-pool.ts";
import { type ControlPlane, newDataDir, startControlPlane, stopControlPlane } from "../test/support/control-plane.ts";
import { must } from "../test/support/installed.ts";
import { install, type OperatorProcess, startOperator } from "../test/support/operator-process.ts";
import { takenDown } from "./ending.ts";
import { countIn, FlagError, type Flags, profiling, say, wordIn } from "./scenario.ts";
import { untilGone, untilIs } from "./until.ts";

export interface Ground {
  readonly api: HttpKubeApi;
  /** Where the scenario's own objects are; it goes with the ground. */
  readonly namespace: string;
  readonly pool: string;
  /** Absent on somebody else's cluster: it has one. */
  startOperator?(environment?: Readonly<Record<string, string>>): Promise<OperatorProcess>;
  readonly controlPlane?: ControlPlane;
  close(): Promise<void>;
}

/** For scenarios that bring their own control plane. */
export const ownClusterFlags = { nodes: "100", profile: "tuned", "cpu-prof": "" } as const;
/** For those that run on any cluster: `--kubeconfig FILE --pool NAME` is the one of somebody else. */
export const anyClusterFlags = { ...ownClusterFlags, kubeconfig: "", pool: "lab" } as const;

export interface GroundOptions {
  /** Of each simulated node. */
  readonly cpu?: number;
  /** A file for the API server's audit log. */
  readonly audit?: string;
  /** The pool has its nodes to itself, and they carry its taint. */
  readonly exclusive?: boolean;
}

export async function openGround(flags: Flags, options: GroundOptions = {}): Promise<Ground> {
  return flags.kubeconfig ? openForeign(flags) : openOwn(flags, options);
}

async function openOwn(flags: Flags, { cpu, audit, exclusive = false }: GroundOptions): Promise<Ground> {
  say(`a control plane with ${flags.nodes} simulated nodes, profile ${flags.profile}`);
  const dataDir = await newDataDir();
  const operators: OperatorProcess[] = [];
  const takeDown = takenDown(async () => {
    // One that has been stopped already is gone.
    await Promise.all(operators.map((operator) => operator.kill()));
    await stopControlPlane(dataDir);
  });
  const controlPlane = await startControlPlane({
    dataDir,
    nodes: `kwok:${countIn(flags, "nodes")}`,
    profile: wordIn(flags, "profile", ["tuned", "shipped"]),
    ...(cpu !== undefined && { kwokCpu: cpu }),
    ...(audit !== undefined && { audit }),
  });
  try {
    await install(controlPlane);
    const api = await apiOf(controlPlane.kubeconfig);
    if (exclusive) await must(controlPlane, ["taint", "nodes", "--all", "kube-pool.dev/pool=lab:NoSchedule"]);
    const spec = { namespaceSelector: {}, ...(exclusive && { sharing: "Exclusive" }) };
    await api.create(resourcePools, { apiVersion, kind: "ResourcePool", metadata: { name: "lab" }, spec });
    return {
      api,
      namespace: "default",
      pool: "lab",
      controlPlane,
      async startOperator(environment = {}) {
        const settings = { KUBE_POOL_LEADER_ELECTION: "off", ...environment };
        const operator = await startOperator(controlPlane, settings, profiling(flags));
        operators.push(operator);
        await operator.metrics();
        prefer(operator.process.pid);
        await untilIs(api, resourcePools, { name: "lab" }, "Ready", 60_000);
        return operator;
      },
      async close() {
        api.close();
        await takeDown();
      },
    };
  } catch (error) {
    await takeDown();
    throw error;
  }
}

const namespaces: Resource = { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false };

async function openForeign({ kubeconfig = "", pool = "" }: Flags): Promise<Ground> {
  const api = await apiOf(kubeconfig).catch((error: unknown) => {
    throw new FlagError(`--kubeconfig ${kubeconfig}: ${String(error)}`);
  });
  const name = "kube-pool-bench";
  const manifest: Manifest = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
  try {
    await api.get(resourcePools, { name: pool });
    await api.create(namespaces, manifest);
  } catch (error) {
    api.close();
    if (isAlreadyExists(error))
      throw new FlagError(`namespace ${name} is there already: another run is under way, or left it`);
    throw new FlagError(`the cluster of ${kubeconfig} needs kube-pool and a ResourcePool ${pool}: ${String(error)}`);
  }
  const close = takenDown(async () => {
    await api.delete(namespaces, { name });
    // The next run wants the name: it is free once all that was in there has gone.
    await untilGone(api, namespaces, { name }, 300_000);
    api.close();
  });
  return { api, namespace: name, pool, close };
}

async function apiOf(path: string): Promise<HttpKubeApi> {
  return httpKubeApi(await kubeconfigConnection({ path, environment: process.env }), { maxInFlight: 128 });
}

/**
 * Before everybody else on the machine's cores where that is allowed, so that a stall is rather its own. All its
 * threads: the main one waits for those that collect garbage.
 */
function prefer(pid: number | undefined): void {
  if (process.getuid?.() !== 0 || pid === undefined) return;
  for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), -15);
}
