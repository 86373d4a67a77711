// What pools and tasks are like, for Prometheus: their statuses as numbers, in base units, read when somebody asks. The same
// on every replica. Labels are pools, resources, states and reasons, all of them few: never a task, a node or a namespace.
import { conditionOf } from "@dsl/kube-operator";
import { Gauge, type Registry } from "prom-client";
import { amountOf } from "../api/amount.ts";
import type { PooledTask } from "../api/pooled-task.ts";
import type { ResourcePool } from "../api/resource-pool.ts";
import { poolNameOf } from "./observed/specs.ts";
import type { Stores } from "./stores.ts";

type State = "waiting" | "running" | "suspended" | "stalled" | "succeeded" | "failed";

const states: readonly State[] = ["waiting", "running", "suspended", "stalled", "succeeded", "failed"];
const shardStates = ["waiting", "starting", "running"] as const;
const amounts = ["capacity", "reserved", "foreign", "allocated", "free"] as const;
/** Of tasks whose pool is not there: whoever invents names of pools makes no new label. */
const noPool = "";

export interface Measured {
  readonly pools: Pick<Stores["pools"], "list">;
  readonly tasks: Pick<Stores["tasks"], "values">;
}

export function poolMetrics(registry: Registry, stores: Measured): void {
  /** Filled anew each time it is read. */
  const told = <L extends string>(
    name: string,
    help: string,
    labels: readonly L[],
    fill: (gauge: Gauge<"pool" | L>) => void,
  ): void => {
    const gauge: Gauge<"pool" | L> = new Gauge({
      name,
      help,
      labelNames: ["pool", ...labels] as const,
      registers: [registry],
      collect() {
        gauge.reset();
        fill(gauge);
      },
    });
  };

  const ofPools = <L extends string>(
    name: string,
    help: string,
    labels: readonly L[],
    read: (pool: ResourcePool, set: (labels: Readonly<Record<L, string>>, value: number) => void) => void,
  ): void =>
    told(name, help, labels, (gauge) => {
      for (const pool of stores.pools.list()) {
        read(pool, (values, value) => gauge.set({ pool: pool.metadata.name, ...values }, value));
      }
    });

  ofPools("kubepool_pool_ready", "1 where the pool is ready, else 0", [], ({ status }, set) => {
    set({}, conditionOf(status?.conditions ?? [], "Ready")?.status === "True" ? 1 : 0);
  });
  ofPools("kubepool_nodes", "Nodes of a root by state", ["state"], ({ status }, set) => {
    if (status?.nodes === undefined) return;
    const { total, ready, cordoned } = status.nodes;
    set({ state: "ready" }, ready);
    set({ state: "cordoned" }, cordoned);
    set({ state: "not_ready" }, Math.max(0, total - ready - cordoned));
  });
  for (const amount of amounts) {
    const help = `What status.resources of a pool calls ${amount}: cores, bytes or a count`;
    ofPools(`kubepool_pool_${amount}`, help, ["resource"], ({ status }, set) => {
      for (const { name, [amount]: text } of status?.resources ?? []) {
        if (text === undefined) continue;
        set({ resource: name }, amountOf(name, text) / (name === "cpu" ? 1000 : 1));
      }
    });
  }

  /** Each pool has all that are known, so that none is missing where it is zero. */
  const ofTasks = (
    name: string,
    help: string,
    label: "state" | "reason",
    known: readonly string[],
    read: (task: PooledTask, add: (value: string, count: number) => void) => void,
  ): void =>
    told<string>(name, help, [label], (gauge) => {
      const pools = new Set(stores.pools.list().map(({ metadata }) => metadata.name));
      for (const pool of pools) for (const value of known) gauge.set({ pool, [label]: value }, 0);
      for (const task of stores.tasks.values()) {
        const pool = pools.has(poolNameOf(task)) ? poolNameOf(task) : noPool;
        read(task, (value, count) => gauge.inc({ pool, [label]: value }, count));
      }
    });

  ofTasks("kubepool_tasks", "Tasks that name the pool by state", "state", states, (task, add) => add(stateOf(task), 1));
  ofTasks("kubepool_shards", "Their shards by state", "state", shardStates, ({ status }, add) => {
    for (const state of shardStates) add(state, status?.shards?.[state] ?? 0);
  });
  ofTasks("kubepool_waiting_tasks", "Those that wait or need a person, by reason", "reason", [], (task, add) => {
    const state = stateOf(task);
    const reason = task.status?.queue?.reason ?? succeeded(task)?.reason;
    if (reason !== undefined && (state === "waiting" || state === "stalled")) add(reason, 1);
  });
}

function stateOf(task: PooledTask): State {
  const conditions = task.status?.conditions ?? [];
  if (conditionOf(conditions, "Finished")?.status === "True")
    return succeeded(task)?.status === "True" ? "succeeded" : "failed";
  if (conditionOf(conditions, "Stalled")?.status === "True") return "stalled";
  if ((task.status?.shards?.running ?? 0) > 0) return "running";
  return succeeded(task)?.reason === "Suspended" ? "suspended" : "waiting";
}

function succeeded({ status }: PooledTask) {
  return conditionOf(status?.conditions ?? [], "Succeeded");
}
