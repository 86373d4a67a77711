// The runtime's metrics under controller-runtime's names, so that existing dashboards and alerts work. All series stand
// at 0 from the start; none is labelled by object. Knows prom-client; nothing else in this package does.
import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from "prom-client";
import type { StallMeter } from "./event-loop.ts";
import type { QueueObserver } from "./workqueue.ts";

export type ReconcileOutcome = "success" | "error" | "requeue_after";

/** What a controller tells as it happens. */
export interface ControllerObserver extends QueueObserver {
  reconcileStarted(): void;
  reconcileEnded(outcome: ReconcileOutcome, durationMs: number): void;
  /** `kind`: a terminal error, a mistake in the program (as Go's panics are), or one that a retry may heal. */
  reconcileFailed(kind: "terminal" | "panic" | "transient"): void;
  reconcileTimedOut(): void;
}

/** What is asked for when the metrics are read. */
export interface ControllerGauges {
  readonly concurrency: number;
  depth(): number;
  workingMs(): readonly number[];
}

export interface CacheGauges {
  /** The plural name of the resource and its group. */
  readonly resource: string;
  size(): number;
  relists(): number;
  /** Milliseconds since the last event or bookmark. */
  lastEventAgeMs(): number;
}

export interface EndedRequest {
  readonly method: string;
  readonly host: string;
  /** The HTTP status, or `<error>` when there was none. */
  readonly code: string;
}

export interface RuntimeMetrics {
  controller(name: string, gauges: ControllerGauges): ControllerObserver;
  cache(gauges: CacheGauges): void;
  /** Each reading begins a new span of time. */
  eventLoop(meter: Pick<StallMeter, "take">): void;
  leader(lease: string, isLeader: () => boolean): void;
}

// controller-runtime's own limits, in seconds.
const reconcileBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2,
  2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];
const queueBuckets = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000];

/** Registers the metrics. Once per registry. */
export function runtimeMetrics(registry: Registry): RuntimeMetrics {
  const registers = [registry];
  const perController = { labelNames: ["controller"] as const, registers };
  const perQueue = { labelNames: ["name", "controller"] as const, registers };
  const queues: { readonly labels: { name: string; controller: string }; readonly gauges: ControllerGauges }[] = [];
  const caches: CacheGauges[] = [];
  const meters: Pick<StallMeter, "take">[] = [];
  const leaders = new Map<string, () => boolean>();

  const reconciles = new Counter({
    name: "controller_runtime_reconcile_total",
    help: "Total number of reconciliations per controller",
    labelNames: ["controller", "result"] as const,
    registers,
  });
  const errors = new Counter({
    name: "controller_runtime_reconcile_errors_total",
    help: "Total number of reconciliation errors per controller",
    ...perController,
  });
  const terminalErrors = new Counter({
    name: "controller_runtime_terminal_reconcile_errors_total",
    help: "Total number of terminal reconciliation errors per controller",
    ...perController,
  });
  const panics = new Counter({
    name: "controller_runtime_reconcile_panics_total",
    help: "Total number of reconciliations that ended by a mistake in the program, per controller",
    ...perController,
  });
  const timeouts = new Counter({
    name: "controller_runtime_reconcile_timeouts_total",
    help: "Total number of reconciliation timeouts per controller",
    ...perController,
  });
  const reconcileTime = new Histogram({
    name: "controller_runtime_reconcile_time_seconds",
    help: "Length of time per reconciliation per controller",
    buckets: reconcileBuckets,
    ...perController,
  });
  const concurrency = new Gauge({
    name: "controller_runtime_max_concurrent_reconciles",
    help: "Maximum number of concurrent reconciles per controller",
    ...perController,
  });
  const activeWorkers = new Gauge({
    name: "controller_runtime_active_workers",
    help: "Number of currently used workers per controller",
    ...perController,
  });
  const adds = new Counter({
    name: "workqueue_adds_total",
    help: "Total number of adds handled by workqueue",
    ...perQueue,
  });
  const retries = new Counter({
    name: "workqueue_retries_total",
    help: "Total number of retries handled by workqueue",
    ...perQueue,
  });
  const queueTime = new Histogram({
    name: "workqueue_queue_duration_seconds",
    help: "How long in seconds an item stays in workqueue before being requested",
    buckets: queueBuckets,
    ...perQueue,
  });
  const workTime = new Histogram({
    name: "workqueue_work_duration_seconds",
    help: "How long in seconds processing an item from workqueue takes",
    buckets: queueBuckets,
    ...perQueue,
  });
  const leading = new Gauge({
    name: "leader_election_master_status",
    help: "Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master",
    labelNames: ["name"] as const,
    registers,
    collect() {
      for (const [name, isLeader] of leaders) this.set({ name }, isLeader() ? 1 : 0);
    },
  });

  const gaugePerQueue = (name: string, help: string, read: (gauges: ControllerGauges) => number): void => {
    new Gauge({
      name,
      help,
      ...perQueue,
      collect() {
        for (const { labels, gauges } of queues) this.set(labels, read(gauges));
      },
    });
  };
  gaugePerQueue("workqueue_depth", "Current depth of workqueue", (queue) => queue.depth());
  gaugePerQueue(
    "workqueue_unfinished_work_seconds",
    "How many seconds of work has been done that is in progress and hasn't been observed by work_duration",
    (queue) => queue.workingMs().reduce((sum, ms) => sum + ms, 0) / 1000,
  );
  gaugePerQueue(
    "workqueue_longest_running_processor_seconds",
    "How many seconds has the longest running processor for workqueue been running",
    (queue) => Math.max(0, ...queue.workingMs()) / 1000,
  );

  const gaugePerCache = (name: string, help: string, read: (cache: CacheGauges) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ["resource"] as const,
      registers,
      collect() {
        for (const cache of caches) this.set({ resource: cache.resource }, read(cache));
      },
    });
  };
  gaugePerCache("kube_operator_cache_objects", "Objects in the cache of a resource", (cache) => cache.size());
  gaugePerCache("kube_operator_cache_relists", "Times that a resource was listed anew", (cache) => cache.relists());
  gaugePerCache(
    "kube_operator_cache_last_event_age_seconds",
    "Time since the last event or bookmark of a resource",
    (cache) => cache.lastEventAgeMs() / 1000,
  );

  new Gauge({
    name: "kube_operator_event_loop_stall_max_seconds",
    help: "Longest time that the event loop was held up since the last reading, and the longest by work of its own",
    labelNames: ["of"] as const,
    registers,
    collect() {
      const stalls = meters.map((meter) => meter.take());
      this.set({ of: "elapsed" }, Math.max(0, ...stalls.map(({ elapsedMs }) => elapsedMs)) / 1000);
      this.set({ of: "work" }, Math.max(0, ...stalls.map(({ workMs }) => workMs)) / 1000);
    },
  });

  return {
    controller(name, gauges) {
      const controller = { controller: name };
      const queue = { name, controller: name };
      queues.push({ labels: queue, gauges });
      concurrency.set(controller, gauges.concurrency);
      activeWorkers.set(controller, 0);
      for (const counter of [errors, terminalErrors, panics, timeouts]) counter.inc(controller, 0);
      for (const result of ["success", "error", "requeue", "requeue_after"])
        reconciles.inc({ ...controller, result }, 0);
      for (const counter of [adds, retries]) counter.inc(queue, 0);
      reconcileTime.zero(controller);
      queueTime.zero(queue);
      workTime.zero(queue);
      return {
        added: () => adds.inc(queue),
        taken: (waitedMs) => queueTime.observe(queue, waitedMs / 1000),
        finished: (workedMs) => workTime.observe(queue, workedMs / 1000),
        retried: () => retries.inc(queue),
        reconcileStarted: () => activeWorkers.inc(controller),
        reconcileEnded(outcome, durationMs) {
          activeWorkers.dec(controller);
          reconciles.inc({ ...controller, result: outcome });
          reconcileTime.observe(controller, durationMs / 1000);
        },
        reconcileFailed(kind) {
          errors.inc(controller);
          if (kind === "terminal") terminalErrors.inc(controller);
          if (kind === "panic") panics.inc(controller);
        },
        reconcileTimedOut: () => timeouts.inc(controller),
      };
    },
    cache: (gauges) => void caches.push(gauges),
    eventLoop(meter) {
      meters.push(meter);
    },
    leader(lease, isLeader) {
      leaders.set(lease, isLeader);
      leading.set({ name: lease }, 0);
    },
  };
}

/** For `onRequest` of httpKubeApi: counts requests by code, method and host. */
export function requestMetrics(registry: Registry): (request: EndedRequest) => void {
  const requests = new Counter({
    name: "rest_client_requests_total",
    help: "Number of HTTP requests, partitioned by status code, method, and host",
    labelNames: ["code", "host", "method"] as const,
    registers: [registry],
  });
  return ({ method, host, code }) => requests.inc({ code, host, method });
}

/** Memory, CPU, garbage collection and the delay of the event loop. */
export function processMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
}
