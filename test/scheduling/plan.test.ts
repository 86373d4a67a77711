// The plan of one root pool: what starts where, and why the rest waits.
import { describe, expect, test } from "vitest";
import { planPool } from "../../src/scheduling/index.ts";
import { amounts, aPool, expectPlan, noon, seconds } from "../support/scheduling.ts";

describe("what starts", () => {
  test("a task takes every place that fits, and the rest of it waits", () => {
    expectPlan(
      aPool()
        .withNodes(2, { cpu: 2 })
        .withTasks({ a: { shards: 5, cpu: 1 } }),
    )
      .places({ a: ["node-1", "node-1", "node-2", "node-2"] })
      .waits({ a: "PoolFull" })
      .queues("a");
  });

  test("the shards of a task start in the order of its ranges, retries whose delay is over first", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 5 })
        .withTasks({
          a: {
            cpu: 1,
            waiting: [
              { start: 7, end: 9 },
              { start: 0, end: 10 },
            ],
            backingOff: [
              { shard: 40, until: noon },
              { shard: 30, until: noon - 1 },
              { shard: 20, until: noon + 1 },
            ],
          },
        }),
    ).starts({ a: [30, 40, 7, 8, 0] });
  });

  test("a higher priority goes first, then the earlier created", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 2 })
        .withTasks({
          old: { shards: 1, cpu: 1 },
          young: { shards: 1, cpu: 1 },
          urgent: { shards: 1, cpu: 1, priority: 5 },
        }),
    )
      .starts({ urgent: [0], old: [0] })
      .waits({ young: "PoolFull" });
  });

  test("a task takes no more places than its parallelism leaves, those that are stopping counted", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 8 })
        .withTasks({
          a: { shards: 5, cpu: 1, parallelism: 3, running: ["node-1", { node: "node-1", state: "Stopping" }] },
        }),
    )
      .starts({ a: [0] })
      .waits({ a: "ParallelismReached" })
      .queues()
      .says("a", "3 of at most 3 shards hold a place; 4 more wait for one of them");
  });

  test("a node that is cordoned, not ready or full with foreign Pods takes nothing", () => {
    expectPlan(
      aPool()
        .withNode("cordoned", { cpu: 8 }, { cordoned: true })
        .withNode("down", { cpu: 8 }, { ready: false })
        .withNode("foreign", { cpu: 8 }, { foreign: { cpu: 7.5 } })
        .withNode("open", { cpu: 8 })
        .withTasks({ a: { shards: 1, cpu: 1 } }),
    ).places({ a: ["open"] });
  });

  test("a shard keeps its place until its Pod is seen to end, also while it stops", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 1 })
        .withTasks({ a: { running: [{ node: "node-1", state: "Stopping" }], cpu: 1 }, b: { shards: 1, cpu: 1 } }),
    )
      .places({})
      .waits({ b: "PoolFull" });
  });

  test("a running shard counts with the request of its Pod, not with that of its task", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 4 })
        .withTasks({ a: { cpu: 1, shards: 2, running: [{ node: "node-1", request: amounts({ cpu: 3, pods: 1 }) }] } }),
    ).starts({ a: [0] });
  });

  test("the number of Pods on a node is a resource like any other", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 8, pods: 2 })
        .withTasks({ a: { shards: 3, cpu: 1 } }),
    )
      .starts({ a: [0, 1] })
      .says("a", "each shard asks for 1 cpu; lab has 0 pods free");
  });

  test("what a shard does not ask for does not keep it away, even where it is overdrawn", () => {
    expectPlan(
      aPool()
        .withNode("shrunk", { cpu: 2, memory: 1 }, { foreign: { memory: 2 } })
        .withTasks({ a: { shards: 1, cpu: 1 } }),
    ).places({ a: ["shrunk"] });
  });

  test("a node that refused a shard is left out for this task, for a while", () => {
    const pool = aPool()
      .withNodes(2, { cpu: 1 })
      .withTasks({
        a: { shards: 1, cpu: 1, excludedNodes: [{ node: "node-1", until: noon + 1 }] },
        b: { shards: 1, cpu: 1 },
      });
    expectPlan(pool).places({ a: ["node-2"], b: ["node-1"] });
    expectPlan(pool.at(noon + 1)).places({ a: ["node-1"], b: ["node-2"] });
  });
});

describe("who waits for whom", () => {
  test("nobody passes a task that waits for room, so that large shards do not starve", () => {
    expectPlan(
      aPool()
        .withNodes(2, { cpu: 8 })
        .withTasks({
          busy: { cpu: 5, running: ["node-1", "node-2"] },
          large: { shards: 1, cpu: 4 },
          small: { shards: 9, cpu: 1 },
        }),
    )
      .places({})
      .waits({ large: "NoNodeFits", small: "BehindOthers" })
      .queues("large", "small")
      .says("small", "1 task is in front of it; large waits for room, and nobody passes");
  });

  test("a task of another namespace is not named", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 1 })
        .withTasks({
          a: { shards: 2, cpu: 1 },
          b: { shards: 1, cpu: 1 },
          c: { shards: 1, cpu: 1, namespace: "other" },
        }),
    )
      .queues("a", "b", "other/c")
      .says("other/c", "2 tasks are in front of it; a task of another namespace waits for room, and nobody passes");
  });

  test("tasks that are blocked, backing off, at their parallelism or too large for every node hold nobody up", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 2 })
        .withTasks({
          blocked: { shards: 1, cpu: 1, blocked: { reason: "QuotaRefused", message: "exceeded quota" } },
          retrying: { cpu: 1, backingOff: [{ shard: 3, until: noon + 500 }] },
          full: { shards: 1, cpu: 1, parallelism: 1, running: ["node-1"] },
          huge: { shards: 1, cpu: 3 },
          last: { shards: 1, cpu: 1 },
        }),
    )
      .places({ last: ["node-1"] })
      .waits({ blocked: "QuotaRefused", retrying: "BackingOff", full: "ParallelismReached", huge: "NeverFits" })
      .queues();
  });

  test("a task whose nodes are all away holds nobody up, since no end of a shard helps it", () => {
    expectPlan(
      aPool()
        .withNode("down", { cpu: 1 }, { ready: false, labels: { disk: "ssd" } })
        .withNode("up", { cpu: 1 })
        .withTasks({
          a: { shards: 1, cpu: 1, constraints: { nodeSelector: { disk: "ssd" } } },
          b: { shards: 1, cpu: 1 },
        }),
    )
      .places({ b: ["up"] })
      .waits({ a: "NoNodeFits" })
      .says("a", "the one node of lab that it may use is cordoned, not ready or tainted");
  });

  test("a task that foreign Pods keep out holds nobody up, since they are not expected to end", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 4 }, { foreign: { cpu: 2 } })
        .withTasks({ a: { shards: 1, cpu: 3 }, b: { shards: 1, cpu: 1 } }),
    )
      .places({ b: ["node-1"] })
      .says(
        "a",
        "each shard asks for 3 cpu; lab has at most 2 on one node, even once all shards of the pool have ended",
      );
  });
});

describe("why a task waits", () => {
  test("enough in sum but not on any one node is said with both amounts", () => {
    expectPlan(
      aPool()
        .withNodes(3, { "nvidia.com/gpu": 4 })
        .withTasks({ busy: { gpu: 1, running: ["node-1", "node-2", "node-3"] }, a: { shards: 1, gpu: 4 } }),
    )
      .waits({ a: "NoNodeFits" })
      .says("a", "each shard asks for 4 nvidia.com/gpu; lab has 9 free, at most 3 on one node");
  });

  test("with several resources the scarcest is named", () => {
    expectPlan(
      aPool()
        .withNodes(2, { cpu: 8, memory: 16 })
        .withTasks({
          busy: { cpu: 1, memory: 15.25, running: ["node-1", "node-2"] },
          a: { shards: 1, cpu: 1, memory: 2 },
        }),
    )
      .waits({ a: "PoolFull" })
      .says("a", "each shard asks for 1 cpu and 2Gi memory; lab has 1.5Gi memory free");
  });

  test("enough of each resource on some node, but not of all on one", () => {
    expectPlan(
      aPool()
        .withNodes(2, { cpu: 4, memory: 4 })
        .withTasks({
          cpus: { cpu: 4, running: ["node-1"] },
          memories: { memory: 4, running: ["node-2"] },
          a: { shards: 1, cpu: 1, memory: 1 },
        }),
    ).says("a", "each shard asks for 1 cpu and 1Gi memory; lab has that free, but not on one node");
  });

  test("a shard larger than every node never fits, and this is told even while others wait in front", () => {
    expectPlan(
      aPool()
        .withNodes(2, { cpu: 4 })
        .withTasks({ a: { shards: 9, cpu: 1 }, b: { shards: 1, cpu: 4.5 } }),
    )
      .waits({ a: "PoolFull", b: "NeverFits" })
      .says("b", "each shard asks for 4500m cpu; the largest of the 2 nodes of lab that admit it has 4");
  });

  test("a large node that is down or cordoned may come back, so a shard for it does not never fit", () => {
    const cordon = { key: "node.kubernetes.io/unschedulable", value: "", effect: "NoSchedule" } as const;
    expectPlan(
      aPool()
        .withNode("large", { cpu: 8 }, { cordoned: true, taints: [cordon] })
        .withNode("small", { cpu: 4 })
        .withTasks({ a: { shards: 1, cpu: 8 } }),
    )
      .waits({ a: "NoNodeFits" })
      .says(
        "a",
        "each shard asks for 8 cpu; lab has at most 4 on one node, even once all shards of the pool have ended",
      );
  });

  test("without a node that its selector admits, a shard never fits", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 4 })
        .withTasks({ a: { shards: 1, cpu: 1, constraints: { nodeSelector: { disk: "ssd" } } } }),
    )
      .waits({ a: "NeverFits" })
      .says("a", "no node of lab matches its node selector and affinity");
  });

  test("where only taints keep a shard from all nodes, they are named", () => {
    const taints = [{ key: "maintenance", value: "yes", effect: "NoSchedule" }] as const;
    const passing = { key: "node.kubernetes.io/unreachable", value: "", effect: "NoExecute" } as const;
    expectPlan(
      aPool()
        .withNode("n1", { cpu: 4 }, { taints })
        .withNode("n2", { cpu: 4 }, { taints: [...taints, passing] })
        .withTasks({ a: { shards: 1, cpu: 1 } }),
    )
      .waits({ a: "NeverFits" })
      .says(
        "a",
        "each of the 2 nodes of lab that its node selector and affinity allow has a taint that its template does not tolerate: maintenance=yes:NoSchedule",
      );
  });

  test("a pool without a usable node is not ready", () => {
    expectPlan(aPool().withTasks({ a: { shards: 1, cpu: 1 } }))
      .waits({ a: "PoolNotReady" })
      .says("a", "lab has no nodes yet");
    expectPlan(
      aPool()
        .withNode("n1", { cpu: 1 }, { cordoned: true })
        .withNode("n2", { cpu: 1 }, { ready: false })
        .withTasks({ a: { shards: 1, cpu: 1 }, b: { shards: 1, cpu: 1 } }),
    )
      .waits({ a: "PoolNotReady", b: "PoolNotReady" })
      .queues("a", "b")
      .says("a", "none of the 2 nodes of lab can take a shard: 1 cordoned, 1 not ready");
  });

  test("a pool that does not exist is said to be missing, and what runs is still stopped", () => {
    expectPlan(
      aPool()
        .withoutPool()
        .withTasks({ a: { shards: 1, cpu: 1 }, b: { stop: "Cancelled", running: ["gone"] } }),
    )
      .waits({ a: "PoolNotFound" })
      .stops({ "b/0": "Cancelled" })
      .says("a", "there is no pool lab");
  });

  test("a task whose shards all back off says when the next one may start", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 1 })
        .withTasks({
          a: {
            backingOff: [
              { shard: 1, until: noon + seconds(9) },
              { shard: 0, until: noon + seconds(5) },
            ],
          },
        }),
    )
      .waits({ a: "BackingOff" })
      .says("a", "2 shards wait after attempts that did not succeed, the next until 2026-01-01T12:00:05Z")
      .wakesAt(noon + seconds(5));
  });

  test("a blocked task keeps the words of the one who blocked it until the block ends by time", () => {
    const pool = aPool()
      .withNodes(1, { cpu: 1 })
      .withTasks({
        a: { shards: 1, cpu: 1, blocked: { reason: "QuotaRefused", message: "exceeded quota", until: noon + 9 } },
      });
    expectPlan(pool)
      .waits({ a: "QuotaRefused" })
      .says("a", "exceeded quota")
      .wakesAt(noon + 9);
    expectPlan(pool.at(noon + 9))
      .places({ a: ["node-1"] })
      .waits({});
  });

  test("a task that runs all it has, or has nothing left, needs no reason", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 2 })
        .withTasks({ a: { shards: 1, cpu: 1 }, b: { cpu: 1, running: ["node-1"] }, c: {} }),
    ).waits({});
  });
});

describe("what stops", () => {
  test("a task that is to stop loses all that runs, but for what stops already, and starts nothing", () => {
    expectPlan(
      aPool()
        .withNodes(1, { cpu: 9 })
        .withTasks({
          a: {
            cpu: 1,
            shards: 2,
            stop: "Suspended",
            running: ["node-1", { node: "node-1", state: "Stopping" }, "gone"],
          },
        }),
    )
      .stops({ "a/2": "Suspended", "a/4": "Suspended" })
      .places({})
      .waits({ a: "Suspended" });
  });

  test("a shard past its deadline is stopped as timed out, to the millisecond", () => {
    const pool = aPool()
      .withNodes(1, { cpu: 9 })
      .withTasks({
        a: {
          cpu: 1,
          running: [
            { node: "node-1", deadline: noon },
            { node: "node-1", deadline: noon + 1 },
          ],
        },
      });
    expectPlan(pool)
      .stops({ "a/0": "TimedOut" })
      .wakesAt(noon + 1);
    expectPlan(pool.at(noon + 1))
      .stops({ "a/0": "TimedOut", "a/1": "TimedOut" })
      .wakesAt(undefined);
  });

  test("a shard that the Kubernetes scheduler refuses for 30 s is taken back", () => {
    const pool = aPool()
      .withNodes(1, { cpu: 9 })
      .withTasks({ a: { cpu: 1, running: [{ node: "node-1", state: "Starting", refusedSince: noon }] } });
    expectPlan(pool.at(noon + seconds(30) - 1))
      .stops({})
      .wakesAt(noon + seconds(30));
    expectPlan(pool.at(noon + seconds(30))).stops({ "a/0": "NodeRefused" });
  });
});

test("a plan wakes at the earliest moment at which time alone changes it", () => {
  const pool = aPool()
    .withNodes(1, { cpu: 9 })
    .withTasks({
      a: { cpu: 1, running: [{ node: "node-1", deadline: noon + 50 }], backingOff: [{ shard: 9, until: noon + 40 }] },
      b: { shards: 1, cpu: 99, excludedNodes: [{ node: "node-1", until: noon + 30 }] },
      c: { shards: 1, blocked: { reason: "QuotaRefused", message: "", until: noon + 20 } },
    });
  expectPlan(pool).wakesAt(noon + 20);
  expectPlan(pool.at(noon + 20)).wakesAt(noon + 30);
  expectPlan(pool.at(noon + 30)).wakesAt(noon + 40);
  expectPlan(pool.at(noon + 40)).wakesAt(noon + 50);
  expectPlan(pool.at(noon + 50)).wakesAt(undefined);
});

test("the usage of a pool counts what starts now, what runs on vanished nodes, and as free only what may take a shard", () => {
  const { snapshot } = aPool()
    .withNode("a", { cpu: 8 }, { foreign: { cpu: 1, pods: 2 } })
    .withNode("b", { cpu: 4 }, { cordoned: true })
    .withTasks({ x: { cpu: 1, shards: 2, running: ["gone"] } });
  expect(planPool(snapshot, noon).usage).toEqual([
    { name: "cpu", capacity: 12_000, reserved: 0, foreign: 1000, allocated: 3000, free: 5000 },
    { name: "pods", capacity: 220, reserved: 0, foreign: 2, allocated: 3, free: 106 },
  ]);
});

test("waiting shards cost nothing, only those that start do", () => {
  const { snapshot } = aPool()
    .withNodes(1, { cpu: 1 })
    .withTasks({ a: { cpu: 1, waiting: [{ start: 0, end: 2 ** 50 }] } });
  expect(planPool(snapshot, noon).decisions).toHaveLength(1);
});

test("an amount that is not a safe integer stops the plan aloud", () => {
  const { snapshot } = aPool().withNodes(1, { cpu: 2 ** 60 });
  expect(() => planPool(snapshot, noon)).toThrow("amount of cpu is not a safe integer");
});
