import { expect, test } from "vitest";
import type { ResourcePool } from "../../src/api/resource-pool.ts";
import { ownNodes } from "../../src/controller/node-ownership.ts";
import { aPool } from "./builders.ts";

const nodes = ["a", "b", "c"].map((name) => ({ name, labels: { zone: name === "c" ? "south" : "north" } }));

function owned(...pools: readonly ResourcePool[]): Record<string, readonly string[]> {
  const { nodes: found } = ownNodes(pools, nodes);
  return Object.fromEntries([...found].map(([pool, its]) => [pool, its.map(({ name }) => name)]));
}

test("the older pool keeps a node that both select, and the younger is told", () => {
  const [young, old] = [aPool("young", { nodeNames: ["b", "c"] }, 10), aPool("old", { nodeNames: ["a", "b"] })];
  expect(owned(young, old)).toEqual({ old: ["a", "b"], young: ["c"] });
  const { overlaps } = ownNodes([young, old], nodes);
  expect([...overlaps]).toEqual([["young", new Map([["old", ["b"]]])]]);
});

test("a pool that selects nothing gets what others leave, however old it is, and does not complain", () => {
  const pools = [aPool("rest"), aPool("south", { nodeSelector: { matchLabels: { zone: "south" } } }, 10)];
  expect(owned(...pools)).toEqual({ rest: ["a", "b"], south: ["c"] });
  expect(ownNodes(pools, nodes).overlaps.size).toBe(0);
});

test("pools of one second are told apart by their names, whatever order they came in", () => {
  const pools = [aPool("beta"), aPool("alpha")];
  expect(owned(...pools)).toEqual({ alpha: ["a", "b", "c"], beta: [] });
  expect(owned(...pools.toReversed())).toEqual(owned(...pools));
});
