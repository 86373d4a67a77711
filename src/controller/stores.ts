// The local copies that the operator works from, and by which keys things are found in them. Decides nothing.
import { type KubeObject, keyOf, type Manager, type Resource, type StoreReader } from "@dsl/kube-operator";
import { labels } from "../api/labels.ts";
import type { KubeNode } from "../api/node.ts";
import { type PooledTask, pooledTasks } from "../api/pooled-task.ts";
import { type ResourcePool, resourcePools } from "../api/resource-pool.ts";
import { jobs } from "../engine/job.ts";
import type { JobView, RoundView } from "../engine/job-views.ts";
import { hasEnded, type PodView } from "../engine/pod-views.ts";
import { attemptKey, createProjections } from "../engine/views.ts";
import { TasksByPool } from "./tasks-by-pool.ts";

export interface Stores {
  readonly pools: StoreReader<ResourcePool>;
  /** Index `uid`. */
  readonly tasks: StoreReader<PooledTask>;
  /** Ours only. Index `task`: UID of the task; index `uid`; index `attempt`: `namespace/task uid/shard/attempt`. */
  readonly jobs: StoreReader<JobView>;
  /** Jobs that attempts share. Index `task`; index `uid`. */
  readonly rounds: StoreReader<RoundView>;
  /** All of the cluster. Index `node`: of those that have not ended; index `job`: UID of the Job, of our own. */
  readonly pods: StoreReader<PodView>;
  readonly nodes: StoreReader<NodeView>;
  readonly namespaces: StoreReader<NamespaceView>;
  /** Index `job`: UID of the Job that cannot create its Pod. */
  readonly createFailures: StoreReader<CreateFailure>;
  readonly quotas: StoreReader<KubeObject>;
  /** Pods of our Jobs that are gone, as they were last seen, until their outcome is recorded or their Job is gone too. */
  readonly departed: DepartedPods;
  /** Any change of a task, of its Jobs or of their Pods wakes it. */
  readonly tasksByPool: TasksByPool;
}

/** A Node without what nobody here reads. */
export interface NodeView extends KubeNode {
  readonly notReadySinceMs?: number;
}

export type NamespaceView = KubeObject;

/** An event that says why a Job cannot create its Pod. */
export interface CreateFailure {
  readonly metadata: KubeObject["metadata"];
  /** UID of the Job. */
  readonly job: string;
  readonly message: string;
  readonly atMs: number;
}

/** A Pod that vanishes takes its outcome with it, unless somebody kept what the watch last said of it. */
export class DepartedPods {
  readonly #byJob = new Map<string, Map<string, PodView>>();

  add(pod: PodView): void {
    const job = pod.attempt?.job;
    if (job === undefined) return;
    const pods = this.#byJob.get(job) ?? new Map<string, PodView>();
    this.#byJob.set(job, pods.set(pod.metadata.uid, { ...pod, gone: true }));
  }

  has(job: string): boolean {
    return (this.#byJob.get(job)?.size ?? 0) > 0;
  }

  of(job: string): readonly PodView[] {
    const pods = this.#byJob.get(job);
    return pods === undefined ? [] : [...pods.values()];
  }

  /** Its outcome is recorded, or nobody will ask us for it. */
  drop({ metadata, attempt }: PodView): void {
    this.#byJob.get(attempt?.job ?? "")?.delete(metadata.uid);
  }

  forget(job: string): void {
    this.#byJob.delete(job);
  }
}

/** The stores, and how an own write's answer becomes visible in them at once. */
export interface WritableStores extends Stores {
  learnPool(pool: ResourcePool): void;
  learnTask(task: PooledTask): void;
  forgetTask(task: PooledTask): void;
  /** A Pod or a Job as the server answered it; false where nothing on a Job tells what it is to its task. */
  learn(object: KubeObject): boolean;
  /** The same of one of a list, whose kind stands on the list alone. */
  learnJob(job: KubeObject): boolean;
  forgetJob(job: JobView): void;
  learnPod(pod: KubeObject): void;
  /** One whose outcome is recorded. */
  forgetPod(pod: PodView): void;
}

/** What the index `attempt` of the Jobs finds one by; the namespace, since a Job elsewhere may name the same task. */
export function attemptIndexKey(
  namespace: string | undefined,
  task: string,
  attempt: Parameters<typeof attemptKey>[0],
): string {
  return `${namespace}/${task}/${attemptKey(attempt)}`;
}

/** Registers a watch for each kind; they fill once the manager runs. */
export function watchedStores(manager: Pick<Manager, "store">): WritableStores {
  const project = createProjections();
  const departed = new DepartedPods();
  const tasksByPool = new TasksByPool();
  const pools = manager.store<ResourcePool>(resourcePools);
  const tasks = manager.store<PooledTask>(pooledTasks, {
    indexes: { uid: (task) => task.metadata.uid },
  });
  const jobStore = manager.store<JobView>(jobs as Resource<JobView & KubeObject>, {
    labelSelector: labels.shard,
    project: project.job,
    indexes: {
      task: (job) => job.task,
      uid: (job) => job.metadata.uid,
      attempt: (job) => attemptIndexKey(job.metadata.namespace, job.task, job),
    },
  });
  const roundStore = manager.store<RoundView>(jobs as Resource<RoundView & KubeObject>, {
    labelSelector: labels.round,
    project: project.round,
    indexes: { task: (round) => round.task, uid: (round) => round.metadata.uid },
  });
  const podStore = manager.store<PodView>(coreResource("Pod", "pods", true) as Resource<PodView & KubeObject>, {
    project: project.pod,
    indexes: { node: (pod) => (hasEnded(pod) ? undefined : pod.node), job: (pod) => pod.attempt?.job },
  });
  tasks.onChange((change) => tasksByPool.follow(change));
  jobStore.onChange(({ object }) => tasksByPool.wake(object.task));
  roundStore.onChange(({ object }) => tasksByPool.wake(object.task));
  podStore.onChange(({ object: { attempt } }) => {
    if (attempt === undefined) return;
    for (const store of [jobStore, roundStore])
      for (const { task } of store.byIndex("uid", attempt.job)) tasksByPool.wake(task);
  });
  podStore.onChange(({ type, object }) => {
    // Most Pods go after their Job: then nobody asks for them any more.
    if (type !== "delete" || object.attempt === undefined) return;
    const { job } = object.attempt;
    if (jobStore.countBy("uid", job) + roundStore.countBy("uid", job) > 0) departed.add(object);
  });
  roundStore.onChange(({ type, object }) => {
    if (type === "delete") departed.forget(object.metadata.uid);
  });
  jobStore.onChange(({ type, object }) => {
    if (type === "delete") departed.forget(object.metadata.uid);
  });
  return {
    pools,
    tasks,
    jobs: jobStore,
    rounds: roundStore,
    pods: podStore,
    departed,
    tasksByPool,
    nodes: manager.store<NodeView>(coreResource("Node", "nodes", false) as Resource<NodeView>, { project: nodeView }),
    namespaces: manager.store<NamespaceView>(coreResource("Namespace", "namespaces", false), {
      project: namespaceView,
    }),
    createFailures: manager.store<CreateFailure>(
      coreResource("Event", "events", true) as Resource<CreateFailure & KubeObject>,
      {
        fieldSelector: "involvedObject.kind=Job,reason=FailedCreate",
        hasBookmarks: false,
        project: createFailure,
        indexes: { job: (failure) => failure.job },
      },
    ),
    quotas: manager.store<KubeObject>(coreResource("ResourceQuota", "resourcequotas", true)),
    learnPool: (pool) => pools.learn(pool),
    learnTask: (task) => tasks.learn(task),
    forgetTask: (task) => tasks.forget(keyOf(task), task.metadata.uid),
    learn(object) {
      if (object.kind !== "Pod") return this.learnJob(object);
      this.learnPod(object);
      return true;
    },
    learnJob(job) {
      const view = project.job(job);
      if (view !== undefined) jobStore.learn(view);
      const round = view === undefined ? project.round(job) : undefined;
      if (round !== undefined) roundStore.learn(round);
      return view !== undefined || round !== undefined;
    },
    learnPod: (pod) => podStore.learn(project.pod(pod)),
    forgetPod(pod) {
      podStore.forget(pod.metadata, pod.metadata.uid);
      departed.drop(pod);
    },
    forgetJob: (job) => jobStore.forget(keyOf(job), job.metadata.uid),
  };
}

function coreResource(kind: string, plural: string, namespaced: boolean): Resource {
  return { group: "", version: "v1", kind, plural, namespaced };
}

function metaOf({ metadata }: KubeObject): KubeObject["metadata"] {
  const { name, namespace, uid, resourceVersion, creationTimestamp, labels: own } = metadata;
  return {
    name,
    uid,
    resourceVersion,
    creationTimestamp,
    ...(namespace !== undefined && { namespace }),
    ...(own !== undefined && { labels: own }),
  };
}

function nodeView(raw: KubeObject): NodeView {
  const { spec, status } = raw as KubeNode;
  const ready = status?.conditions?.find(({ type }) => type === "Ready") as
    | { readonly type: string; readonly status: string; readonly lastTransitionTime?: string }
    | undefined;
  const since =
    ready?.status === "True" ? undefined : Date.parse(ready?.lastTransitionTime ?? raw.metadata.creationTimestamp);
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: metaOf(raw),
    ...(spec && { spec: { unschedulable: spec.unschedulable ?? false, taints: spec.taints ?? [] } }),
    status: {
      ...(status?.allocatable && { allocatable: status.allocatable }),
      conditions: ready === undefined ? [] : [{ type: ready.type, status: ready.status }],
    },
    ...(since !== undefined && { notReadySinceMs: since }),
  };
}

function namespaceView(raw: KubeObject): NamespaceView {
  return { apiVersion: "v1", kind: "Namespace", metadata: metaOf(raw) };
}

function createFailure(raw: KubeObject): CreateFailure | undefined {
  const event = raw as KubeObject & {
    readonly involvedObject?: { readonly uid?: string };
    readonly message?: string;
    readonly lastTimestamp?: string;
    readonly eventTime?: string;
  };
  const job = event.involvedObject?.uid;
  if (job === undefined) return undefined;
  const at = event.lastTimestamp ?? event.eventTime ?? raw.metadata.creationTimestamp;
  return { metadata: metaOf(raw), job, message: event.message ?? "", atMs: Date.parse(at) };
}
