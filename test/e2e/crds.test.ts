import type { Manifest } from "@dsl/kube-operator";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Cluster } from "../support/control-plane.ts";
import { create, type Judge, judgeOf, must } from "../support/installed.ts";
import { sharedControlPlane } from "../support/shared-control-plane.ts";
import { aTemplate, aWrittenTask } from "../support/tasks.ts";

let cluster: Cluster;
let judge: Judge;
beforeAll(async () => {
  cluster = await sharedControlPlane();
  judge = await judgeOf(cluster);
});
afterAll(() => judge?.close());

const pool = (name: string, spec: unknown): Manifest => ({
  apiVersion: "kube-pool.dev/v1alpha1",
  kind: "ResourcePool",
  metadata: { name },
  spec,
});
const task = (spec: Record<string, unknown>): Manifest => aWrittenTask("a", spec);
const silent = { spec: { containers: [{ name: "main", image: "a:1" }] } };
const seeds = (count: number): object => ({
  name: "seed",
  values: Array.from({ length: count }, (_, index) => `${index}`),
});

describe("kubectl explain", () => {
  test.each([
    ["rpool.spec", "namespaceSelector", "{} is every one; absent is none"],
    ["rpool.spec", "shares", "Low is 2000, Normal 4000, High 8000; or a number"],
    ["rpool.spec.queue", "order", "Inherited; at a root: [Priority, FirstCome]"],
    ["rpool.status.resources", "reserved", "Of a root: what its children have reserved"],
    ["ptask.spec", "retries", "Further attempts for each failed item, at most 100"],
    ["ptask.spec.items", "matrix", "Every combination of the axes' values"],
    ["ptask.spec.template.spec.containers", "resources", "CPU, memory and other amounts"],
    ["ptask.status.queue", "reason", "one word of the list in docs/reasons.md"],
  ])("%s tells what %s is", async (path, field, words) => {
    const text = (await must(cluster, ["explain", path])).replaceAll(/\s+/g, " ");
    expect(text).toContain(` ${field} <`);
    expect(text).toContain(words);
  });
});

describe("the smallest manifests", () => {
  test("a task is stored with every default, and with nothing else", async () => {
    await must(cluster, ["create", "-f", "-"], JSON.stringify(aWrittenTask("squares")));
    const stored = JSON.parse(await must(cluster, ["get", "ptask", "squares", "-o", "json"]));
    expect(stored.spec).toEqual({
      poolRef: { name: "lab" },
      items: { range: { start: 0, end: 3, step: 1 } },
      chunk: { size: 1, mode: "Each" },
      priority: 0,
      suspend: false,
      cancel: false,
      retries: 0,
      retryFailed: 0,
      startTimeoutSeconds: 1800,
      results: { reduce: "None", maxBytes: "16Mi" },
      template: aTemplate(),
    });
  });

  test("a pool is stored as it is: what is in force stands in its status", async () => {
    await must(cluster, ["create", "-f", "-"], JSON.stringify(pool("lab", { namespaceSelector: {} })));
    const stored = JSON.parse(await must(cluster, ["get", "rpool", "lab", "-o", "json"]));
    expect(stored.spec).toEqual({ namespaceSelector: {}, stopPolicy: "None" });
  });

  test("both are found by their category and have the columns of the design", async () => {
    const table = await must(cluster, ["get", "pools"]);
    expect(table).toMatch(/NAME +READY +NODES +CPU +UTIL +QUEUED +RUNNING +AGE/);
    expect(table).toMatch(/NAME +POOL +SUCCEEDED +DONE +RUNNING +REASON +ETA +AGE/);
  });

  test("tasks can be selected by their pool", async () => {
    const select = (name: string): Promise<string> =>
      must(cluster, ["get", "ptask", "--field-selector", `spec.poolRef.name=${name}`, "-o", "name"]);
    expect(await select("lab")).toBe("pooledtask.kube-pool.dev/squares\n");
    expect(await select("attic")).toBe("");
  });
});

describe("the template", () => {
  test("keeps fields that the schema does not know, so that nothing is lost in silence", async () => {
    const template = {
      spec: { hostNetwork: true, containers: [{ name: "main", securityContext: { procMount: "x" } }] },
    };
    const { stdout } = await create(cluster, task({ template }), "-o", "json");
    expect(JSON.parse(stdout).spec.template).toEqual(template);
  });
});

describe("a task is refused", () => {
  test.each<[string, Record<string, unknown>, string]>([
    ["without items", { items: {} }, "items must have exactly one of range, list, matrix, configMapRefs"],
    ["with two kinds of items", { items: { range: { end: 1 }, list: ["a"] } }, "items must have exactly one of"],
    ["with a line break in an item", { items: { list: ["a", "b\nc"] } }, "spec.items.list[1]"],
    ["with too many items in a list", { items: { list: Array(10_001).fill("a") } }, "must have at most 10000 items"],
    [
      "with too long a list",
      { items: { list: Array(21).fill("a".repeat(10_000)) } },
      "more than 200000 bytes together",
    ],
    ["with too long an item", { items: { list: ["a".repeat(32_769)] } }, "Too long: may not be more than 32768"],
    ["with a range that never ends", { items: { range: { end: 1, step: 0 } } }, "step must not be 0"],
    ["with too long a range", { items: { range: { end: 1_000_001 } } }, "more than 1000000 items"],
    [
      "with too long a range downwards",
      { items: { range: { start: 2_000_001, end: 0, step: -2 } } },
      "more than 1000000 items",
    ],
    [
      "with too large a matrix",
      { items: { matrix: ["a", "b", "c"].map((name) => ({ ...seeds(101), name })) } },
      "more than 1000000 items",
    ],
    [
      "with axes of one variable",
      {
        items: {
          matrix: [
            { name: "a-b", values: ["1"] },
            { name: "A.b", values: ["1"] },
          ],
        },
      },
      "the same variable",
    ],
    ["with too many shards", { items: { range: { end: 100_001 } } }, "more than 100000 shards; raise it"],
    [
      "with too many shards of a matrix",
      { items: { matrix: [seeds(400), { ...seeds(400), name: "b" }] } },
      "more than 100000 shards; raise it",
    ],
    [
      "with several items and no command",
      { chunk: { size: 2 }, template: silent },
      "the container must state its command",
    ],
    ["with more at once than may run", { parallelism: 2, minParallelism: 3 }, "minParallelism is over parallelism"],
    ["with no shard at once", { minParallelism: 0 }, "should be greater than or equal to 1"],
    ["with too many shards at once", { minParallelism: 1001 }, "should be less than or equal to 1000"],
    ["with another word for all", { minParallelism: "Some" }, "spec.minParallelism"],
    [
      "with chunks cut as needed and no command",
      { chunk: { size: "Auto" }, template: silent },
      "the container must state its command",
    ],
    [
      "with another word for the size of chunks",
      { chunk: { size: "auto" } },
      "spec.chunk.size must be a whole number from 1 to 100000, or Auto; give one of these",
    ],
    [
      "with no item a chunk",
      { chunk: { size: 0 } },
      "spec.chunk.size must be a whole number from 1 to 100000, or Auto; give one of these",
    ],
    ["with chunks of half an item", { chunk: { size: 0.5 } }, "spec.chunk.size"],
    ["with no item a chunk of a matrix", { items: { matrix: [seeds(2)] }, chunk: { size: 0 } }, "spec.chunk.size must"],
    ["with no amount of results", { results: { maxBytes: "many" } }, "spec.results.maxBytes is not an amount"],
    ["without a container", { template: { spec: { containers: [] } } }, "spec.template.spec.containers"],
    ["without a Pod", { template: {} }, "spec.template.spec: Required"],
    ["with results over the limit", { results: { maxBytes: "1025Mi" } }, "results.maxBytes is over the limit of 1Gi"],
    ["with a word that is none", { results: { reduce: "Average" } }, 'supported values: "None", "Sum"'],
    [
      "with two containers",
      { template: { spec: { containers: [{ name: "a" }, { name: "b" }] } } },
      "must have at most 1 item",
    ],
    [
      "that tolerates everything",
      { template: { spec: { ...aTemplate().spec, tolerations: [{ operator: "Exists" }] } } },
      "tolerations[0].key: Required value",
    ],
    [
      "with another seccomp profile",
      { template: aTemplate({ securityContext: { seccompProfile: { type: "Unconfined" } } }) },
      "seccompProfile.type: Unsupported value",
    ],
  ])("%s", async (_, spec, expected) => {
    const said = await judge.object(task(spec));
    expect(said).toContain(expected);
    // A rule's own text is no words for a person.
    expect(said).not.toContain("self.");
  });

  test.each(["a".repeat(41), "a.b"])("named %s, which no child's name could carry", async (name) => {
    expect(await judge.object(aWrittenTask(name))).toContain(
      "metadata.name must be at most 40 lower-case letters, digits and hyphens",
    );
  });
});

describe("a task is taken", () => {
  test.each<[string, Record<string, unknown>]>([
    ["with a list at its limits", { items: { list: Array(20).fill("a".repeat(10_000)) } }],
    ["with a million items in few enough shards", { items: { range: { end: 1_000_000 } }, chunk: { size: 10 } }],
    ["with some shards at once", { parallelism: 3, minParallelism: 3 }],
    ["with all shards at once", { parallelism: 2, minParallelism: "All" }],
    ["with a million items in chunks cut as needed", { items: { range: { end: 1_000_000 } }, chunk: { size: "Auto" } }],
    ["with a guess of an item's time", { expectedItemSeconds: 12 }],
    ["with a range that goes down", { items: { range: { start: 10, end: 0, step: -1 } } }],
    ["with a range of nothing", { items: { range: { start: 5, end: 0 } } }],
    ["with a matrix", { items: { matrix: [seeds(1000), { name: "lr", values: ["0.1", "a,b=c"] }] } }],
    ["with lines of ConfigMaps", { items: { configMapRefs: [{ name: "inputs", key: "files.txt" }] } }],
    ["with special characters", { items: { list: ["", "$(POOL_ITEM)", `'"\\`, "ü→𝄞", "\t"] } }],
    ["with several items for one program", { chunk: { size: 2, mode: "Whole" }, template: silent }],
    ["with several items and a command", { chunk: { size: 2 } }],
    ["with results up to the limit, as a number", { results: { maxBytes: 1_073_741_824 } }],
  ])("%s", async (_, spec) => {
    expect(await judge.object(task(spec))).toBe("");
  });

  test("with a name of 40 characters", async () => {
    expect(await judge.object(aWrittenTask("a".repeat(40)))).toBe("");
  });
});

describe("a pool is refused", () => {
  const child = (spec: object): object => ({ parentRef: { name: "lab" }, ...spec });
  test.each<[string, object, string]>([
    ["with both kinds of nodes", { nodeSelector: {}, nodeNames: ["a"] }, "nodeSelector and nodeNames are both given"],
    ["with an order twice", { queue: { order: ["Priority", "Priority"] } }, "queue.order names a comparison twice"],
    ["with an order that there is not", { queue: { order: ["Random"] } }, 'supported values: "Priority"'],
    [
      "with a moving order in front",
      { queue: { order: ["FairShare", "Priority"] } },
      "at most one of them, as the last",
    ],
    ["with two moving orders", { queue: { order: ["RoundRobin", "FairShare"] } }, "at most one of them, as the last"],
    ["with another backfill", { queue: { backfill: { policy: "Always" } } }, 'supported values: "None"'],
    ["with no time until ageing", { queue: { maxWaitSeconds: 0 } }, "should be greater than or equal to 1"],
    ["with another placement", { placement: "Anywhere" }, "Unsupported value"],
    ["with another stop policy", { stopPolicy: "Pause" }, 'supported values: "None", "Stop", "StopAndDrain"'],
    ["as a root with a reservation", { reservation: { cpu: 1 } }, "reservation is of children only"],
    ["as a root with shares", { shares: "Low" }, "shares is of children only"],
    ["as a root that is expandable", { expandableReservation: true }, "expandableReservation is of children only"],
    ["as a child with a selector", child({ nodeSelector: {} }), "nodeSelector is of roots only"],
    ["as a child with nodes", child({ nodeNames: ["a"] }), "nodeNames is of roots only"],
    ["as a child that shares nodes", child({ sharing: "Shared" }), "sharing is of roots only"],
    ["with other words as shares", child({ shares: "Much" }), "spec.shares"],
    ["with no shares", child({ shares: 0 }), "should be greater than or equal to 1"],
    ["with a negative limit", { limit: { cpu: "-1" } }, "spec.limit.cpu"],
    ["below itself", { parentRef: { name: "a" } }, "a pool cannot be its own parent"],
  ])("%s", async (_, spec, expected) => {
    expect(await judge.object(pool("a", spec))).toContain(expected);
  });
});

describe("a pool is taken", () => {
  const still = ["Priority", "FirstCome", "ShortestJob", "SmallestRequest", "LargestRequest"];
  const child = { parentRef: { name: "lab" } };
  test.each<[string, object]>([
    ["with every order that stands still, and a moving one as the last", { queue: { order: [...still, "FairShare"] } }],
    ["with one moving order alone", { queue: { order: ["RoundRobin"] } }],
    ["as a child of a pool that is not there yet", { parentRef: { name: "later" } }],
    ["as a child with a reservation", { ...child, reservation: { cpu: "16", memory: "64Gi" } }],
    ["as a child with a limit, and not expandable", { ...child, limit: { cpu: 48 }, expandableReservation: false }],
    ["with shares as a word", { ...child, shares: "Low" }],
    ["with shares as a number", { ...child, shares: 1234 }],
    ["as a root with a limit", { limit: { cpu: "500m" } }],
    ["with backfill", { queue: { backfill: { policy: "BestEffort", candidates: "QueueOrder" }, maxWaitSeconds: 60 } }],
    ["with the placement DotProduct", { placement: "DotProduct" }],
  ])("%s", async (_, spec) => {
    expect(await judge.object(pool("a", spec))).toBe("");
  });
});

test("a pool keeps its parent: it is neither changed, nor added, nor removed", async () => {
  const items = [pool("root", {}), pool("child", { parentRef: { name: "root" } })];
  await must(cluster, ["create", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  const change = async (name: string, spec: object): Promise<string> => {
    const args = ["patch", "rpool", name, "--type=merge", "--dry-run=server", "-p", JSON.stringify({ spec })];
    return (await cluster.kubectl(args)).stderr;
  };
  const refused = "parentRef cannot be changed; create another pool";
  expect(await change("child", { parentRef: { name: "lab" } })).toContain(refused);
  expect(await change("child", { parentRef: null })).toContain(refused);
  expect(await change("root", { parentRef: { name: "lab" } })).toContain(refused);
  expect(await change("child", { shares: "High", stopPolicy: "Stop" })).toBe("");
});

describe("once a task is there", () => {
  const everything = {
    items: { list: ["a"] },
    chunk: { size: 1, mode: "Each" },
    itemTimeoutSeconds: 5,
    activeDeadlineSeconds: 50,
    retryFailed: 1,
  };
  beforeAll(() => must(cluster, ["create", "-f", "-"], JSON.stringify(aWrittenTask("fixed", everything))));

  test.each<[string, Record<string, unknown>]>([
    ["poolRef", { poolRef: { name: "other" } }],
    ["items", { items: { list: ["a", "b"] } }],
    ["items", { items: { list: null, range: { end: 1 } } }],
    ["chunk", { chunk: { size: 2 } }],
    ["chunk", { chunk: { size: "Auto" } }],
    ["expectedItemSeconds", { expectedItemSeconds: 5 }],
    ["itemTimeoutSeconds", { itemTimeoutSeconds: 6 }],
    ["itemTimeoutSeconds", { itemTimeoutSeconds: null }],
    ["startTimeoutSeconds", { startTimeoutSeconds: 6 }],
    ["results", { results: { reduce: "Sum" } }],
    ["activeDeadlineSeconds", { activeDeadlineSeconds: null }],
    ["minParallelism", { minParallelism: 2 }],
  ])("its %s stays: %j", async (field, spec) => {
    expect(await judge.taskSpec("fixed", spec)).toContain(`${field} cannot be changed; create another task`);
  });

  test("what it did not have cannot be added", async () => {
    expect(await judge.taskSpec("squares", { itemTimeoutSeconds: 6 })).toContain(
      "itemTimeoutSeconds cannot be changed",
    );
  });

  test.each<[Record<string, unknown>]>([
    [{ suspend: true }],
    [{ cancel: true }],
    [{ parallelism: 3 }],
    [{ priority: -5 }],
    [{ retries: 3 }],
    [{ retryFailed: 2 }],
    [{ ttlSecondsAfterFinished: 60 }],
  ])("it may change to %j", async (spec) => {
    expect(await judge.taskSpec("fixed", spec)).toBe("");
  });

  test("what it may change to is judged by what it has: a minimum over its parallelism", async () => {
    await must(cluster, ["create", "-f", "-"], JSON.stringify(aWrittenTask("gang", { minParallelism: 2 })));
    expect(await judge.taskSpec("gang", { parallelism: 1 })).toContain("minParallelism is over parallelism");
    expect(await judge.taskSpec("gang", { parallelism: 2 })).toBe("");
  });

  test("failed items cannot be run again fewer times", async () => {
    expect(await judge.taskSpec("fixed", { retryFailed: 0 })).toContain("it can only be raised");
  });

  test("cancelled stays cancelled", async () => {
    await must(cluster, ["create", "-f", "-"], JSON.stringify(aWrittenTask("over", { cancel: true })));
    expect(await judge.taskSpec("over", { cancel: false })).toContain("cancel is final");
    expect(await judge.taskSpec("over", { cancel: null })).toContain("cancel is final");
  });

  test("its status is written apart from its spec, and what it does not know is dropped", async () => {
    const status = { items: { total: 1, succeeded: 1, failed: 0, completed: "0", surprise: 1 } };
    const args = ["patch", "ptask", "fixed", "--subresource=status", "--type=merge", "-o", "json"];
    const written = JSON.parse(await must(cluster, [...args, "-p", JSON.stringify({ status, spec: { retries: 9 } })]));
    expect(written.status).toEqual({ items: { total: 1, succeeded: 1, failed: 0, completed: "0" } });
    expect(written.spec.retries).toBe(0);
  });
});

describe("a pool is refused", () => {
  test.each<[string, unknown, string]>([
    [
      "with nodes by labels and by name",
      { nodeSelector: {}, nodeNames: ["a"] },
      "nodeSelector and nodeNames are both given; remove one",
    ],
    ["with a comparison twice", { queue: { order: ["Priority", "Priority"] } }, "queue.order names a comparison twice"],
    ["with a placement that is none", { placement: "Anywhere" }, 'supported values: "FirstFit", "BinPack", "Spread"'],
    ["with an amount that is none", { defaultRequests: { cpu: "-1" } }, "spec.defaultRequests.cpu"],
    [
      "with a selector that compares with nothing",
      { nodeSelector: { matchExpressions: [{ key: "a", operator: "In" }] } },
      "In and NotIn need values",
    ],
  ])("%s", async (_, spec, expected) => {
    expect(await judge.object(pool("a", spec))).toContain(expected);
  });

  test("named so that no label could hold it", async () => {
    expect(await judge.object(pool("a.b", {}))).toContain("metadata.name must be at most 63 lower-case letters");
  });
});

describe("a pool is taken", () => {
  test.each<[string, unknown]>([
    ["with nodes by labels", { nodeSelector: { matchExpressions: [{ key: "zone", operator: "In", values: ["a"] }] } }],
    ["with nodes by name", { nodeNames: ["a", "b"] }],
    [
      "with everything that it may say",
      { queue: { order: ["FirstCome"] }, placement: "Spread", defaultRequests: { cpu: 1, memory: "1Gi" } },
    ],
    ["with nothing", {}],
  ])("%s", async (_, spec) => {
    expect(await judge.object(pool("a", spec))).toBe("");
  });
});
