import { describe, expect, test } from "vitest";
import { ApiError, isExpired, isNotFound, type WatchEvent, type WatchOptions } from "../src/kube-api.ts";
import type { KubeObject, Manifest, Resource } from "../src/object.ts";
import { manualClock } from "../testing/manual-clock.ts";
import { type MemoryKubeApi, memoryKubeApi } from "../testing/memory-kube-api.ts";
import { openDefinition } from "../testing/open-definition.ts";
import { kubeApiContract } from "./kube-api.contract.ts";

const configMaps: Resource = { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true };
const jobs: Resource = { group: "batch", version: "v1", kind: "Job", plural: "jobs", namespaced: true };

const configMap = (name: string): Manifest => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default" },
});
const keyOf = (name: string) => ({ namespace: "default", name });

kubeApiContract("the API server in memory", async () => {
  const api = memoryKubeApi({ clock: manualClock() });
  return { api, wait: () => api.settle(), stop: async () => {} };
});

/** Reads a watch to its end, as text. */
function told(api: MemoryKubeApi, options: WatchOptions): { readonly lines: string[]; readonly done: Promise<void> } {
  const lines: string[] = [];
  const textOf = (event: WatchEvent<KubeObject>): string =>
    event.type === "ERROR"
      ? `ERROR ${event.status.code}`
      : `${event.type} ${event.object.metadata.name ?? event.object.metadata.resourceVersion}`;
  const read = async (): Promise<void> => {
    for await (const event of api.watch(configMaps, options)) lines.push(textOf(event));
    lines.push("end");
  };
  return { lines, done: read().catch((error) => void lines.push(`${error.message}`)) };
}

describe("watches under the control of a test", () => {
  test("end by the clock, and bring a bookmark each minute until then", async () => {
    const clock = manualClock();
    const api = memoryKubeApi({ clock });
    const { resourceVersion } = api;
    const { lines, done } = told(api, { resourceVersion, timeoutSeconds: 130 });
    await clock.advance(130_000);
    await done;
    expect(lines).toEqual([`BOOKMARK ${resourceVersion}`, `BOOKMARK ${resourceVersion}`, "end"]);
    expect(clock.pending).toBe(0);
  });

  test("begin with 410 when their version has been compacted", async () => {
    const api = memoryKubeApi({ clock: manualClock() });
    const { resourceVersion } = api;
    await api.create(configMaps, configMap("one"));
    api.compact();
    const { lines, done } = told(api, { resourceVersion });
    await done;
    expect(lines).toEqual(["ERROR 410", "end"]);
  });

  test("reach back as far as the window of events, and no further", async () => {
    const api = memoryKubeApi({ clock: manualClock(), windowSize: 10 });
    const { resourceVersion } = api;
    for (let count = 0; count < 30; count += 1) await api.create(configMaps, configMap(`c${count}`));
    const recent = told(api, { resourceVersion: `${Number(api.resourceVersion) - 5}`, timeoutSeconds: 1 });
    const old = told(api, { resourceVersion });
    await Promise.all([old.done, api.settle()]);
    expect([recent.lines.length, old.lines]).toEqual([5, ["ERROR 410", "end"]]);
  });

  test("break, or hold back what they would tell, on demand", async () => {
    const api = memoryKubeApi({ clock: manualClock() });
    const { lines, done } = told(api, { resourceVersion: api.resourceVersion });
    const release = api.holdWatches();
    await api.create(configMaps, configMap("one"));
    await api.settle();
    expect(lines).toEqual([]);
    release();
    api.breakWatches("reset");
    await done;
    expect(lines).toEqual(["ADDED one", "read ECONNRESET"]);
  });
});

describe("faults", () => {
  test("a refusal leaves everything as it was, a lost answer does not", async () => {
    const api = memoryKubeApi({ clock: manualClock() });
    const stop = api.fail(({ verb, key }) => {
      if (verb !== "create") return undefined;
      return key?.name === "lost" ? "lost" : new ApiError({ code: 500, reason: "InternalError", message: "no" });
    });
    await expect(api.create(configMaps, configMap("lost"))).rejects.toThrow("ECONNRESET");
    await expect(api.create(configMaps, configMap("refused"))).rejects.toThrow("no");
    stop();
    await api.create(configMaps, configMap("fine"));
    expect((await api.list(configMaps)).items.map((item) => item.metadata.name)).toEqual(["fine", "lost"]);
  });

  test("the next page of a list that was compacted is gone", async () => {
    const api = memoryKubeApi({ clock: manualClock() });
    for (const name of ["a", "b"]) await api.create(configMaps, configMap(name));
    const first = await api.list(configMaps, { limit: 1 });
    api.compact();
    const next = await api.list(configMaps, { continue: first.continue ?? "" }).catch((error) => error);
    expect(isExpired(next)).toBe(true);
  });
});

test("two servers with the same seed give the same uids", async () => {
  const uid = async (): Promise<string> =>
    (await memoryKubeApi({ clock: manualClock() }).create(configMaps, configMap("one"))).metadata.uid;
  expect(await uid()).toBe(await uid());
});

test("what is stored cannot be changed by who has read it", async () => {
  const api = memoryKubeApi({ clock: manualClock() });
  const read = await api.create(configMaps, configMap("one"));
  expect(() => Object.assign(read.metadata, { name: "two" })).toThrow(TypeError);
});

test("the garbage collector works when time passes, and not before", async () => {
  const clock = manualClock();
  const api = memoryKubeApi({ clock });
  const owner = await api.create(configMaps, configMap("owner"));
  const { name, uid } = owner.metadata;
  const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name, uid }];
  await api.create(configMaps, {
    ...configMap("child"),
    metadata: { name: "child", namespace: "default", ownerReferences },
  });
  await api.delete(configMaps, keyOf("owner"));
  expect((await api.list(configMaps)).items).toHaveLength(1);
  await clock.advance(0);
  expect((await api.list(configMaps)).items).toHaveLength(0);
});

test("a Job that is deleted without a word about its dependents leaves them, as on a real server", async () => {
  const api = memoryKubeApi({ clock: manualClock() });
  const job = await api.create(jobs, {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "one", namespace: "default" },
  });
  const ownerReferences = [{ apiVersion: "batch/v1", kind: "Job", name: "one", uid: job.metadata.uid }];
  await api.create(configMaps, {
    ...configMap("child"),
    metadata: { name: "child", namespace: "default", ownerReferences },
  });
  await api.delete(jobs, keyOf("one"));
  await api.settle();
  expect((await api.get(configMaps, keyOf("child"))).metadata.ownerReferences).toBeUndefined();
});

test("a kind is served as soon as it is defined, and its objects go with the definition", async () => {
  const widgets: Resource = {
    group: "example.test",
    version: "v1",
    kind: "Widget",
    plural: "widgets",
    namespaced: true,
  };
  const api = memoryKubeApi({ clock: manualClock(), crds: [openDefinition(widgets)], namespaces: ["team-a"] });
  const widget = { apiVersion: "example.test/v1", kind: "Widget", metadata: { name: "one", namespace: "team-a" } };
  expect(await api.create(widgets, { ...widget, spec: { anything: 1 } })).toMatchObject({ spec: { anything: 1 } });
  expect(await api.request("GET", "/apis/example.test/v1/namespaces/team-a/widgets/one")).toMatchObject(widget);
  await api.request("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.test");
  expect(isNotFound(await api.list(widgets).catch((error) => error))).toBe(true);
});

test("a log is read from its end, and followed until its Pod is gone", async () => {
  const pods: Resource = { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true };
  const api = memoryKubeApi({ clock: manualClock() });
  await api.create(pods, { apiVersion: "v1", kind: "Pod", metadata: { name: "one", namespace: "default" } });
  api.appendLog(keyOf("one"), "a\nb\nc\n");
  const read = async (options: { tailLines?: number; follow?: boolean }): Promise<string> => {
    let text = "";
    for await (const chunk of api.log(keyOf("one"), options)) text += chunk;
    return text;
  };
  expect(await read({ tailLines: 2 })).toBe("b\nc\n");
  const following = read({ tailLines: 1, follow: true });
  await api.settle();
  api.appendLog(keyOf("one"), "d\n");
  await api.delete(pods, keyOf("one"));
  expect(await following).toBe("c\nd\n");
});
