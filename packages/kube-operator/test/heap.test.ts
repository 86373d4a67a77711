import fc from "fast-check";
import { expect, test } from "vitest";
import { Heap } from "../src/heap.ts";

interface Item {
  rank: number;
}

function drained(heap: Heap<Item>): number[] {
  const ranks: number[] = [];
  for (let item = heap.pop(); item !== undefined; item = heap.pop()) ranks.push(item.rank);
  return ranks;
}

test("whatever enters and leaves, the rest comes out in order", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ rank: fc.nat(50), leaves: fc.boolean() }), { minLength: 20, maxLength: 60 }),
      (plan) => {
        const heap = new Heap<Item>((a, b) => a.rank < b.rank);
        for (const item of plan) heap.push(item);
        for (const item of plan) if (item.leaves) heap.remove(item);
        const rest = plan.filter((item) => !item.leaves).map((item) => item.rank);
        expect([heap.size, heap.peek()?.rank]).toEqual([rest.length, rest.toSorted((a, b) => a - b)[0]]);
        expect(drained(heap)).toEqual(rest.toSorted((a, b) => a - b));
      },
    ),
  );
});

test("removing what is not inside changes nothing", () => {
  const heap = new Heap<Item>((a, b) => a.rank < b.rank);
  heap.push({ rank: 1 });
  heap.remove({ rank: 1 });
  expect(drained(heap)).toEqual([1]);
});
