// The ledger: what is reserved is gone, what is rolled back is as if it had never been.
import fc from "fast-check";
import { expect, test } from "vitest";
import { fits, Ledger } from "../../src/scheduling/ledger.ts";
import { amounts, aPool } from "../support/scheduling.ts";

const { snapshot } = aPool()
  .withNodes(2, { cpu: 4, memory: 4 })
  .withTasks({ a: { cpu: 1, memory: 2, running: ["node-2", "gone"] } });

test("a rollback gives back all that was reserved since the checkpoint, and nothing else", () => {
  const step = fc.record({ room: fc.integer({ min: 0, max: 1 }), cpu: fc.integer({ min: 0, max: 3 }) });
  fc.assert(
    fc.property(fc.array(step), fc.array(step), (kept, undone) => {
      const ledger = new Ledger(snapshot);
      const state = (): unknown => [ledger.rooms.map(({ free }) => [...free]), [...ledger.allocated]];
      const reserve = (steps: typeof kept): void => {
        for (const { room, cpu } of steps) {
          const at = ledger.rooms[room];
          if (at) ledger.reserve(at, ledger.requestOf(amounts({ cpu, pods: 1 })));
        }
      };
      reserve(kept);
      const before = state();
      const checkpoint = ledger.checkpoint();
      reserve(undone);
      ledger.rollback(checkpoint);
      expect(state()).toEqual(before);
    }),
  );
});

test("a shard on a vanished node is allocated, and takes room from no other", () => {
  const ledger = new Ledger(snapshot);
  const cpu = ledger.resources.indexOf("cpu");
  expect(ledger.allocated[cpu]).toBe(2000);
  expect(ledger.rooms.map(({ free }) => free[cpu])).toEqual([4000, 3000]);
});

test("what no node has fits nowhere", () => {
  const withGpu = aPool()
    .withNodes(1, { cpu: 1 })
    .withTasks({ a: { gpu: 1 } });
  const ledger = new Ledger(withGpu.snapshot);
  const free = ledger.rooms[0]?.free ?? new Float64Array();
  expect(fits(ledger.requestOf(amounts({ "nvidia.com/gpu": 1 })), free)).toBe(false);
  expect(fits(ledger.requestOf(amounts({ "nvidia.com/gpu": 0, cpu: 1 })), free)).toBe(true);
});

test("resources are added up in one order, whatever order they are written in", () => {
  const reversed = <Value>(record: Readonly<Record<string, Value>>): Record<string, Value> =>
    Object.fromEntries(Object.entries(record).reverse());
  const nodes = snapshot.nodes.map((node) => ({ ...node, allocatable: reversed(node.allocatable) }));
  const request = amounts({ pods: 1, memory: 2, cpu: 1 });
  const asked = [new Ledger(snapshot), new Ledger({ ...snapshot, nodes })].map((ledger) => [
    ledger.resources,
    ledger.requestOf(request),
    ledger.requestOf(reversed(request)),
  ]);
  expect(asked[0]).toEqual(asked[1]);
  expect(asked[0]?.[1]).toEqual(asked[0]?.[2]);
});
