import { describe, expect, test } from "vitest";
import { problemText } from "../../src/api/problem.ts";
import { openStartsOf, parseResourcePool, type ResourcePool } from "../../src/api/resource-pool.ts";

const told = (spec: unknown): string[] => {
  const parsed = parseResourcePool({ spec });
  return parsed.ok ? [] : parsed.problems.map(problemText);
};

describe("a stored pool", () => {
  test("that is silent has in force what a root has", () => {
    expect(parseResourcePool({ spec: {} })).toEqual({
      ok: true,
      spec: {},
      effective: {
        order: ["Priority", "FirstCome"],
        placement: "BinPack",
        sharing: "Shared",
        defaultRequests: { cpu: "1" },
      },
    });
  });

  test("has in force what it says", () => {
    const spec = { queue: { order: ["FirstCome"] }, placement: "Spread", defaultRequests: { memory: "1Gi" } };
    expect(parseResourcePool({ spec })).toMatchObject({
      ok: true,
      effective: { order: ["FirstCome"], placement: "Spread", defaultRequests: { memory: "1Gi" } },
    });
  });

  test("may say that a shard without requests counts nothing", () => {
    expect(parseResourcePool({ spec: { defaultRequests: {} } })).toMatchObject({ effective: { defaultRequests: {} } });
  });

  test.each<[unknown, string]>([
    [{ nodeSelector: {}, nodeNames: ["a"] }, "spec.nodeNames: nodeSelector and nodeNames are both given"],
    [{ queue: { order: ["Priority", "Priority"] } }, "spec.queue: queue.order names a comparison twice"],
    [{ queue: { order: [] } }, "spec.queue.order: "],
    [{ queue: { order: ["Random"] } }, "spec.queue.order[0]: "],
    [{ placement: "Anywhere" }, "spec.placement: "],
    [{ defaultRequests: { cpu: "-1" } }, "spec.defaultRequests.cpu: "],
    [undefined, "spec: is missing; give an object"],
  ])("%j is told as a problem", (spec, expected) => {
    expect(told(spec)[0]).toContain(expected);
  });
});

describe("open starts", () => {
  const start = { namespace: "a", task: "t", taskUid: "u", shard: 0, attempt: 1, node: "n1", request: { cpu: "1" } };
  const pool = (openStarts: unknown): ResourcePool =>
    ({ status: { queue: { openStarts } } }) as unknown as ResourcePool;

  test("are read back; what cannot be read is left out", () => {
    expect(openStartsOf(pool([start, { shard: -1 }, null]))).toEqual([start]);
  });

  test("are none in a new pool, nor in a broken one", () => {
    expect(openStartsOf({} as ResourcePool)).toEqual([]);
    expect(openStartsOf(pool("x"))).toEqual([]);
  });
});
