// Every revision of every Pod that the API server has told, and the questions that the invariants ask of it.
import {
  createReflector,
  createStore,
  httpKubeApi,
  type KubeApi,
  type KubeObject,
  kubeconfigConnection,
  type Resource,
  silentLog,
  systemClock,
} from "@dsl/kube-operator";
import type { Cluster } from "./control-plane.ts";

interface Pod extends KubeObject {
  readonly spec: {
    readonly nodeName?: string;
    readonly containers: readonly { readonly resources?: { readonly requests?: { readonly cpu?: string } } }[];
  };
  readonly status?: { readonly phase?: string };
}

interface PodState {
  readonly task: string;
  readonly pool: string;
  readonly shard: number;
  readonly node: string;
  readonly milliCpu: number;
  readonly phase: string;
}

export interface History {
  readonly api: KubeApi;
  /** Names of Pods of the task that have ended. */
  endedPods(task: string): ReadonlySet<string>;
  livePods(task: string): ReadonlySet<string>;
  /** Pods created for a shard after another of it had succeeded. */
  startsAfterSuccess(task: string): readonly string[];
  /** The most Pods of one shard that were alive at once. */
  mostLiveAttempts(task: string): number;
  /** The most milli-CPU that the task's Pods held, by node. */
  peakByNode(task: string): ReadonlyMap<string, number>;
  /** The most milli-CPU that all Pods held on any one node, at any moment. */
  mostOnANode(): number;
  /** The most milli-CPU that the Pods of a pool's own tasks held, at any moment. */
  mostInPool(pool: string): number;
  until(condition: () => boolean, withinMs: number): Promise<void>;
  close(): void;
}

const pods: Resource<Pod> = { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true };
const label = (object: KubeObject, name: string): string => object.metadata.labels?.[`kube-pool.dev/${name}`] ?? "";
const isOver = (phase: string): boolean => phase === "Succeeded" || phase === "Failed";

export async function recordHistory(cluster: Cluster): Promise<History> {
  const api = httpKubeApi(await kubeconfigConnection({ path: cluster.kubeconfig, environment: {} }));
  const stop = new AbortController();
  const podStore = createStore<Pod>({ resource: pods });

  const states = new Map<string, PodState>();
  const ended = new Map<string, Set<string>>();
  const successes = new Set<string>();
  const late: { readonly task: string; readonly name: string }[] = [];
  const live = new Peaks();
  const inPool = new Peaks();
  const onNodes = new Peaks();
  const onNodesByTask = new Peaks();

  podStore.onChange(({ type, object }) => {
    const { name } = object.metadata;
    const task = label(object, "task");
    const phase = type === "delete" ? "Failed" : (object.status?.phase ?? "Pending");
    const state: PodState = {
      task,
      pool: label(object, "pool"),
      shard: Number(label(object, "shard")),
      node: object.spec.nodeName ?? "",
      milliCpu: object.spec.containers.reduce((sum, { resources }) => sum + milli(resources?.requests?.cpu ?? "0"), 0),
      phase,
    };
    if (type === "add" && successes.has(`${task}/${state.shard}`)) late.push({ task, name });
    const before = states.get(name);
    if (type === "delete") states.delete(name);
    else states.set(name, state);
    if (isOver(phase)) ended.set(task, (ended.get(task) ?? new Set()).add(name));
    if (phase === "Succeeded" && type !== "delete") successes.add(`${task}/${state.shard}`);
    for (const [pod, sign] of [[before, -1] as const, [type === "delete" ? undefined : state, 1] as const]) {
      if (pod === undefined || isOver(pod.phase)) continue;
      inPool.add(pod.pool, sign * pod.milliCpu);
      live.add(`${pod.task}/${pod.shard}`, sign);
      if (pod.node === "") continue;
      onNodes.add(pod.node, sign * pod.milliCpu);
      onNodesByTask.add(`${pod.task}/${pod.node}`, sign * pod.milliCpu);
    }
  });
  const common = { api, clock: systemClock, random: Math.random, log: silentLog };
  void createReflector({ ...common, resource: pods, store: podStore }).run(stop.signal);

  return {
    api,
    endedPods: (task) => ended.get(task) ?? new Set(),
    livePods: (task) =>
      new Set([...states].filter(([, each]) => each.task === task && !isOver(each.phase)).map(([name]) => name)),
    startsAfterSuccess: (task) => late.filter((each) => each.task === task).map(({ name }) => name),
    mostLiveAttempts: (task) => Math.max(0, ...live.below(`${task}/`).values()),
    peakByNode: (task) => onNodesByTask.below(`${task}/`),
    mostOnANode: () => Math.max(0, ...onNodes.below("").values()),
    mostInPool: (pool) => inPool.most(pool),
    async until(condition, withinMs) {
      const deadline = systemClock.monotonic() + withinMs;
      while (!condition()) {
        if (systemClock.monotonic() > deadline) throw new Error(`not within ${withinMs} ms`);
        await new Promise((resolve) => systemClock.after(20, () => resolve(undefined)));
      }
    },
    close() {
      stop.abort();
      api.close();
    },
  };
}

/** What is held by key, and the most that each ever held: kept as it changes, since there are thousands of Pods. */
class Peaks {
  readonly #held = new Map<string, number>();
  readonly #most = new Map<string, number>();

  add(key: string, amount: number): void {
    const held = (this.#held.get(key) ?? 0) + amount;
    this.#held.set(key, held);
    this.#most.set(key, Math.max(held, this.#most.get(key) ?? 0));
  }

  most(key: string): number {
    return this.#most.get(key) ?? 0;
  }

  /** The most of all keys that begin so, by the rest of the key. */
  below(prefix: string): ReadonlyMap<string, number> {
    return new Map(
      [...this.#most].flatMap(([key, most]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), most]] : [])),
    );
  }
}

function milli(cpu: string): number {
  return cpu.endsWith("m") ? Number(cpu.slice(0, -1)) : Number(cpu) * 1000;
}
