// What is run: Pods that do nothing for a moment on simulated nodes, in the forms that the parties take. On real nodes
// they run `true`.
import type { KubeApi, Manifest, Resource } from "@dsl/kube-operator";
import { apiVersion, group } from "../src/api/group.ts";
import { childName } from "../src/api/labels.ts";
import { parsePooledTask, pooledTasks } from "../src/api/pooled-task.ts";
import { tolerationOf } from "../src/controller/engine-choice.ts";
import { inParallel } from "../src/controller/parallel.ts";
import type { TaskContext } from "../src/engine/engine.ts";
import { attemptPod } from "../src/engine/managed.ts";
import type { Ground } from "./cluster.ts";
import { untilIs, untilSeen } from "./until.ts";

export interface PodShape {
  readonly cpu: string;
  /** How long it runs on a simulated node. */
  readonly runMs: number;
  /** Of a chunk: how long the wrapper says that each of its items ran. */
  readonly itemMs?: number;
}

export const shortPod: PodShape = { cpu: "1", runMs: 200 };

const pods: Resource = { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true };
const jobs: Resource = { group: "batch", version: "v1", kind: "Job", plural: "jobs", namespaced: true };
const nodes: Resource = { group: "", version: "v1", kind: "Node", plural: "nodes", namespaced: false };

/** Requests under way at once, of whoever creates objects here. */
const lanes = 32;

function podTemplate({ cpu, runMs, itemMs }: PodShape): { readonly metadata: object; readonly spec: object } {
  const container = { name: "main", image: "busybox:1.35", command: ["true"], resources: { requests: { cpu } } };
  return {
    metadata: {
      annotations: {
        "simulated/run-ms": String(runMs),
        ...(itemMs === undefined ? { "simulated/message": "$(POOL_ITEM)" } : { "simulated/item-ms": String(itemMs) }),
      },
    },
    spec: { containers: [container] },
  };
}

export function pooledTask(
  ground: Pick<Ground, "namespace" | "pool">,
  name: string,
  items: number,
  shape: PodShape,
  spec: Readonly<Record<string, unknown>> = {},
): Manifest {
  return {
    apiVersion,
    kind: "PooledTask",
    metadata: { name, namespace: ground.namespace },
    spec: { poolRef: { name: ground.pool }, items: { range: { end: items } }, template: podTemplate(shape), ...spec },
  };
}

/** Seconds from the create of a task of one-item shards to its last recorded outcome. */
export async function runPooledTask(ground: Ground, name: string, shards: number, shape = shortPod): Promise<number> {
  const { api, namespace } = ground;
  const startedAt = performance.now();
  await api.create(pooledTasks, pooledTask(ground, name, shards, shape));
  await untilIs(api, pooledTasks, { namespace, name }, "Succeeded", patienceMs(shards));
  return secondsSince(startedAt);
}

/** Until so many tasks whose names begin so have ended, one way or the other. */
export async function untilTasksEnd({ api, namespace }: Ground, prefix: string, count: number): Promise<void> {
  await untilAllEnded(
    api,
    pooledTasks,
    { namespace },
    count,
    1_800_000,
    ({ metadata, status }) =>
      metadata.name.startsWith(prefix) &&
      status?.conditions?.some(({ type, status: is }) => type === "Finished" && is === "True") === true,
  );
}

/** Kubernetes' own: one Indexed Job of so many Pods, placed by its scheduler. */
export async function runIndexedJob({ api, namespace }: Ground, name: string, shards: number): Promise<number> {
  const startedAt = performance.now();
  await api.create(jobs, job(namespace, name, { completions: shards, parallelism: shards, completionMode: "Indexed" }));
  await untilIs(api, jobs, { namespace, name }, "Complete", patienceMs(shards));
  return secondsSince(startedAt);
}

/** Kubernetes' own: a Job for each shard. */
export async function runJobs({ api, namespace }: Ground, name: string, shards: number): Promise<number> {
  const startedAt = performance.now();
  const names = Array.from({ length: shards }, (_, shard) => `${name}-${shard}`);
  const ended = untilAllEnded(
    api,
    jobs,
    labelled(namespace, name),
    shards,
    patienceMs(shards),
    ({ status }) => status?.succeeded === 1,
  );
  await createAll(names, (each) => api.create(jobs, job(namespace, each, {}, name)));
  await ended;
  return secondsSince(startedAt);
}

/** Nobody's: Pods with a node's name in them, created one after the other in so many lanes, and watched to their end. */
export async function runBareLoop(ground: Ground, name: string, shards: number): Promise<number> {
  const { api, namespace } = ground;
  const { items } = await api.list(nodes);
  const named = items.map(({ metadata }) => metadata.name);
  const podOf = barePods(ground, name);
  const startedAt = performance.now();
  const ended = untilAllEnded(
    api,
    pods,
    labelled(namespace, name),
    shards,
    patienceMs(shards),
    ({ status }) => status?.phase === "Succeeded",
  );
  await createAll(
    Array.from({ length: shards }, (_, shard) => shard),
    (shard) => api.create(pods, podOf(shard, named[shard % named.length] ?? "")),
  );
  await ended;
  return secondsSince(startedAt);
}

const uid = "00000000-0000-4000-8000-000000000000";

/** What the operator would create on nodes of the pool's own, but for the owner; under labels that make it nobody's. */
function barePods(ground: Pick<Ground, "namespace" | "pool">, name: string): (shard: number, node: string) => Manifest {
  const { namespace, pool } = ground;
  const metadata = { name, namespace, uid, resourceVersion: "1", creationTimestamp: new Date().toISOString() };
  const parsed = parsePooledTask(pooledTask(ground, name, 1, shortPod));
  if (!parsed.ok) throw new Error(`the benchmark's own task is refused: ${JSON.stringify(parsed.problems)}`);
  const child = childName({ metadata });
  const context: TaskContext = {
    task: { apiVersion, kind: "PooledTask", metadata, spec: parsed.spec },
    child,
    pool,
    defaultRequests: {},
    tolerations: tolerationOf({ name: pool, sharing: "Exclusive" }),
  };
  const job = { metadata: { ...metadata, name: child }, templateLabels: ofJob(child) };
  return (shard, node) => {
    const items = [{ index: shard, text: String(shard) }];
    const { metadata, ...rest } = attemptPod(context, { shard, attempt: 1, node, bound: true, items }, job);
    const { ownerReferences: _, labels = {}, ...kept } = metadata;
    const foreign = Object.entries(labels).map(([key, value]) => [key.replace(group, "bare-loop.dev"), value]);
    return { ...rest, metadata: { ...kept, labels: { ...Object.fromEntries(foreign), bench: name } } };
  };
}

/** As the API server puts them into a Job's template. */
function ofJob(name: string): Readonly<Record<string, string>> {
  const prefix = "batch.kubernetes.io";
  return { "controller-uid": uid, "job-name": name, [`${prefix}/controller-uid`]: uid, [`${prefix}/job-name`]: name };
}

function job(namespace: string, name: string, spec: object, group = name): Manifest {
  const { metadata, spec: podSpec } = podTemplate(shortPod);
  const template = {
    metadata: { ...metadata, labels: { bench: group } },
    spec: {
      ...podSpec,
      restartPolicy: "Never",
      automountServiceAccountToken: false,
      tolerations: [{ operator: "Exists" }],
    },
  };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace, labels: { bench: group } },
    spec: { backoffLimit: 0, ...spec, template },
  };
}

interface WithEnd {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly phase?: string;
    readonly succeeded?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

type Selection = Parameters<typeof untilSeen>[2];

function labelled(namespace: string, group: string): Selection {
  return { namespace, labelSelector: `bench=${group}` };
}

async function untilAllEnded(
  api: KubeApi,
  resource: Resource,
  selection: Selection,
  count: number,
  withinMs: number,
  isOver: (object: WithEnd) => boolean,
): Promise<void> {
  const ended = new Set<string>();
  const isLast = (object: WithEnd): boolean => {
    if (isOver(object)) ended.add(object.metadata.name);
    return ended.size === count;
  };
  await untilSeen(api, resource, selection, isLast, withinMs, `not all ${count} ${resource.plural} have ended`);
}

async function createAll<T>(items: readonly T[], create: (item: T) => Promise<unknown>): Promise<void> {
  const [error] = await inParallel(items, lanes, async (item) => void (await create(item)));
  if (error !== undefined) throw error;
}

/** Removes what a party left, so that the next one has the cluster to itself. */
export async function removeAll(
  { api, namespace }: Ground,
  kinds: readonly Resource[] = [pooledTasks, jobs, pods],
): Promise<void> {
  for (const resource of kinds) {
    const { items } = await api.list(resource, { namespace });
    await createAll(items, ({ metadata }) =>
      api.delete(resource, { namespace, name: metadata.name }, { propagation: "Background" }).catch(() => undefined),
    );
  }
  for (const resource of kinds) {
    while ((await api.list(resource, { namespace, limit: 1 })).items.length > 0)
      await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

function patienceMs(shards: number): number {
  return 120_000 + shards * 1000;
}

function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / 1000;
}
