import { afterEach, describe, expect, test } from "vitest";
import { type HttpKubeApi, httpKubeApi } from "../src/http-kube-api.ts";
import { ApiError, type WatchEvent } from "../src/kube-api.ts";
import type { Log } from "../src/log.ts";
import { silentLog } from "../src/log.ts";
import type { KubeObject, Resource } from "../src/object.ts";
import { createStore, type Store } from "../src/store.ts";
import { createReflector, type Reflector, type ReflectorOptions } from "../src/watch.ts";
import { eventually } from "../testing/eventually.ts";
import { type FaultProxy, faultProxy } from "../testing/fault-proxy.ts";
import { serveKubeApi } from "../testing/http-server.ts";
import { type ManualClock, manualClock } from "../testing/manual-clock.ts";
import { type MemoryKubeApi, type MemoryKubeApiOptions, memoryKubeApi } from "../testing/memory-kube-api.ts";

const configMaps: Resource = { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true };

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Rig {
  readonly clock: ManualClock;
  readonly memory: MemoryKubeApi;
  readonly store: Store<KubeObject>;
  readonly reflector: Reflector;
  readonly changes: string[];
  readonly stop: () => Promise<void>;
  readonly create: (name: string) => Promise<KubeObject>;
  readonly edit: (name: string, labels?: Record<string, string>) => Promise<KubeObject>;
  readonly remove: (name: string) => Promise<unknown>;
  /** Names of what is in the store, in order. */
  readonly names: () => string;
}

type RigOptions = Partial<ReflectorOptions<KubeObject>> & { readonly server?: Partial<MemoryKubeApiOptions> };

/** A reflector on a server in memory. It runs when `start` is called. */
function aRig({ server, ...options }: RigOptions = {}): Rig & { readonly start: () => Promise<void> } {
  const clock = manualClock();
  const memory = memoryKubeApi({ clock, ...server });
  const store = createStore<KubeObject>({ resource: configMaps, clock });
  const changes: string[] = [];
  store.onChange(({ type, object }) => changes.push(`${type} ${object.metadata.name}`));
  const reflector = createReflector<KubeObject>({
    api: memory,
    resource: configMaps,
    store,
    clock,
    random: () => 0,
    log: silentLog,
    ...options,
  });
  const abort = new AbortController();
  let running: Promise<void> = Promise.resolve();
  const key = (name: string) => ({ namespace: "default", name });
  closing.push(() => abort.abort());
  return {
    clock,
    memory,
    store,
    reflector,
    changes,
    async start() {
      running = reflector.run(abort.signal);
      await clock.advance(0);
    },
    async stop() {
      abort.abort();
      await running;
    },
    create: (name) =>
      memory.create(configMaps, { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" } }),
    edit: (name, labels = { edited: "yes" }) =>
      memory.patch(configMaps, key(name), { type: "merge", body: { metadata: { labels } } }),
    remove: (name) => memory.delete(configMaps, key(name)),
    names: () =>
      store
        .list()
        .map((object) => object.metadata.name)
        .sort()
        .join(" "),
  };
}

const aConfigMap = (name: string, resourceVersion: string, annotations: Record<string, string> = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default", uid: name, resourceVersion, creationTimestamp: "", annotations },
});

/** Makes each watch say this and end. Returns how many watches there were; ten are more than any test needs. */
function says(memory: MemoryKubeApi, events: readonly WatchEvent<KubeObject>[]): () => number {
  let watches = 0;
  memory.watch = async function* <T extends KubeObject>(): AsyncIterable<WatchEvent<T>> {
    watches += 1;
    if (watches > 10) throw new Error("too many watches");
    yield* events as readonly WatchEvent<T>[];
  };
  return () => watches;
}

const serverError = (code: number): ApiError => new ApiError({ code, reason: "InternalError", message: "broken" });

describe("the first sync", () => {
  test("takes the initial objects from a watch, and follows that same watch", async () => {
    const rig = aRig();
    await rig.create("a");
    await rig.create("b");
    const verbs: string[] = [];
    rig.memory.fail(({ verb }) => void verbs.push(verb));
    await rig.start();
    expect([rig.names(), rig.store.hasSynced, rig.reflector.state.name]).toEqual(["a b", true, "Following"]);
    await rig.create("c");
    await rig.edit("a");
    await rig.remove("b");
    await rig.clock.advance(0);
    expect(rig.names()).toBe("a c");
    expect(rig.store.get({ namespace: "default", name: "a" })?.metadata.labels).toEqual({ edited: "yes" });
    expect(rig.store.resourceVersion).toBe(rig.memory.resourceVersion);
    expect(verbs.filter((verb) => verb === "watch" || verb === "list")).toEqual(["watch"]);
  });

  test("shows nothing before all initial objects are there", async () => {
    const rig = aRig();
    await rig.create("a");
    const release = rig.memory.holdWatches();
    await rig.start();
    expect([rig.reflector.state.name, rig.store.size, rig.reflector.hasSynced]).toEqual(["Streaming", 0, false]);
    release();
    await rig.clock.advance(0);
    expect([rig.names(), rig.reflector.hasSynced]).toEqual(["a", true]);
  });

  test("takes changes into account that come before the initial objects are complete", async () => {
    const rig = aRig();
    for (const name of ["a", "b"]) await rig.create(name);
    const release = rig.memory.holdWatches();
    await rig.start();
    await rig.remove("a");
    await rig.create("c");
    release();
    await rig.clock.advance(0);
    expect(rig.names()).toBe("b c");
  });

  test("forgets an initial object that goes before the initial objects are complete", async () => {
    const rig = aRig();
    says(rig.memory, [
      { type: "ADDED", object: aConfigMap("a", "1") },
      { type: "ADDED", object: aConfigMap("b", "2") },
      { type: "DELETED", object: aConfigMap("a", "3") },
      { type: "BOOKMARK", object: aConfigMap("", "3", { "k8s.io/initial-events-end": "true" }) },
    ]);
    await rig.start();
    expect([rig.names(), rig.changes]).toEqual(["b", ["add b"]]);
  });

  test("lists by pages when the server does not send initial events", async () => {
    const rig = aRig({ server: { watchList: false } });
    for (let count = 0; count < 1_001; count += 1) await rig.create(`c${count}`);
    const lists: unknown[] = [];
    rig.memory.fail(({ verb }) => void (verb === "list" && lists.push(verb)));
    await rig.start();
    expect([rig.store.size, lists.length, rig.reflector.state.name]).toEqual([1_001, 3, "Following"]);
  });

  test("begins the list again when it expires between two pages", async () => {
    const rig = aRig({ server: { watchList: false } });
    for (let count = 0; count < 501; count += 1) await rig.create(`c${count}`);
    let lists = 0;
    rig.memory.fail(({ verb }) => {
      if (verb === "list") lists += 1;
      if (lists === 2) rig.memory.compact();
      return undefined;
    });
    await rig.start();
    expect([rig.store.size, lists]).toEqual([501, 4]);
  });

  test("waits for a kind that is not there yet", async () => {
    const rig = aRig();
    const allow = rig.memory.fail(() => new ApiError({ code: 404, reason: "NotFound", message: "no such kind" }));
    await rig.start();
    expect(rig.reflector.state).toEqual({ name: "Waiting", delayMs: 800, next: { name: "Streaming" } });
    allow();
    await rig.clock.advance(800);
    expect(rig.reflector.hasSynced).toBe(true);
  });
});

describe("what is kept", () => {
  test("is what the projection makes of an object, and nothing of those that it refuses", async () => {
    const project = (raw: KubeObject): KubeObject | undefined =>
      raw.metadata.labels?.wanted === "no" ? undefined : { ...raw, metadata: { ...raw.metadata, annotations: {} } };
    const rig = aRig({ project });
    await rig.create("a");
    await rig.create("b");
    await rig.edit("b", { wanted: "no" });
    await rig.start();
    expect(rig.names()).toBe("a");
    expect(rig.store.list()[0]?.metadata.annotations).toEqual({});
    await rig.edit("a", { wanted: "no" });
    await rig.edit("b", { wanted: "yes" });
    await rig.clock.advance(0);
    expect([rig.names(), rig.changes]).toEqual(["b", ["add a", "delete a", "add b"]]);
  });

  test("does not suffer from an object that cannot be read", async () => {
    const errors: object[] = [];
    const log: Log = { ...silentLog, error: (fields) => errors.push(fields) };
    const project = (raw: KubeObject): KubeObject => {
      if (raw.metadata.name === "bad") throw new Error("no such field");
      return raw;
    };
    const rig = aRig({ project, log });
    for (const name of ["a", "bad", "c"]) await rig.create(name);
    await rig.start();
    expect(rig.names()).toBe("a c");
    expect(errors).toMatchObject([{ object: "default/bad" }]);
  });

  test("of a kind that the server does not know is that it is not installed, whatever the server says", async () => {
    const warnings: string[] = [];
    const rig = aRig({ log: { ...silentLog, warn: (_, message) => warnings.push(message) } });
    rig.memory.fail(() => new ApiError({ code: 404, reason: "", message: "404 page not found" }));
    await rig.start();
    expect(warnings).toEqual(["the server knows no configmaps: is its CRD installed?"]);
  });

  test("is what the selectors choose", async () => {
    const rig = aRig({ labelSelector: "on=yes", namespace: "default" });
    await rig.create("a");
    await rig.create("b");
    await rig.edit("a", { on: "yes" });
    await rig.start();
    expect(rig.names()).toBe("a");
    await rig.edit("a", { on: "no" });
    await rig.edit("b", { on: "yes" });
    await rig.clock.advance(0);
    expect(rig.names()).toBe("b");
  });
});

describe("when a watch fails", () => {
  test("one that the server closes goes on at once, without a new list", async () => {
    const rig = aRig();
    await rig.start();
    await rig.clock.advance(290_000);
    await rig.create("a");
    await rig.clock.advance(0);
    expect([rig.names(), rig.reflector.relists, rig.reflector.state.name]).toEqual(["a", 0, "Following"]);
  });

  test("one that breaks goes on from the same version, so that nothing is missed", async () => {
    const rig = aRig();
    await rig.start();
    rig.memory.breakWatches("reset");
    await rig.clock.advance(0);
    await rig.create("a");
    await rig.remove("a");
    await rig.create("b");
    expect(rig.reflector.state).toMatchObject({ name: "Waiting", next: { name: "Following" } });
    await rig.clock.advance(800);
    expect([rig.changes, rig.reflector.relists]).toEqual([["add a", "delete a", "add b"], 0]);
  });

  test("a busy server is asked again later, from the same version", async () => {
    const rig = aRig();
    await rig.start();
    const recover = rig.memory.fail(({ verb }) => (verb === "watch" ? serverError(429) : undefined));
    rig.memory.breakWatches("end");
    await rig.create("a");
    await rig.clock.advance(2_000);
    recover();
    await rig.clock.advance(10_000);
    expect([rig.names(), rig.reflector.relists]).toEqual(["a", 0]);
  });

  test("a version that the server has forgotten means everything again: what went meanwhile goes", async () => {
    const rig = aRig();
    for (const name of ["a", "b"]) await rig.create(name);
    await rig.start();
    const reopen = rig.memory.fail(({ verb }) => (verb === "watch" ? "reset" : undefined));
    rig.memory.breakWatches("reset");
    await rig.clock.advance(0);
    await rig.remove("a");
    await rig.create("c");
    rig.memory.compact();
    reopen();
    await rig.clock.advance(3_000);
    expect([rig.names(), rig.reflector.relists]).toEqual(["b c", 1]);
    expect(rig.changes.slice(2).sort()).toEqual(["add c", "delete a"]);
  });

  test("an ERROR event with 410 in an open watch means everything again, at once the first time", async () => {
    const rig = aRig();
    await rig.start();
    rig.memory.breakWatches(new ApiError({ code: 410, reason: "Expired", message: "too old" }));
    await rig.clock.advance(0);
    expect([rig.reflector.state.name, rig.reflector.relists]).toEqual(["Following", 1]);
    rig.memory.breakWatches(new ApiError({ code: 410, reason: "Expired", message: "too old" }));
    await rig.clock.advance(0);
    expect(rig.reflector.state).toMatchObject({ name: "Waiting", next: { name: "Streaming" } });
  });

  test("a version that the server has not reached means everything again", async () => {
    const rig = aRig();
    await rig.start();
    const causes = [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }];
    rig.memory.breakWatches(new ApiError({ code: 504, reason: "Timeout", message: "too large", details: { causes } }));
    await rig.clock.advance(0);
    expect(rig.reflector.relists).toBe(1);
  });

  test("bookmarks keep a quiet kind's version from growing too old", async () => {
    const rig = aRig();
    await rig.start();
    const pods: Resource = { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true };
    for (const name of ["p1", "p2"]) {
      await rig.memory.create(pods, { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "default" } });
    }
    await rig.clock.advance(60_000);
    rig.memory.compact();
    rig.memory.breakWatches("end");
    await rig.clock.advance(0);
    expect([rig.reflector.state.name, rig.reflector.relists]).toEqual(["Following", 0]);
  });

  test("silence for 90 s ends a watch, and the next one brings what was missed", async () => {
    const rig = aRig();
    await rig.start();
    rig.memory.holdWatches();
    await rig.create("a");
    await rig.clock.advance(89_999);
    expect(rig.reflector.state.name).toBe("Following");
    await rig.clock.advance(1);
    const { state } = rig.reflector;
    expect(state).toMatchObject({ name: "Waiting", next: { name: "Following" } });
    rig.memory.holdWatches()();
    await rig.clock.advance(800);
    expect([rig.names(), rig.changes.length]).toEqual(["a", 1]);
  });

  test("each failure in a row doubles the wait up to 30 s, and the fifth asks for everything", async () => {
    const rig = aRig();
    await rig.start();
    const times: number[] = [];
    rig.memory.fail(({ verb }) => {
      if (verb !== "watch") return undefined;
      times.push(rig.clock.monotonic());
      return serverError(500);
    });
    const initial: boolean[] = [];
    rig.memory.breakWatches("reset");
    for (let step = 0; step < 95; step += 1) {
      await rig.clock.advance(1_000);
      const { state } = rig.reflector;
      if (state.name === "Waiting") initial.push(state.next.name === "Streaming");
    }
    const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect([times[0], ...waits]).toEqual([800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000]);
    expect(initial).toContain(true);
  });

  test("after two minutes of health the waits begin small again", async () => {
    const rig = aRig();
    await rig.start();
    for (let count = 0; count < 3; count += 1) {
      rig.memory.breakWatches("reset");
      await rig.clock.advance(30_000);
    }
    await rig.clock.advance(120_000);
    rig.memory.breakWatches("reset");
    await rig.clock.advance(0);
    expect(rig.reflector.state).toMatchObject({ name: "Waiting", delayMs: 800 });
  });

  test("a watch that ends as soon as it has begun counts as a failure", async () => {
    const rig = aRig();
    await rig.start();
    rig.memory.breakWatches("end");
    await rig.clock.advance(0);
    rig.memory.breakWatches("end");
    await rig.clock.advance(0);
    expect(rig.reflector.state.name).toBe("Waiting");
  });

  test("so does one that only repeats what is known: a server that does nothing else is not asked without a pause", async () => {
    const rig = aRig();
    const watches = says(rig.memory, [
      { type: "ADDED", object: aConfigMap("a", "1") },
      { type: "BOOKMARK", object: aConfigMap("", "3", { "k8s.io/initial-events-end": "true" }) },
    ]);
    await rig.start();
    expect([watches(), rig.reflector.state.name]).toEqual([2, "Waiting"]);
  });

  test("stopping ends it in any state, and leaves no timer", async () => {
    for (const fault of [undefined, serverError(500)]) {
      const rig = aRig();
      rig.memory.fail(() => fault);
      await rig.start();
      await rig.stop();
      await rig.clock.advance(0);
      expect([rig.reflector.state.name, rig.clock.pending]).toEqual(["Stopped", 0]);
    }
  });
});

describe("over a network that fails", () => {
  interface NetworkRig extends Rig {
    readonly proxy: FaultProxy;
    readonly isEqual: () => Promise<boolean>;
  }

  async function aNetworkRig(): Promise<NetworkRig> {
    const clock = manualClock();
    const memory = memoryKubeApi({ clock });
    const server = await serveKubeApi(memory);
    const proxy = await faultProxy(server.port);
    const api: HttpKubeApi = httpKubeApi({ server: `http://127.0.0.1:${proxy.port}` }, { clock, random: () => 0 });
    const rig = aRig({ api, clock });
    closing.push(
      () => server.close(),
      () => proxy.close(),
      () => api.close(),
    );
    const of = (name: string) => ({ namespace: "default", name });
    const network: NetworkRig = {
      ...rig,
      clock,
      memory,
      proxy,
      create: (name) =>
        memory.create(configMaps, { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" } }),
      edit: (name, labels = { edited: "yes" }) =>
        memory.patch(configMaps, of(name), { type: "merge", body: { metadata: { labels } } }),
      remove: (name) => memory.delete(configMaps, of(name)),
      async isEqual() {
        const version = (object: KubeObject): string => `${object.metadata.name}@${object.metadata.resourceVersion}`;
        const there = (await memory.list(configMaps)).items.map(version).sort();
        return JSON.stringify(there) === JSON.stringify(rig.store.list().map(version).sort());
      },
    };
    for (let count = 0; count < 20; count += 1) await network.create(`c${count}`);
    await rig.start();
    await eventually(() => rig.reflector.hasSynced);
    return network;
  }

  /** Lets waits pass until the store has caught up. */
  async function catchesUp(rig: NetworkRig): Promise<void> {
    await eventually(async () => {
      await rig.clock.advance(100);
      return rig.isEqual();
    });
  }

  test("a reset in the middle is followed by what was missed, without a new list", async () => {
    const rig = await aNetworkRig();
    rig.proxy.reset();
    await eventually(() => rig.reflector.state.name === "Waiting");
    await rig.remove("c0");
    await rig.create("new");
    await catchesUp(rig);
    expect(rig.reflector.relists).toBe(0);
  });

  test("a half-open connection is noticed after 90 s of silence", async () => {
    const rig = await aNetworkRig();
    rig.proxy.set({ kind: "silence" });
    await rig.remove("c0");
    await rig.clock.advance(89_000);
    expect(rig.reflector.state.name).toBe("Following");
    await rig.clock.advance(1_000);
    await eventually(() => rig.reflector.state.name === "Waiting");
    rig.proxy.set({ kind: "none" });
    await catchesUp(rig);
  });

  test("an event that is cut in the middle is not taken for a whole one, and comes again", async () => {
    const rig = await aNetworkRig();
    rig.proxy.set({ kind: "truncate", afterBytes: 50 });
    await rig.edit("c1");
    await eventually(() => rig.reflector.state.name === "Waiting");
    rig.proxy.set({ kind: "none" });
    await catchesUp(rig);
    expect(rig.store.get({ namespace: "default", name: "c1" })?.metadata.labels).toEqual({ edited: "yes" });
  });

  test("a server that cannot be reached for a while is caught up with", async () => {
    const rig = await aNetworkRig();
    rig.proxy.set({ kind: "refuse" });
    rig.proxy.reset();
    await eventually(() => rig.reflector.state.name === "Waiting");
    await rig.remove("c0");
    await rig.create("new");
    await eventually(async () => {
      await rig.clock.advance(1_000);
      return rig.reflector.state.name === "Waiting" && rig.clock.monotonic() > 20_000;
    });
    rig.proxy.set({ kind: "none" });
    await catchesUp(rig);
  });

  test("late answers come in order", async () => {
    const rig = await aNetworkRig();
    rig.proxy.set({ kind: "delay", ms: 3 });
    for (let count = 0; count < 10; count += 1) await rig.edit("c1", { count: `${count}` });
    await eventually(() => rig.isEqual());
    expect(rig.store.get({ namespace: "default", name: "c1" })?.metadata.labels).toEqual({ count: "9" });
    expect(rig.reflector.relists).toBe(0);
  });
});
