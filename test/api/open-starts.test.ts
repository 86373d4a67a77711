import fc from "fast-check";
import { expect, test } from "vitest";
import { openStartBytesMax, openStartsOf, openStartText } from "../../src/api/open-starts.ts";

const start = { namespace: "a", task: "t", taskUid: "u", shard: 0, attempt: 1, node: "n1", request: { cpu: "1" } };
const pool = (openStarts: unknown) => ({ status: { queue: { openStarts } } });

test("open starts are texts in a status", () => {
  const request = { cpu: "500m", memory: 1073741824, "nvidia.com/gpu": 2 };
  expect(openStartText({ ...start, request })).toBe("a/t u 0/1 n1 cpu=500m memory=1073741824 nvidia.com/gpu=2");
});

test("whatever is written is read back, and written again as it was", () => {
  const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9.]{0,38}[a-z0-9])?$/);
  const amount = fc.oneof(
    fc.nat(),
    fc.nat().map((count) => `${count}m`),
  );
  const request = fc.dictionary(fc.stringMatching(/^([a-z.]{1,20}\/)?[a-zA-Z0-9._-]{1,20}$/), amount, { maxKeys: 4 });
  const any = fc.record({
    namespace: name,
    task: name,
    taskUid: fc.uuid(),
    shard: fc.nat(),
    attempt: fc.nat(),
    node: name,
    request,
  });
  fc.assert(
    fc.property(any, (open) => {
      const text = openStartText(open);
      const [read, ...more] = openStartsOf(pool([text]));
      expect(more).toEqual([]);
      const texts = Object.fromEntries(Object.entries(open.request).map(([resource, of]) => [resource, `${of}`]));
      expect(read).toEqual({ ...open, request: texts });
      expect(read && openStartText(read)).toBe(text);
    }),
  );
});

test("the longest has room", () => {
  const request = Object.fromEntries(Array.from({ length: 32 }, (_, n) => [`${n}`.padEnd(317, "r"), "9".repeat(32)]));
  const names = { namespace: "n".repeat(63), task: "t".repeat(40), taskUid: "u".repeat(36), node: "n".repeat(253) };
  const text = openStartText({ ...start, ...names, shard: 99_999, attempt: 101, request });
  expect(text.length).toBeLessThan(openStartBytesMax);
});

test("those that an operator before wrote as objects are read", () => {
  expect(openStartsOf(pool([start]))).toEqual([start]);
});

test.each([
  [null],
  [7],
  [""],
  ["a/t u 0/1"],
  ["a/t u -1/1 n1 cpu=1"],
  ["a/t u x/1 n1 cpu=1"],
  ["a u 0/1 n1"],
  ["a/t u 0/1 n1 cpu"],
  [{ shard: -1 }],
])("what cannot be read is left out: %j", (stored) => {
  expect(openStartsOf(pool([stored, openStartText(start)]))).toEqual([start]);
});

test("there are none in a new pool, nor in a broken one", () => {
  expect(openStartsOf({})).toEqual([]);
  expect(openStartsOf(pool("x"))).toEqual([]);
});
