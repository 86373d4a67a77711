// What a first sync of 20,000 Pods costs. CPU time and heap, since these repeat on a busy machine and wall time does not.
import { once } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { afterEach, expect, test } from "vitest";
import { systemClock } from "../src/clock.ts";
import { httpKubeApi } from "../src/http-kube-api.ts";
import { silentLog } from "../src/log.ts";
import type { KubeObject, Resource } from "../src/object.ts";
import { createStore, type Stored } from "../src/store.ts";
import { createReflector } from "../src/watch.ts";
import { eventually } from "../testing/eventually.ts";

const pods: Resource = { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true };
const podCount = 20_000;

interface PodRow extends Stored {
  readonly owner: string;
  readonly node: string;
  readonly phase: string;
  readonly cpu: string;
  readonly memory: string;
}

interface Pod extends KubeObject {
  readonly spec: {
    readonly nodeName: string;
    readonly containers: readonly [{ readonly resources: { readonly requests: { readonly [name: string]: string } } }];
  };
  readonly status: { readonly phase: string };
}

function podRow(raw: KubeObject): PodRow {
  const { metadata, spec, status } = raw as Pod;
  const { namespace = "", name, uid, resourceVersion } = metadata;
  const { cpu = "0", memory = "0" } = spec.containers[0].resources.requests;
  return {
    metadata: { namespace, name, uid, resourceVersion },
    owner: metadata.ownerReferences?.[0]?.uid ?? "",
    node: spec.nodeName,
    phase: status.phase,
    cpu,
    memory,
  };
}

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function heapUsed(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** Watches how much CPU time this thread spends between two turns of its event loop. */
function turnMeter(): { readonly longestMs: () => number; readonly stop: () => void } {
  let longest = 0;
  let isOn = true;
  let before = process.threadCpuUsage();
  const turn = (): void => {
    const spent = process.threadCpuUsage(before);
    longest = Math.max(longest, spent.user + spent.system);
    before = process.threadCpuUsage();
    if (isOn) setImmediate(turn);
  };
  setImmediate(turn);
  return {
    longestMs: () => longest / 1000,
    stop: () => {
      isOn = false;
    },
  };
}

test("a first sync of 20,000 Pods never holds up the event loop for long, and keeps little of each", async () => {
  const worker = new Worker(new URL("./pod-server.ts", import.meta.url), { workerData: { count: podCount } });
  closing.push(() => worker.terminate());
  const [port] = (await once(worker, "message")) as [number];
  const api = httpKubeApi({ server: `http://127.0.0.1:${port}` });
  const store = createStore<PodRow>({
    resource: pods,
    indexes: { owner: (pod) => pod.owner, node: (pod) => pod.node, phase: (pod) => pod.phase },
  });
  const heard = new Set<string>();
  store.onChange(({ object }) => heard.add(object.owner));
  const abort = new AbortController();
  const reflector = createReflector({
    api,
    resource: pods,
    store,
    project: podRow,
    clock: systemClock,
    random: Math.random,
    log: silentLog,
  });
  closing.push(
    () => api.close(),
    () => abort.abort(),
  );

  const heapBefore = heapUsed();
  const meter = turnMeter();
  const running = reflector.run(abort.signal);
  await eventually(() => reflector.hasSynced, 20_000);
  meter.stop();
  const bytesPerPod = (heapUsed() - heapBefore) / podCount;
  abort.abort();
  await running;

  console.info(`longest turn ${meter.longestMs().toFixed(1)} ms of CPU, ${bytesPerPod.toFixed(0)} bytes of heap a Pod`);
  expect([store.size, heard.size, store.countBy("node", "node-1")]).toEqual([podCount, 200, 40]);
  expect(meter.longestMs()).toBeLessThan(100);
  expect(bytesPerPod).toBeLessThan(900);
});
