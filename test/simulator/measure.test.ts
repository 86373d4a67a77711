import { describe, expect, test } from "vitest";
import type { Node, Pool, Task } from "../../src/scheduling/index.ts";
import { measure } from "../../src/simulator/measure.ts";
import { type Submission, simulate, type Workload } from "../../src/simulator/simulate.ts";
import { variantsOf } from "../../src/simulator/variants.ts";

const second = 1000;

function node(name: string, cpu: number): Node {
  const allocatable = { cpu: cpu * 1000 };
  return { name, labels: {}, taints: [], ready: true, cordoned: false, allocatable, foreign: {} };
}

const pool: Pool = { name: "lab", uid: "lab", created: 0, order: ["Priority", "FirstCome"], placement: "BinPack" };

function submission(key: string, created: number, shards: number, cpu: number, seconds: number): Submission {
  const [namespace = "", name = ""] = key.split("/");
  const task: Task = {
    key,
    namespace,
    name,
    uid: key,
    pool: "lab",
    created: created * second,
    priority: 0,
    request: { cpu: cpu * 1000 },
    constraints: { nodeSelector: {}, tolerations: [] },
    waiting: [{ start: 0, end: shards }],
    backingOff: [],
    active: [],
    excludedNodes: [],
  };
  return { task, durationMs: () => seconds * second };
}

function measured(nodes: readonly Node[], submissions: readonly Submission[]) {
  const workload: Workload = { pools: [pool], nodes, submissions };
  return measure(workload, simulate(workload));
}

describe("what a run was worth", () => {
  // One CPU; two jobs of 100 s and 10 s one after the other: the first starts at once, the second after 100 s.
  test("utilisation, first start, response, throughput and makespan are those that one counts by hand", () => {
    const measures = measured([node("n", 2)], [submission("a/x", 0, 1, 1, 100), submission("a/y", 0, 1, 2, 10)]);
    expect(measures).toEqual({
      // 100 s of one CPU and 10 s of two, of 110 s of two.
      utilizationPercent: Math.round((100 * 120) / 220),
      meanFirstStartMs: 50 * second,
      meanResponseMs: 105 * second,
      boundedSlowdownMilli: (1000 + 11_000) / 2,
      itemsPerSecondMilli: Math.round(2000 / 110),
      makespanMs: 110 * second,
      unfinished: 0,
    });
  });

  test("a chunk counts with its items, and slowdown by the places that the task could use", () => {
    const chunk = { ...submission("a/x", 0, 2, 1, 50), items: () => 10 };
    const measures = measured([node("n", 1)], [chunk]);
    expect(measures.itemsPerSecondMilli).toBe(200);
    expect(measures.boundedSlowdownMilli).toBe(2000);
  });

  test("fairness is told only of time in which two namespaces want something", () => {
    expect(measured([node("n", 1)], [submission("a/x", 0, 2, 1, 10)]).fairnessPercent).toBeUndefined();
    // All the time that both want something one has all of it.
    const unfair = measured([node("n", 1)], [submission("a/x", 0, 1, 1, 10), submission("b/y", 0, 1, 1, 10)]);
    expect(unfair.fairnessPercent).toBe(50);
    const fair = measured([node("n", 2)], [submission("a/x", 0, 1, 1, 10), submission("b/y", 0, 1, 1, 10)]);
    expect(fair.fairnessPercent).toBe(100);
  });

  test("what can never run is counted, and spoils no mean", () => {
    const measures = measured([node("n", 1)], [submission("a/x", 0, 1, 1, 10), submission("a/large", 0, 1, 4, 10)]);
    expect(measures).toMatchObject({ unfinished: 1, meanResponseMs: 10 * second });
  });

  test("a workload of nothing measures nothing", () => {
    expect(measured([node("n", 1)], [])).toMatchObject({ makespanMs: 0, meanResponseMs: 0, utilizationPercent: 0 });
  });
});

describe("every policy beside the one that is written", () => {
  const names = (pools: readonly Pool[], nodes: number): readonly string[] =>
    variantsOf(pools, nodes).map(({ name }) => name);

  test("the pool as it is comes first, and nothing that would change nothing", () => {
    const found = names([pool], 3);
    expect(found[0]).toBe("as-written");
    expect(found).toContain("order=ShortestJob");
    expect(found).toContain("backfill=Easy");
    expect(found).toContain("placement=Spread");
    expect(found).not.toContain("placement=BinPack");
    expect(found).not.toContain("order=FirstCome");
  });

  test("on one node there is no placement to choose", () => {
    expect(names([pool], 1).filter((name) => name.startsWith("placement="))).toEqual([]);
  });

  test("priority stays in front of another comparison", () => {
    const variant = variantsOf([pool], 1).find(({ name }) => name === "order=ShortestJob");
    expect(variant?.pools[0]?.order).toEqual(["Priority", "ShortestJob"]);
  });
});
