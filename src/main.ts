// The whole operator on one screen: settings, connection, caches, the loop, leadership.
import { setImmediate as nextTurn } from "node:timers/promises";
import { isMainThread } from "node:worker_threads";
import {
  createEventRecorder,
  createManager,
  httpKubeApi,
  inClusterConnection,
  kubeconfigConnection,
  LeaseLostError,
  requestMetrics,
  stopSignal,
  systemClock,
} from "@dsl/kube-operator";
import { pino } from "pino";
import { Registry } from "prom-client";
import { readConfig } from "./config.ts";
import { Applier } from "./controller/apply.ts";
import { engineChoice } from "./controller/engine-choice.ts";
import { orphanController } from "./controller/orphans.ts";
import { poolMetrics } from "./controller/pool-metrics.ts";
import { PoolReconciler } from "./controller/pool-reconciler.ts";
import { Reporter } from "./controller/report.ts";
import { forgetTheGone } from "./controller/retain.ts";
import { watchedStores } from "./controller/stores.ts";
import { TaskMemories } from "./controller/task-memory.ts";
import { wakePools } from "./controller/wake.ts";

const oldestNode = "22.19";

// The lease is held by a thread that starts this same file: there, importing the runtime is all that has to happen.
if (isMainThread) {
  try {
    await main();
  } catch (error) {
    // One line, as all of the log.
    pino().fatal({ err: error }, "the operator ends");
    process.exit(1);
  }
}

async function main(): Promise<void> {
  if (process.versions.node.localeCompare(oldestNode, "en", { numeric: true }) < 0)
    throw new Error(`this is Node ${process.versions.node}; the operator needs ${oldestNode} or later`);
  const config = readConfig(process.env);
  const log = pino({ level: config.logLevel, base: { identity: config.identity } });
  const connection = inClusterConnection(process.env) ?? (await kubeconfigConnection({ environment: process.env }));
  const registry = new Registry();
  const manager = createManager({
    api: httpKubeApi(connection, { userAgent: "kube-pool", onRequest: requestMetrics(registry) }),
    log,
    registry,
    health: { host: config.healthHost, port: config.healthPort },
    ...(config.leaderElection && {
      leaderElection: {
        namespace: config.namespace,
        name: "kube-pool",
        identity: config.identity,
        leaseMs: config.leaseMs,
        renewMs: (config.leaseMs * 2) / 3,
        retryMs: (config.leaseMs * 2) / 15,
        connection,
      },
    }),
  });

  const lost = new AbortController();
  const stores = watchedStores(manager);
  const memories = new TaskMemories(manager.api);
  const term = `${config.identity} since ${new Date(systemClock.now()).toISOString()}`;
  const events = createEventRecorder({
    api: manager.api,
    clock: systemClock,
    log,
    reportingController: "kube-pool.dev/operator",
    reportingInstance: config.identity,
  });
  const applier = new Applier({ api: manager.api, stores, memories, events, log, term, clock: systemClock });
  const reporter = new Reporter(applier, systemClock);
  const poolController = manager.controller({
    name: "pool",
    reconcile: (key) => reconciler.reconcile(key),
    concurrency: 4,
  });
  const reconciler = new PoolReconciler({
    stores,
    memories,
    choice: engineChoice(config.engine),
    applier,
    reporter,
    clock: systemClock,
    giveWay: () => nextTurn(),
    wake: (root, afterMs) => poolController.add(root, afterMs),
    onLeadershipLost(error) {
      log.error({ error: error.message }, "leadership lost");
      lost.abort();
    },
  });

  poolMetrics(registry, stores);
  wakePools(poolController, stores);
  orphanController(manager, stores, applier);
  forgetTheGone({ manager, stores, memories, applier, reporter, clock: systemClock });

  try {
    await manager.run(AbortSignal.any([stopSignal(process), lost.signal]));
  } catch (error) {
    // Who is started again stands by; the log has said why already.
    if (!(error instanceof LeaseLostError)) throw error;
    process.exitCode = 1;
  }
}
