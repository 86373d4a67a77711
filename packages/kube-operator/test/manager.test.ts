import { Registry } from "prom-client";
import { afterEach, describe, expect, test } from "vitest";
import { ApiError } from "../src/kube-api.ts";
import { LeaseLostError } from "../src/leader.ts";
import { type LeaseObject, leases } from "../src/lease.ts";
import { createManager, type Manager, type ManagerOptions } from "../src/manager.ts";
import { requestMetrics } from "../src/metrics.ts";
import { keyText, type Resource } from "../src/object.ts";
import { type ManualClock, type MemoryKubeApi, manualClock, memoryKubeApi } from "../testing/index.ts";

const configMaps: Resource = { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true };
const lease = { namespace: "kube-system", name: "operator" };

interface World {
  readonly clock: ManualClock;
  readonly api: MemoryKubeApi;
  create(name: string): Promise<unknown>;
}

function aWorld(): World {
  const clock = manualClock();
  const api = memoryKubeApi({ clock });
  const create = (name: string): Promise<unknown> =>
    api.create(configMaps, { apiVersion: "v1", kind: "ConfigMap", metadata: { namespace: "default", name } });
  return { clock, api, create };
}

interface Operator {
  readonly manager: Manager;
  /** The keys that were reconciled. */
  readonly seen: string[];
  readonly stop: AbortController;
  readonly run: Promise<unknown>;
  /** Set when `run` has ended: its error, or "clean". */
  outcome(): unknown;
}

const operators: Operator[] = [];
/** Tests in which health is served run on real sockets; all of them end what they began. */
afterEach(() => {
  for (const { stop } of operators.splice(0)) stop.abort();
});

function anOperator(
  { api, clock }: World,
  options: Partial<ManagerOptions> = {},
  work = async (): Promise<void> => {},
): Operator {
  const manager = createManager({ api, clock, random: () => 0, ...options });
  const seen: string[] = [];
  const reconcile = async (key: { name: string }): Promise<void> => {
    seen.push(keyText(key));
    await work();
  };
  manager.controller({ name: "test", reconcile }).for(manager.store(configMaps));
  const stop = new AbortController();
  let outcome: unknown;
  const run = manager.run(stop.signal).then(
    () => {
      outcome = "clean";
    },
    (error: unknown) => {
      outcome = error;
    },
  );
  const operator = { manager, seen, stop, run, outcome: () => outcome };
  operators.push(operator);
  return operator;
}

const electionFor = (identity: string): NonNullable<ManagerOptions["leaderElection"]> => ({ ...lease, identity });

describe("alone", () => {
  test("it reconciles what is there and what comes", async () => {
    const world = aWorld();
    await world.create("before");
    const { seen } = anOperator(world);
    await world.clock.advance(100);
    await world.create("after");
    await world.clock.advance(100);
    expect(seen).toEqual(["default/before", "default/after"]);
  });

  test("it does not reconcile before all its caches are filled", async () => {
    const world = aWorld();
    await world.create("a");
    const isDown = world.api.fail(({ resource }) =>
      resource.kind === "Secret"
        ? new ApiError({ code: 503, reason: "ServiceUnavailable", message: "down" })
        : undefined,
    );
    const manager = createManager({ api: world.api, clock: world.clock, random: () => 0 });
    const seen: string[] = [];
    const reconcile = async (): Promise<void> => void seen.push("a");
    manager.controller({ name: "test", reconcile }).for(manager.store(configMaps));
    manager.store({ ...configMaps, kind: "Secret", plural: "secrets" });
    const stop = new AbortController();
    const run = manager.run(stop.signal);
    await world.clock.advance(5_000);
    expect(seen).toEqual([]);
    isDown();
    await world.clock.advance(60_000);
    expect(seen).toEqual(["a"]);
    stop.abort();
    await run;
  });

  test("a stop lets the running reconcile end, and cuts it after the time to drain", async () => {
    const world = aWorld();
    await world.create("a");
    const { stop, outcome } = anOperator(world, { drainMs: 1000 }, () => new Promise(() => {}));
    await world.clock.advance(100);
    stop.abort();
    await world.clock.advance(999);
    expect(outcome()).toBeUndefined();
    await world.clock.advance(1);
    expect(outcome()).toBe("clean");
  });

  test("nothing is left waiting after a stop", async () => {
    const world = aWorld();
    const { stop, run } = anOperator(world);
    await world.clock.advance(100);
    stop.abort();
    await world.clock.advance(0);
    await run;
    expect(world.clock.pending).toBe(0);
  });
});

describe("of two", () => {
  test("one leads, the other only fills its caches and its queue", async () => {
    const world = aWorld();
    await world.create("a");
    const first = anOperator(world, { leaderElection: electionFor("first") });
    await world.clock.advance(100);
    const second = anOperator(world, { leaderElection: electionFor("second") });
    await world.clock.advance(60_000);
    expect([first.seen, second.seen]).toEqual([["default/a"], []]);
  });

  test("the other takes over at once after a clean stop, and reconciles what is there", async () => {
    const world = aWorld();
    await world.create("a");
    const first = anOperator(world, { leaderElection: electionFor("first") });
    await world.clock.advance(100);
    const second = anOperator(world, { leaderElection: electionFor("second") });
    await world.clock.advance(5_000);
    first.stop.abort();
    await world.clock.advance(3_000);
    expect([first.outcome(), second.seen]).toEqual(["clean", ["default/a"]]);
  });

  test("a standby cannot write, the leader can", async () => {
    const world = aWorld();
    const first = anOperator(world, { leaderElection: electionFor("first") });
    await world.clock.advance(100);
    const second = anOperator(world, { leaderElection: electionFor("second") });
    await world.clock.advance(5_000);
    const write = ({ manager }: Operator): Promise<unknown> =>
      manager.api.create(configMaps, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { namespace: "default", name: "written" },
      });
    await expect(write(second)).rejects.toThrow(LeaseLostError);
    await expect(second.manager.api.list(configMaps)).resolves.toMatchObject({ items: [] });
    await expect(write(first)).resolves.toMatchObject({ metadata: { name: "written" } });
  });

  test("who cannot renew stops writing before another may take the lease, and ends with an error", async () => {
    const world = aWorld();
    const events: string[] = [];
    const first = anOperator(world, { leaderElection: electionFor("first") });
    await world.clock.advance(100);
    const second = anOperator(world, { leaderElection: electionFor("second") });
    first.manager.leading.addEventListener("abort", () => events.push("first ends"));
    void second.manager.elected.then(() => events.push("second leads"));
    await world.clock.advance(3_000);
    world.api.fail(({ resource, body }) => {
      const holder = (body as LeaseObject | undefined)?.spec?.holderIdentity;
      return resource.kind === "Lease" && holder === "first" ? "reset" : undefined;
    });
    await world.clock.advance(25_000);
    expect(events).toEqual(["first ends", "second leads"]);
    expect(first.outcome()).toBeInstanceOf(LeaseLostError);
    expect((await world.api.get(leases, lease)).spec).toMatchObject({ holderIdentity: "second", leaseTransitions: 1 });
  });

  test("a lost lease cuts the running reconcile", async () => {
    const world = aWorld();
    await world.create("a");
    let reason: unknown;
    const manager = createManager({ ...world, random: () => 0, leaderElection: electionFor("first") });
    manager
      .controller({
        name: "test",
        reconcile: (_, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener("abort", () => {
              reason = signal.reason;
              reject(signal.reason);
            });
          }),
      })
      .for(manager.store(configMaps));
    const run = manager.run(new AbortController().signal);
    const ended = expect(run).rejects.toThrow(LeaseLostError);
    await world.clock.advance(100);
    const stolen = await world.api.get(leases, lease);
    await world.api.replace(leases, { ...stolen, spec: { ...stolen.spec, holderIdentity: "thief" } });
    await world.clock.advance(3_000);
    await ended;
    expect(reason).toBeInstanceOf(LeaseLostError);
  });
});

describe("health and metrics", () => {
  const get = async (manager: Manager, path: string): Promise<[number, string]> => {
    const response = await fetch(`${manager.healthUrl}${path}`);
    return [response.status, await response.text()];
  };
  /** Real sockets need real turns of the event loop. */
  const served = async (world: World, manager: Manager): Promise<void> => {
    while (manager.healthUrl === undefined) await new Promise((resolve) => setImmediate(resolve));
    await world.clock.advance(100);
  };

  test("it is alive from the start, and ready when its caches are filled", async () => {
    const world = aWorld();
    const recovers = world.api.fail(({ resource }) => (resource.kind === "ConfigMap" ? "reset" : undefined));
    const { manager } = anOperator(world, { health: { port: 0 } });
    await served(world, manager);
    expect(await get(manager, "/livez")).toEqual([200, "ok"]);
    expect(await get(manager, "/readyz")).toEqual([
      503,
      "[-]cache-configmaps failed: its first list is not complete\n[+]stop ok\nreadyz check failed\n",
    ]);
    recovers();
    await world.clock.advance(60_000);
    expect(await get(manager, "/readyz")).toEqual([200, "ok"]);
    expect(await get(manager, "/readyz?verbose")).toEqual([
      200,
      "[+]cache-configmaps ok\n[+]stop ok\nreadyz check passed\n",
    ]);
  });

  test("it is no longer ready while it stops", async () => {
    const world = aWorld();
    await world.create("a");
    const { manager, stop } = anOperator(world, { health: { port: 0 } }, () => new Promise(() => {}));
    await served(world, manager);
    stop.abort();
    const [code, text] = await get(manager, "/readyz");
    expect([code, text]).toEqual([503, expect.stringContaining("[-]stop failed: the process is stopping")]);
    await world.clock.advance(30_000);
  });

  test("two caches of one kind have a check each", async () => {
    const world = aWorld();
    const manager = createManager({ ...world, health: { port: 0 } });
    manager.store(configMaps, { labelSelector: "a=1" });
    manager.store(configMaps, { labelSelector: "a=2" });
    const stop = new AbortController();
    const run = manager.run(stop.signal);
    await served(world, manager);
    const [, text] = await get(manager, "/readyz?verbose");
    expect(text).toContain("[+]cache-configmaps ok\n[+]cache-configmaps-2 ok\n");
    stop.abort();
    await run;
  });

  test("a check of one's own can fail, throw, and be left out", async () => {
    const world = aWorld();
    const { manager } = anOperator(world, { health: { port: 0 } });
    manager.check("livez", "disk", () => {
      throw new Error("no space left");
    });
    await served(world, manager);
    expect(await get(manager, "/livez")).toEqual([
      503,
      "[+]ping ok\n[-]disk failed: no space left\nlivez check failed\n",
    ]);
    expect(await get(manager, "/livez?exclude=disk")).toEqual([200, "ok"]);
  });

  test("all metrics stand there at 0 from the start, under controller-runtime's names", async () => {
    const world = aWorld();
    const registry = new Registry();
    const { manager } = anOperator(world, {
      registry,
      health: { port: 0 },
      leaderElection: electionFor("first"),
    });
    await served(world, manager);
    const [, text] = await get(manager, "/metrics");
    for (const line of [
      'controller_runtime_reconcile_total{controller="test",result="success"} 0',
      'controller_runtime_reconcile_total{controller="test",result="error"} 0',
      'controller_runtime_reconcile_errors_total{controller="test"} 0',
      'controller_runtime_terminal_reconcile_errors_total{controller="test"} 0',
      'controller_runtime_reconcile_panics_total{controller="test"} 0',
      'controller_runtime_reconcile_timeouts_total{controller="test"} 0',
      'controller_runtime_reconcile_time_seconds_count{controller="test"} 0',
      'controller_runtime_max_concurrent_reconciles{controller="test"} 1',
      'controller_runtime_active_workers{controller="test"} 0',
      'workqueue_depth{name="test",controller="test"} 0',
      'workqueue_adds_total{name="test",controller="test"} 0',
      'workqueue_retries_total{name="test",controller="test"} 0',
      'workqueue_queue_duration_seconds_count{name="test",controller="test"} 0',
      'workqueue_work_duration_seconds_count{name="test",controller="test"} 0',
      'workqueue_unfinished_work_seconds{name="test",controller="test"} 0',
      'workqueue_longest_running_processor_seconds{name="test",controller="test"} 0',
      'leader_election_master_status{name="operator"} 1',
      'kube_operator_cache_objects{resource="configmaps"} 0',
      'kube_operator_cache_relists{resource="configmaps"} 0',
    ]) {
      expect(text.split("\n")).toContain(line);
    }
    expect(text).toContain("nodejs_eventloop_lag_seconds");
  });

  test("what happens is counted", async () => {
    const world = aWorld();
    await world.create("a");
    const registry = new Registry();
    requestMetrics(registry)({ method: "GET", host: "example.dev", code: "200" });
    let calls = 0;
    anOperator(world, { registry }, async () => {
      if (calls++ === 0) throw new TypeError("a mistake");
    });
    await world.clock.advance(1000);
    const text = await registry.metrics();
    for (const line of [
      'controller_runtime_reconcile_total{controller="test",result="success"} 1',
      'controller_runtime_reconcile_total{controller="test",result="error"} 1',
      'controller_runtime_reconcile_panics_total{controller="test"} 1',
      'workqueue_adds_total{name="test",controller="test"} 2',
      'rest_client_requests_total{code="200",host="example.dev",method="GET"} 1',
      'workqueue_retries_total{name="test",controller="test"} 1',
      'kube_operator_cache_objects{resource="configmaps"} 1',
    ]) {
      expect(text.split("\n")).toContain(line);
    }
  });
});
