// The contract of KubeApi on a real API server: what keeps the one in memory honest. It needs the controller manager
// too, for garbage collection and namespaces, but no nodes.
import { setTimeout } from "node:timers/promises";
import {
  createReflector,
  createStore,
  type HttpKubeApi,
  httpKubeApi,
  type KubeObject,
  kubeconfigConnection,
  type RequestAttempt,
  type Resource,
  silentLog,
  systemClock,
} from "@dsl/kube-operator";
import { eventually } from "@dsl/kube-operator/testing";
import { expect, test } from "vitest";
import { kubeApiContract } from "../../packages/kube-operator/test/kube-api.contract.ts";
import { sharedControlPlane } from "../support/shared-control-plane.ts";

async function connect(onRequest: (attempt: RequestAttempt) => void = () => {}): Promise<HttpKubeApi> {
  const { kubeconfig } = await sharedControlPlane();
  const connection = await kubeconfigConnection({ path: kubeconfig, environment: process.env });
  return httpKubeApi(connection, { onRequest });
}

kubeApiContract("HttpKubeApi, with a real API server", async () => {
  const api = await connect();
  return { api, wait: () => setTimeout(100), stop: async () => api.close() };
});

test("a reflector gets its first objects by a watch, follows that watch, and misses nothing", async () => {
  const configMaps: Resource = { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true };
  const attempts: RequestAttempt[] = [];
  const [api, observed] = [await connect(), await connect((attempt) => attempts.push(attempt))];
  const write = (name: string): Promise<KubeObject> =>
    api.create(configMaps, { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" } });
  await write("before");
  const store = createStore<KubeObject>({ resource: configMaps });
  const reflector = createReflector<KubeObject>({
    api: observed,
    resource: configMaps,
    store,
    namespace: "default",
    clock: systemClock,
    random: Math.random,
    log: silentLog,
  });
  const abort = new AbortController();
  const running = reflector.run(abort.signal);
  await eventually(() => reflector.hasSynced);
  expect(store.get({ namespace: "default", name: "before" })).toBeDefined();
  await write("after");
  await api.delete(configMaps, { namespace: "default", name: "before" });
  await eventually(() => store.get({ namespace: "default", name: "before" }) === undefined);
  expect(store.get({ namespace: "default", name: "after" })).toMatchObject({ kind: "ConfigMap" });
  // One request, and it was a watch: a list would have been another.
  expect([attempts.length, reflector.state.name, reflector.relists]).toEqual([1, "Following", 0]);
  abort.abort();
  await running;
  for (const each of [api, observed]) each.close();
});
