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
  const peaks = new Map<string, Map<string, number>>();
  const live = new Map<string, number>();
  const inPool = new Map<string, number>();
  let mostOnANode = 0;

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
    if (type === "delete") states.delete(name);
    else states.set(name, state);
    if (isOver(phase)) ended.set(task, (ended.get(task) ?? new Set()).add(name));
    if (phase === "Succeeded" && type !== "delete") successes.add(`${task}/${state.shard}`);
    const onNode = [...states.values()].filter(
      (each) => each.node === state.node && each.node !== "" && !isOver(each.phase),
    );
    mostOnANode = Math.max(mostOnANode, sum(onNode));
    const ofPool = [...states.values()].filter((each) => each.pool === state.pool && !isOver(each.phase));
    inPool.set(state.pool, Math.max(inPool.get(state.pool) ?? 0, sum(ofPool)));
    const ofTask = peaks.get(task) ?? new Map<string, number>();
    if (state.node !== "")
      ofTask.set(state.node, Math.max(ofTask.get(state.node) ?? 0, sum(onNode.filter((each) => each.task === task))));
    peaks.set(task, ofTask);
    const siblings = [...states.values()].filter(
      (each) => each.task === task && each.shard === state.shard && !isOver(each.phase),
    );
    live.set(task, Math.max(live.get(task) ?? 0, siblings.length));
  });
  const common = { api, clock: systemClock, random: Math.random, log: silentLog };
  void createReflector({ ...common, resource: pods, store: podStore }).run(stop.signal);

  return {
    api,
    endedPods: (task) => ended.get(task) ?? new Set(),
    livePods: (task) =>
      new Set([...states].filter(([, each]) => each.task === task && !isOver(each.phase)).map(([name]) => name)),
    startsAfterSuccess: (task) => late.filter((each) => each.task === task).map(({ name }) => name),
    mostLiveAttempts: (task) => live.get(task) ?? 0,
    peakByNode: (task) => peaks.get(task) ?? new Map(),
    mostOnANode: () => mostOnANode,
    mostInPool: (pool) => inPool.get(pool) ?? 0,
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

function sum(states: readonly PodState[]): number {
  return states.reduce((total, { milliCpu }) => total + milliCpu, 0);
}

function milli(cpu: string): number {
  return cpu.endsWith("m") ? Number(cpu.slice(0, -1)) : Number(cpu) * 1000;
}
