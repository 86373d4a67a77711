// The workload of a simulation from manifests: pools, tasks, nodes and what they refer to, as the operator itself would
// observe them before anything has started. Knows no policy.
import type { KubeObject, ObjectMeta } from "@dsl/kube-operator";
import { apiVersion } from "../api/group.ts";
import { automatic } from "../controller/engine-choice.ts";
import { observe } from "../controller/observe.ts";
import { taskSpec } from "../controller/observed/specs.ts";
import type { ObservedTask } from "../controller/observed/task.ts";
import { TaskMemories } from "../controller/task-memory.ts";
import { chunkItems, type Task } from "../scheduling/index.ts";
import { randomFrom, seedOf } from "../simulator/random.ts";
import type { Submission, Workload } from "../simulator/simulate.ts";
import { fileApi } from "./file-api.ts";
import { readStores } from "./read-stores.ts";
import { Refusal, UsageError } from "./usage-error.ts";

export interface ManifestOptions {
  /** For tasks that do not say themselves how long an item takes. */
  readonly itemSeconds?: number;
  /** How far items differ from that, either way; 0: not at all. */
  readonly spreadPercent: number;
  readonly seed: number;
  /** When what has no creationTimestamp was created. */
  readonly now: number;
}

/** The tree of the one root that the objects have. `tell` hears of tasks that can never run. */
export async function manifestWorkload(
  objects: readonly KubeObject[],
  options: ManifestOptions,
  tell: (line: string) => void,
): Promise<Workload> {
  const complete = withNamespaces(objects).map((object) => asSubmitted(object, options.now));
  const stores = await readStores(fileApi(complete));
  const [root, another] = stores.pools.list().filter(({ spec }) => spec.parentRef === undefined);
  if (root === undefined) throw new Refusal("there is no ResourcePool without a parentRef; add one to the file");
  if (another !== undefined) {
    throw new Refusal(
      `${root.metadata.name} and ${another.metadata.name} are both roots; simulate one tree of pools at a time`,
    );
  }
  const memories = new TaskMemories(fileApi(complete));
  for (const task of stores.tasks.list()) {
    const parsed = taskSpec(task);
    if (parsed.ok) await memories.remember(task, parsed.spec, options.now);
  }
  const observed = observe({ stores, memories, choice: automatic }, root.metadata.name, options.now);
  if (observed.snapshot.nodes.length === 0) {
    throw new UsageError(
      `${root.metadata.name} has no nodes; add Nodes to the file, or give --nodes such as 3xcpu=8,memory=32Gi`,
    );
  }
  for (const { metadata, spec } of stores.tasks.list()) {
    if (observed.pools.has(spec.poolRef.name)) continue;
    tell(`${metadata.namespace}/${metadata.name} can never run: there is no pool ${spec.poolRef.name}`);
  }
  for (const { key, model, stage } of observed.tasks) {
    const why = stage.kind === "Stalled" ? stage.message : model?.blocked?.message;
    if (why !== undefined) tell(`${key} can never run: ${why}`);
  }
  return {
    pools: observed.snapshot.pools,
    nodes: observed.snapshot.nodes,
    submissions: observed.tasks.flatMap((task) =>
      task.model === undefined ? [] : submissionOf(task, task.model, options),
    ),
  };
}

function submissionOf(observed: ObservedTask, task: Task, options: ManifestOptions): Submission {
  const { key, spec } = observed;
  const seconds = spec?.expectedItemSeconds ?? options.itemSeconds;
  if (seconds === undefined) {
    throw new UsageError(
      `${key} does not say how long an item takes; set spec.expectedItemSeconds, or give --item-seconds N`,
    );
  }
  const itemMs = seconds * 1000;
  const sizes = chunkSizes(observed, itemMs);
  const items = (shard: number): number => sizes[shard] ?? 1;
  const durationMs = (shard: number): number => {
    const draw = randomFrom(seedOf(options.seed, `${key}/${shard}`));
    let ms = 0;
    for (let left = items(shard); left > 0; left -= 1) {
      ms += itemMs * (1 + (options.spreadPercent / 100) * (2 * draw() - 1));
    }
    return Math.max(1, Math.round(ms));
  };
  const expected = { ...task.expected, likelyMs: itemMs * items(0) };
  const waiting = sizes.length === 0 ? task.waiting : [{ start: 0, end: sizes.length }];
  return { task: { ...task, waiting, expected }, durationMs, items };
}

/** Items by shard. Chunks of size Auto are cut as if the time of an item had been learned already. */
function chunkSizes({ spec, memory, outlook }: ObservedTask, itemMs: number): readonly number[] {
  let left = memory?.work?.items.count ?? 0;
  const size = spec?.chunk.size ?? 1;
  const sizes: number[] = [];
  while (left > 0) {
    const rule = outlook?.cutRule;
    const next = size !== "Auto" ? size : rule === undefined ? 1 : chunkItems(left, { ...rule, itemMs });
    sizes.push(Math.min(left, next));
    left -= next;
  }
  return sizes;
}

/** Without what a cluster has made of it since. */
function asSubmitted(object: KubeObject, now: number): KubeObject {
  const { name, namespace, labels, annotations, creationTimestamp } = object.metadata;
  const isOurs = object.apiVersion === apiVersion;
  const home = isOurs && object.kind === "PooledTask" ? (namespace ?? "default") : namespace;
  const metadata: ObjectMeta = {
    name,
    ...(home !== undefined && { namespace: home }),
    ...(labels && { labels }),
    ...(annotations && { annotations }),
    uid: `${object.kind}-${home ?? ""}-${name}`,
    resourceVersion: "1",
    generation: 1,
    creationTimestamp: creationTimestamp ?? new Date(now).toISOString(),
  };
  const { status: _, ...rest } = object as KubeObject & { readonly status?: unknown };
  return isOurs ? { ...rest, metadata } : { ...object, metadata };
}

/** A namespace that the file uses and does not describe has no labels. */
function withNamespaces(objects: readonly KubeObject[]): readonly KubeObject[] {
  const described = new Set(objects.filter(({ kind }) => kind === "Namespace").map(({ metadata }) => metadata.name));
  const used = new Set(
    objects.filter(({ kind }) => kind === "PooledTask").map(({ metadata }) => metadata.namespace ?? "default"),
  );
  const missing = [...used].filter((name) => !described.has(name));
  return [
    ...objects,
    ...missing.map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } as ObjectMeta })),
  ];
}
