// A control plane with our CRDs and, where wanted, our roles and admission policies, as a user would install them.
import { fileURLToPath } from "node:url";
import {
  ApiError,
  type HttpKubeApi,
  httpKubeApi,
  kubeconfigConnection,
  type Manifest,
  type ObjectKey,
  type Resource,
} from "@dsl/kube-operator";
import { vi } from "vitest";
import { pooledTasks } from "../../src/api/pooled-task.ts";
import { resourcePools } from "../../src/api/resource-pool.ts";
import { type Cluster, type CommandResult, type ControlPlane, startControlPlane } from "./control-plane.ts";
import { aWrittenTask } from "./tasks.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Without nodes, in a folder of its own unless one is given. */
export async function startWithCrds(dataDir?: string): Promise<ControlPlane> {
  const cluster = await startControlPlane({ ...(dataDir !== undefined && { dataDir }), nodes: "none" });
  await must(cluster, ["apply", "-f", `${root}crds`]);
  await established(cluster);
  // The short names and the words of kubectl explain are published a moment after the kinds.
  const explained = ["rpool", "ptask"].map((kind) => ["explain", `${kind}.spec`]);
  await soon(() => Promise.all(explained.map((args) => must(cluster, args))));
  return cluster;
}

export async function startWithPolicies(): Promise<ControlPlane> {
  const cluster = await startWithCrds();
  const manifests = ["namespace", "rbac", "admission", "since-1.36/managed-fields"].flatMap((name) => [
    "-f",
    `${root}deploy/manifests/${name}.yaml`,
  ]);
  await must(cluster, ["apply", ...manifests]);
  // A policy is in force a moment after it is stored; the last one tells for all.
  const broken = aWrittenTask("probe", { template: { spec: { hostNetwork: true, containers: [{ name: "a" }] } } });
  const operator = "--as=system:serviceaccount:kube-pool-system:kube-pool";
  await soon(async () => {
    const refusals = await Promise.all([
      create(cluster, broken),
      cluster.kubectl(["create", "configmap", "probe", "--dry-run=server", operator]),
    ]);
    if (!refusals.every(({ stderr }) => stderr.includes("ValidatingAdmissionPolicy"))) throw new Error("not in force");
  });
  return cluster;
}

/** kubectl wait fails at once on a definition so new that it has no conditions yet, so it is asked again. */
export async function established(cluster: Cluster): Promise<void> {
  const names = ["crd/pooledtasks.kube-pool.dev", "crd/resourcepools.kube-pool.dev"];
  for (let tries = 1; ; tries++) {
    const { code, stderr } = await cluster.kubectl(["wait", "--for=condition=Established", "--timeout=60s", ...names]);
    if (code === 0) return;
    if (tries === 50) throw new Error(`the CRDs are not established: ${stderr}`);
  }
}

/** Tries until it goes well. */
function soon<T>(attempt: () => Promise<T>): Promise<T> {
  return vi.waitFor(attempt, { timeout: 30_000, interval: 300 });
}

/** A command that is no part of what is tested. */
export async function must(cluster: Cluster, args: readonly string[], stdin?: string): Promise<string> {
  const { code, stdout, stderr } = await cluster.kubectl(args, stdin);
  if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** Asks the server whether it would take an object. */
export function create(cluster: Cluster, object: unknown, ...more: string[]): Promise<CommandResult> {
  return cluster.kubectl(["create", "--dry-run=server", "-f", "-", ...more], JSON.stringify(object));
}

const judged: readonly Resource[] = [
  pooledTasks,
  resourcePools,
  { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true },
  { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true },
  { group: "batch", version: "v1", kind: "Job", plural: "jobs", namespaced: true },
];

/** What the server says to objects and changes, without storing them; nothing when it takes them. */
export interface Judge {
  object(object: Manifest): Promise<string>;
  /** A merge patch. */
  patch(resource: Resource, key: ObjectKey, body: object): Promise<string>;
  /** A merge patch of the spec of a task in the namespace `default`. */
  taskSpec(name: string, spec: Readonly<Record<string, unknown>>): Promise<string>;
  close(): void;
}

/**
 * Through a connection that stays open: for a hundred questions kubectl would take half a minute. `user`: whom the
 * administrator acts as.
 */
export async function judgeOf(cluster: Cluster, user?: string): Promise<Judge> {
  const connection = await kubeconfigConnection({ path: cluster.kubeconfig, environment: {} });
  const actsAs = user === undefined ? undefined : { user, groups: [] };
  const api: HttpKubeApi = httpKubeApi({ ...connection, ...(actsAs && { actsAs }) });
  const refusal = (answer: Promise<unknown>): Promise<string> =>
    answer.then(
      () => "",
      (error: unknown) => {
        if (error instanceof ApiError) return error.status.message;
        throw error;
      },
    );
  const patch: Judge["patch"] = (resource, key, body) =>
    refusal(api.patch(resource, key, { type: "merge", body: { ...body } }, { dryRun: true }));
  return {
    object(object) {
      const resource = judged.find(({ kind }) => kind === object.kind);
      if (resource === undefined) throw new Error(`${object.kind} is not among what is judged`);
      const metadata = resource.namespaced ? { namespace: "default", ...object.metadata } : object.metadata;
      return refusal(api.create(resource, { ...object, metadata }, { dryRun: true }));
    },
    patch,
    taskSpec: (name, spec) => patch(pooledTasks, { namespace: "default", name }, { spec }),
    close: () => api.close(),
  };
}
