import { describe, expect, test } from "vitest";
import { type Controller, type ControllerOptions, createController } from "../src/controller.ts";
import { silentLog } from "../src/log.ts";
import { keyText, type OwnerReference, type Resource } from "../src/object.ts";
import { TerminalError } from "../src/reconcile.ts";
import { createStore, type Store, type Stored } from "../src/store.ts";
import { type ManualClock, manualClock } from "../testing/index.ts";

interface Thing extends Stored {
  readonly metadata: Stored["metadata"] & { readonly ownerReferences?: readonly OwnerReference[] };
  readonly size?: number;
}

const parents: Resource = { group: "example.dev", version: "v1", kind: "Parent", plural: "parents", namespaced: true };
const things: Resource = { group: "", version: "v1", kind: "Thing", plural: "things", namespaced: true };

let version = 0;
function aThing(name: string, fields: { size?: number; owner?: Partial<OwnerReference> } = {}): Thing {
  const owner = {
    apiVersion: "example.dev/v1",
    kind: "Parent",
    name: "p",
    uid: "u",
    controller: true,
    ...fields.owner,
  };
  return {
    metadata: {
      namespace: "n",
      name,
      uid: `uid-${name}`,
      resourceVersion: `${++version}`,
      ...(fields.owner && { ownerReferences: [owner] }),
    },
    ...(fields.size !== undefined && { size: fields.size }),
  };
}

interface Bench {
  readonly clock: ManualClock;
  readonly controller: Controller;
  readonly store: Store<Thing>;
  /** The keys in the order in which their reconciles began. */
  readonly seen: string[];
  readonly stop: AbortController;
  readonly cut: AbortController;
  start(): Promise<void>;
}

function aController(options: Partial<ControllerOptions> = {}): Bench {
  const clock = manualClock();
  const seen: string[] = [];
  const [stop, cut] = [new AbortController(), new AbortController()];
  const { reconcile = async () => {}, ...rest } = options;
  const controller = createController(
    {
      name: "test",
      reconcile(key, context) {
        seen.push(keyText(key));
        return reconcile(key, context);
      },
      ...rest,
    },
    { clock, random: () => 1, log: silentLog },
  );
  const start = (): Promise<void> => controller.run(stop.signal, cut.signal);
  return { clock, controller, seen, stop, cut, start, store: createStore<Thing>({ resource: things, clock }) };
}

/** A promise that the test resolves. */
function aGate(): { opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

describe("what wakes a key", () => {
  test("a change of the object itself", async () => {
    const { clock, controller, seen, start, store } = aController();
    controller.for(store);
    void start();
    store.set(aThing("a"));
    await clock.advance(0);
    store.set(aThing("b"));
    store.remove(aThing("a"));
    await clock.advance(0);
    expect(seen).toEqual(["n/a", "n/b", "n/a"]);
  });

  test("changes that come together wake it once", async () => {
    const { clock, controller, seen, start, store } = aController();
    controller.for(store);
    void start();
    for (let i = 0; i < 10; i++) store.set(aThing("a"));
    await clock.advance(0);
    expect(seen).toEqual(["n/a"]);
  });

  test("a change of an object that it controls", async () => {
    const { clock, controller, seen, start, store } = aController();
    controller.owns(store, parents);
    void start();
    store.set(aThing("ours", { owner: {} }));
    store.set(aThing("of an older version", { owner: { apiVersion: "example.dev/v1alpha1", name: "q" } }));
    store.set(aThing("of another group", { owner: { apiVersion: "other.dev/v1", name: "x" } }));
    store.set(aThing("of another kind", { owner: { kind: "Uncle", name: "x" } }));
    store.set(aThing("not controlled", { owner: { controller: false, name: "x" } }));
    store.set(aThing("free"));
    await clock.advance(0);
    expect(seen).toEqual(["n/p", "n/q"]);
  });

  test("a child that changes hands wakes the former owner too", async () => {
    const { clock, controller, seen, start, store } = aController();
    store.set(aThing("child", { owner: { name: "old" } }));
    controller.owns(store, parents);
    void start();
    await clock.advance(0);
    seen.length = 0;
    store.set(aThing("child", { owner: { name: "new" } }));
    await clock.advance(0);
    expect(seen.toSorted()).toEqual(["n/new", "n/old"]);
  });

  test("whatever a map of its own says, after the delay that gathers changes", async () => {
    const { clock, controller, seen, start, store } = aController();
    controller.watches(store, () => [{ name: "root" }], { afterMs: 100 });
    void start();
    store.set(aThing("a"));
    await clock.advance(60);
    store.set(aThing("b"));
    await clock.advance(39);
    expect(seen).toEqual([]);
    await clock.advance(1);
    expect(seen).toEqual(["root"]);
    await clock.advance(1000);
    expect(seen).toEqual(["root"]);
  });

  test("only the changes that the condition lets through", async () => {
    const { clock, controller, seen, start, store } = aController();
    controller.for(store, { when: ({ object, old }) => object.size !== old?.size });
    void start();
    store.set(aThing("a", { size: 1 }));
    await clock.advance(0);
    store.set(aThing("a", { size: 1 }));
    await clock.advance(0);
    store.set(aThing("a", { size: 2 }));
    await clock.advance(0);
    expect(seen).toEqual(["n/a", "n/a"]);
  });

  test("what was there before the start, after what happens now", async () => {
    const { clock, controller, seen, start, store } = aController();
    store.set(aThing("listed"));
    controller.for(store);
    store.set(aThing("live"));
    await clock.advance(1000);
    expect(seen).toEqual([]);
    void start();
    await clock.advance(0);
    expect(seen).toEqual(["n/live", "n/listed"]);
  });
});

describe("running", () => {
  test("one key is never reconciled twice at once, and once more after a change in between", async () => {
    const gate = aGate();
    const { clock, controller, seen, start } = aController({ concurrency: 5, reconcile: () => gate.opened });
    void start();
    for (let i = 0; i < 3; i++) {
      controller.add({ name: "a" });
      await clock.advance(0);
    }
    expect(seen).toEqual(["a"]);
    gate.open();
    await clock.advance(0);
    expect(seen).toEqual(["a", "a"]);
  });

  test("as many keys at once as are allowed", async () => {
    const gate = aGate();
    const { clock, controller, seen, start } = aController({ concurrency: 2, reconcile: () => gate.opened });
    void start();
    for (const name of ["a", "b", "c"]) controller.add({ name });
    await clock.advance(0);
    expect(seen).toEqual(["a", "b"]);
    gate.open();
    await clock.advance(0);
    expect(seen).toEqual(["a", "b", "c"]);
  });

  test("reconciles that never wait leave the event loop its turns", async () => {
    const computeFor = (ms: number): void => {
      const end = performance.now() + ms;
      while (performance.now() < end);
    };
    const { controller, seen, start } = aController({ reconcile: async () => computeFor(2) });
    for (let i = 0; i < 50; i++) controller.add({ name: `${i}` });
    void start();
    let turns = 0;
    for (; seen.length < 50; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(turns).toBeGreaterThan(10);
  });
});

describe("results", () => {
  test("requeueAfterMs wakes the key again at that time", async () => {
    const { clock, controller, seen, start } = aController({ reconcile: async () => ({ requeueAfterMs: 1000 }) });
    void start();
    controller.add({ name: "a" });
    await clock.advance(999);
    expect(seen).toHaveLength(1);
    await clock.advance(1);
    expect(seen).toHaveLength(2);
  });

  test("a result without a time lets the key sleep", async () => {
    const { clock, controller, seen, start } = aController({ reconcile: async () => ({ requeueAfterMs: undefined }) });
    void start();
    controller.add({ name: "a" });
    await clock.advance(1_000_000);
    expect(seen).toHaveLength(1);
  });

  test("an error is retried with growing delay until a success", async () => {
    let failures = 3;
    const times: number[] = [];
    const bench = aController({
      reconcile: async () => {
        times.push(bench.clock.monotonic());
        if (failures-- > 0) throw new Error("not yet");
      },
    });
    void bench.start();
    bench.controller.add({ name: "a" });
    await bench.clock.advance(10_000);
    expect(times).toEqual([0, 5, 15, 35]);
  });

  test("after a success the delays start anew", async () => {
    const outcomes = ["fails", "fails", "succeeds", "fails", "succeeds"];
    const times: number[] = [];
    const bench = aController({
      reconcile: async () => {
        times.push(bench.clock.monotonic());
        if (outcomes.shift() === "fails") throw new Error("not yet");
      },
    });
    void bench.start();
    bench.controller.add({ name: "a" });
    await bench.clock.advance(100);
    bench.controller.add({ name: "a" });
    await bench.clock.advance(100);
    expect(times).toEqual([0, 5, 15, 100, 105]);
  });

  test("a reconciler that throws before its first await is retried as well", async () => {
    let calls = 0;
    const { clock, controller, start } = aController({
      reconcile: () => {
        if (calls++ === 0) throw new Error("at once");
        return Promise.resolve();
      },
    });
    void start();
    controller.add({ name: "a" });
    await clock.advance(100);
    expect(calls).toBe(2);
  });

  test("a terminal error is not retried, but the next change is served", async () => {
    const { clock, controller, seen, start } = aController({
      reconcile: async () => {
        throw new TerminalError("the spec makes no sense");
      },
    });
    void start();
    controller.add({ name: "a" });
    await clock.advance(1_000_000);
    expect(seen).toHaveLength(1);
    controller.add({ name: "a" });
    await clock.advance(0);
    expect(seen).toHaveLength(2);
  });

  test("at the time limit the signal aborts", async () => {
    const reasons: unknown[] = [];
    const { clock, controller, start } = aController({
      timeoutMs: 500,
      reconcile: (_, { signal }) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () => {
            reasons.push(signal.reason);
            resolve(undefined);
          });
        }),
    });
    void start();
    controller.add({ name: "a" });
    await clock.advance(499);
    expect(reasons).toEqual([]);
    await clock.advance(1);
    expect(reasons).toEqual([new Error("reconcile lasted longer than 500 ms")]);
  });
});

describe("stopping", () => {
  test("running reconciles may end, waiting keys are left", async () => {
    const gate = aGate();
    const { clock, controller, seen, start, stop } = aController({ reconcile: () => gate.opened });
    let ended = false;
    const run = start().then(() => {
      ended = true;
    });
    controller.add({ name: "a" });
    controller.add({ name: "b" });
    await clock.advance(0);
    stop.abort();
    await clock.advance(0);
    expect(ended).toBe(false);
    gate.open();
    await run;
    expect(seen).toEqual(["a"]);
  });

  test("a cut aborts the running ones", async () => {
    const { clock, controller, cut, start, stop } = aController({
      reconcile: (_, { signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    });
    const run = start();
    controller.add({ name: "a" });
    await clock.advance(0);
    stop.abort();
    cut.abort();
    await expect(run).resolves.toBeUndefined();
  });
});
