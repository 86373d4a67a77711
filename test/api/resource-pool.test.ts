import { describe, expect, test } from "vitest";
import { effectivePool } from "../../src/api/effective-pool.ts";
import { problemText } from "../../src/api/problem.ts";
import { parseResourcePool, type ResourcePoolSpec, sharesOf } from "../../src/api/resource-pool.ts";

const told = (spec: unknown): string[] => {
  const parsed = parseResourcePool({ spec });
  return parsed.ok ? [] : parsed.problems.map(problemText);
};

function specOf(written: object): ResourcePoolSpec {
  const parsed = parseResourcePool({ spec: written });
  if (!parsed.ok) throw new Error(parsed.problems.map(problemText).join());
  return parsed.spec;
}

describe("a stored pool", () => {
  test("that is silent has in force what a root has", () => {
    expect(effectivePool("lab", specOf({}))).toEqual({
      order: ["Priority", "FirstCome"],
      backfill: { policy: "Easy", candidates: "ShortestFirst" },
      maxWaitSeconds: 86_400,
      preemption: { withinPool: "Never", reclaim: "Never" },
      placement: "BinPack",
      defaultRequests: { cpu: "1" },
      sharing: "Shared",
      stop: { policy: "None", pool: "lab" },
    });
  });

  test("has in force what it says", () => {
    const spec = { queue: { order: ["FirstCome"] }, placement: "Spread", defaultRequests: { memory: "1Gi" } };
    expect(effectivePool("lab", specOf(spec))).toMatchObject({
      order: ["FirstCome"],
      placement: "Spread",
      defaultRequests: { memory: "1Gi" },
    });
  });

  test("may say that a shard without requests counts nothing", () => {
    expect(effectivePool("lab", specOf({ defaultRequests: {} })).defaultRequests).toEqual({});
  });

  test("inherits what it does not say, field by field; of two stop policies the stricter holds", () => {
    const parent = effectivePool(
      "lab",
      specOf({
        queue: { order: ["FairShare"], backfill: { policy: "None", candidates: "QueueOrder" }, maxWaitSeconds: 60 },
        defaultRequests: { memory: "1Gi" },
        stopPolicy: "Stop",
      }),
    );
    const child = { parentRef: { name: "lab" }, placement: "Spread", queue: { backfill: { policy: "Easy" } } };
    expect(effectivePool("students", specOf(child), parent)).toEqual({
      order: ["FairShare"],
      backfill: { policy: "Easy", candidates: "QueueOrder" },
      maxWaitSeconds: 60,
      preemption: { withinPool: "Never", reclaim: "Never" },
      placement: "Spread",
      defaultRequests: { memory: "1Gi" },
      sharing: "Shared",
      stop: { policy: "Stop", pool: "lab" },
    });
    const drained = specOf({ ...child, stopPolicy: "StopAndDrain" });
    expect(effectivePool("students", drained, parent).stop).toEqual({ policy: "StopAndDrain", pool: "students" });
  });

  test("has shares as a word or a number", () => {
    const shares = [undefined, "Low", "Normal", "High", 7] as const;
    expect(shares.map(sharesOf)).toEqual([4000, 2000, 4000, 8000, 7]);
  });

  test.each<[unknown, string]>([
    [{ nodeSelector: {}, nodeNames: ["a"] }, "spec.nodeNames: nodeSelector and nodeNames are both given"],
    [{ queue: { order: ["Priority", "Priority"] } }, "spec.queue: queue.order names a comparison twice"],
    [{ queue: { order: [] } }, "spec.queue.order: "],
    [{ queue: { order: ["Random"] } }, "spec.queue.order[0]: "],
    [{ queue: { order: ["FairShare", "Priority"] } }, "move with what runs; give at most one of them, as the last"],
    [{ queue: { order: ["RoundRobin", "FairShare"] } }, "give at most one of them, as the last"],
    [{ queue: { backfill: { policy: "Always" } } }, "spec.queue.backfill.policy: "],
    [{ queue: { maxWaitSeconds: 0 } }, "spec.queue.maxWaitSeconds: "],
    [{ parentRef: { name: "lab" }, nodeNames: ["a"] }, "spec.nodeNames: nodeNames is of roots only"],
    [{ parentRef: { name: "lab" }, nodeSelector: {} }, "spec.nodeSelector: nodeSelector is of roots only"],
    [{ reservation: { cpu: 1 } }, "spec.reservation: reservation is of children only"],
    [{ shares: "Low" }, "spec.shares: shares is of children only"],
    [{ expandableReservation: false }, "expandableReservation is of children only"],
    [{ parentRef: { name: "lab" }, shares: "Much" }, "spec.shares: "],
    [{ parentRef: { name: "lab" }, shares: 0 }, "spec.shares: "],
    [{ limit: { cpu: -1 } }, "spec.limit.cpu: "],
    [{ stopPolicy: "Pause" }, "spec.stopPolicy: "],
    [{ placement: "Anywhere" }, "spec.placement: "],
    [{ defaultRequests: { cpu: "-1" } }, "spec.defaultRequests.cpu: "],
    [undefined, "spec: is missing; give an object"],
  ])("%j is told as a problem", (spec, expected) => {
    expect(told(spec)[0]).toContain(expected);
  });
});
