import { expect, test } from "vitest";
import { poolRow } from "../../src/view/pool-row.ts";
import { aPool, conditions } from "./objects.ts";

test("a pool that the operator has not looked at is neither ready nor not", () => {
  expect(poolRow(aPool())).toMatchObject({
    name: "lab",
    ready: undefined,
    nodes: undefined,
    cpu: undefined,
    resources: [],
  });
});

test("why a pool is not ready is told, and nothing is told of one that is", () => {
  const of = (ready: string) => poolRow(aPool({ conditions: conditions({ Ready: ready }) }));
  expect(of("False NodesOverlap node-1 is of the pool old")).toMatchObject({
    ready: false,
    reason: "NodesOverlap",
    message: "node-1 is of the pool old",
  });
  expect(of("True Ready 12 nodes")).toMatchObject({ ready: true, reason: undefined, message: undefined });
});

test("the utilisation of a pool is that of its CPUs; amounts are texts whatever they were written as", () => {
  const row = poolRow(
    aPool({
      resources: [
        { name: "cpu", capacity: 96, foreign: "0", allocated: "61", free: "35", utilizationPercent: 63 },
        { name: "memory", capacity: "1Ti", foreign: "0", allocated: "1Gi", free: "1023Gi", utilizationPercent: 0 },
      ],
    }),
  );
  expect(row.utilizationPercent).toBe(63);
  expect(row.resources.map(({ name, capacity }) => [name, capacity])).toEqual([
    ["cpu", "96"],
    ["memory", "1Ti"],
  ]);
});
