import fc from "fast-check";
import { expect, test } from "vitest";
import { readMemory, storedMemory } from "../../src/api/queue-memory.ts";
import type { QueueMemory } from "../../src/scheduling/index.ts";

const noon = Date.UTC(2026, 0, 1, 12);
const nothing: QueueMemory = { turn: 0, turns: {}, used: {}, holding: {}, usedAt: noon };

test("a queue that remembers nothing stores nothing", () => {
  expect(storedMemory(nothing)).toEqual({});
  expect(readMemory({ term: "operator-1", openStarts: [] })).toBeUndefined();
  expect(readMemory(undefined)).toBeUndefined();
});

test("turns, the head and use are read back as they were, to a millionth of the pool", () => {
  const memory: QueueMemory = {
    turn: 7,
    turns: { "uid-a": 7, "uid-b": 6 },
    used: { lab: 1234, attic: 5 },
    holding: { lab: 0.25, new: 1 / 3 },
    usedAt: noon,
    head: { task: "uid-c", at: noon + 60_000 },
  };
  expect(readMemory(storedMemory(memory))).toEqual({
    ...memory,
    used: { lab: 1234, attic: 5, new: 0 },
    holding: { lab: 0.25, attic: 0, new: 0.333333 },
  });
});

test("it is bounded: the latest turns and the heaviest namespaces stay", () => {
  const turns = Object.fromEntries(Array.from({ length: 1500 }, (_, n) => [`task-${n}`, n + 1]));
  const used = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`namespace-${n}`, n + 1]));
  const stored = storedMemory({ ...nothing, turn: 1500, turns, used });
  expect(stored.turns).toHaveLength(1000);
  expect(stored.turns?.at(-1)).toEqual({ task: "task-500", turn: 501 });
  expect(stored.namespaces).toHaveLength(256);
  expect(stored.namespaces?.at(-1)?.name).toBe("namespace-44");
});

test("whatever stands in a status is read or forgotten, never thrown at", () => {
  fc.assert(
    fc.property(fc.anything(), fc.anything(), (head, turns) => {
      readMemory({ head, turns, turn: 3 });
      readMemory(head);
    }),
  );
  expect(readMemory({ turn: -1 })).toBeUndefined();
  expect(readMemory({ head: { task: "x", at: "yesterday" } })).toBeUndefined();
});

test("the kinds of shards that a placement has learned are read back as they were", () => {
  const kinds = { '[{"cpu":1000,"pods":1},{"nodeSelector":{},"tolerations":[]}]': 7 };
  expect(readMemory(storedMemory({ ...nothing, kinds }))?.kinds).toEqual(kinds);
  expect(readMemory(storedMemory({ ...nothing, kinds: {} }))?.kinds).toEqual({});
});

test("places that are kept are read back with the moment at which they were, where it is known", () => {
  const claims = [
    { task: "uid-a", nodes: ["node-1", "node-1"], since: noon },
    { task: "uid-b", nodes: ["node-2"] },
  ];
  expect(readMemory(storedMemory({ ...nothing, claims }))?.claims).toEqual(claims);
});
