// What every placement policy keeps to. A new policy's test is one call of this, and what is special to the policy.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planPool } from "../../src/scheduling/index.ts";
import { type PlacementName, placements } from "../../src/scheduling/placement/index.ts";
import { aPool, expectPlan, noon, type PoolBuilder } from "./scheduling.ts";

const loads = fc.record({
  nodes: fc.array(fc.record({ cpu: fc.integer({ min: 0, max: 9 }), memory: fc.integer({ min: 0, max: 9 }) }), {
    maxLength: 5,
  }),
  tasks: fc.array(fc.record({ cpu: fc.integer({ min: 0, max: 4 }), memory: fc.integer({ min: 0, max: 4 }) }), {
    maxLength: 5,
  }),
});

export function placementContract(name: PlacementName): void {
  describe(`${name}, as every placement`, () => {
    const pool = (): PoolBuilder => aPool().placing(name);

    test("is registered under its own name", () => {
      expect(placements[name].name).toBe(name);
    });

    test("refuses no shard that fits somewhere, and places none where it does not fit", () => {
      fc.assert(
        fc.property(loads, ({ nodes, tasks }) => {
          let built = pool();
          nodes.forEach((size, index) => {
            built = built.withNode(`n${index}`, size);
          });
          // Priorities fall, so that a later task is tried only when all before it have had their places.
          tasks.forEach((task, index) => {
            built = built.withTasks({ [`t${index}`]: { ...task, shards: 1, priority: -index } });
          });
          const { decisions, waiting, usage } = planPool(built.snapshot, noon);
          for (const { allocated, capacity } of usage) expect(allocated).toBeLessThanOrEqual(capacity);
          const free = nodes.map((size) => ({ ...size }));
          for (const decision of decisions) {
            const size = free[Number(decision.node.slice(1))];
            const task = tasks[Number(decision.task.slice("lab/t".length))];
            if (size === undefined || task === undefined) throw new Error("a start names a node and a task that exist");
            size.cpu -= task.cpu;
            size.memory -= task.memory;
            expect(Math.min(size.cpu, size.memory)).toBeGreaterThanOrEqual(0);
          }
          const head = waiting.find(({ position }) => position === 1);
          const blocked = tasks[Number(head?.task.slice("lab/t".length))];
          if (blocked)
            expect(free.some(({ cpu, memory }) => cpu >= blocked.cpu && memory >= blocked.memory)).toBe(false);
        }),
      );
    });

    test("uses no node that is cordoned or not ready, however good", () => {
      expectPlan(
        pool()
          .withNode("n1", { cpu: 2 }, { cordoned: true })
          .withNode("n2", { cpu: 2 }, { ready: false })
          .withNode("n3", { cpu: 2 })
          .withTasks({ a: { shards: 4, cpu: 1 } }),
      ).places({ a: ["n3", "n3"] });
    });

    test("gives the same places whatever the order in which nodes and tasks came", () => {
      fc.assert(
        fc.property(loads, ({ nodes, tasks }) => {
          let built = pool();
          nodes.forEach((size, index) => {
            built = built.withNode(`n${index}`, size);
          });
          tasks.forEach((task, index) => {
            built = built.withTasks({ [`t${index}`]: { ...task, shards: 2, priority: -index } });
          });
          const { snapshot } = built;
          const turned = { ...snapshot, nodes: snapshot.nodes.toReversed(), tasks: snapshot.tasks.toReversed() };
          expect(planPool(turned, noon)).toEqual(planPool(snapshot, noon));
        }),
      );
    });

    test("starts shards that must start together on their nodes, or none of them", () => {
      const nodes = pool().withNodes(2, { cpu: 3 });
      expectPlan(nodes.withTasks({ gang: { shards: 4, minParallelism: 4, cpu: 1.5 } })).places({
        gang: expect.arrayContaining(["node-1", "node-1", "node-2", "node-2"]),
      });
      expectPlan(nodes.withTasks({ gang: { shards: 4, minParallelism: 4, cpu: 2 } })).places({});
    });

    test("equally good nodes go by name, in plain string order", () => {
      expectPlan(
        pool()
          .withNode("n2", { cpu: 1 })
          .withNode("n10", { cpu: 1 })
          .withNode("n1", { cpu: 1 })
          .withTasks({ a: { shards: 3, cpu: 1 } }),
      ).places({ a: ["n1", "n10", "n2"] });
    });
  });
}
