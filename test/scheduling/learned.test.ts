// What is learned of times: a decayed mean under each key, the most particular with a history first.
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  expectationFor,
  type History,
  itemMsOf,
  type Keys,
  type Kind,
  keysOf,
  type Learned,
  learn,
  learnedKeysMax,
  nothingLearned,
  stemOf,
  withSample,
} from "../../src/scheduling/learned.ts";
import { seconds } from "../support/scheduling.ts";

const kind: Kind = {
  pool: "lab",
  template: "sha256:1",
  namespace: "chem",
  name: "fold-17",
  request: { cpu: 1000, pods: 1 },
};

function keys(traits: Partial<Kind> = {}): Keys {
  return keysOf({ ...kind, ...traits });
}

function historyOf(...samples: readonly number[]): History {
  const history = samples.reduce<History | undefined>(withSample, undefined);
  if (history === undefined) throw new Error("no samples");
  return history;
}

function after(...ends: readonly (readonly [Partial<Kind>, number])[]): Learned {
  return learn(
    nothingLearned,
    ends.map(([traits, itemMs]) => ({ keys: keys(traits), itemMs })),
  );
}

test("a mean moves by three tenths of what the newest sample differs", () => {
  expect(historyOf(1000)).toMatchObject({ count: 1, mean: 1000 });
  expect(historyOf(1000, 2000)).toMatchObject({ count: 2, mean: 1300 });
  expect(historyOf(1000, 2000, 1300)).toMatchObject({ count: 3, mean: 1300 });
});

test("nine of ten samples are below p90, within what one number can remember", () => {
  let at = 7;
  const samples = Array.from({ length: 4000 }, () => {
    at = (at * 48_271) % 2_147_483_647;
    return at % 1000;
  });
  const marks: number[] = [];
  let history: History | undefined;
  for (const sample of samples) {
    history = withSample(history, sample);
    marks.push(history.p90);
  }
  const settled = marks.slice(200);
  const mean = settled.reduce((a, b) => a + b, 0) / settled.length;
  expect(mean).toBeGreaterThan(780);
  expect(mean).toBeLessThan(960);
  expect(historyOf(500, 500, 500, 500).p90).toBe(500);
});

test("who runs the same template is told by that, whatever its name and its namespace", () => {
  const learned = after([{}, seconds(10)], [{ template: "sha256:2", name: "other" }, seconds(99)]);
  const asked = keys({ name: "another-name", namespace: "physics" });
  expect(itemMsOf(learned, { keys: asked })).toBe(seconds(10));
});

test("without the template its name tells, then its request, its namespace, its pool", () => {
  const learned = after(
    [{ template: "a", name: "x", namespace: "physics", request: { cpu: 1 } }, seconds(1)],
    [{ template: "b", name: "y", request: { cpu: 2 } }, seconds(2)],
    [{ template: "c", name: "z" }, seconds(3)],
    [{ template: "d" }, seconds(4)],
  );
  const ask = (traits: Partial<Kind>): number | undefined =>
    itemMsOf(learned, { keys: keys({ template: "e", ...traits }) });
  expect(ask({ name: "fold-18" })).toBe(seconds(4));
  expect(ask({ name: "z-2", namespace: "physics", request: { cpu: 1 } })).toBe(seconds(1));
  expect(ask({ name: "new" })).toBe(seconds(3.3));
  expect(ask({ name: "new", request: { cpu: 7 } })).toBe(2810);
  expect(ask({ name: "new", namespace: "bio", request: { cpu: 7 } })).toBe(2467);
  expect(ask({ name: "new", namespace: "bio", request: { cpu: 7 }, pool: "other" })).toBeUndefined();
});

test("what the task itself finished goes before everything", () => {
  const learned = after([{}, seconds(10)]);
  const own = historyOf(seconds(3));
  expect(itemMsOf(learned, { keys: keys(), own, statedItemMs: seconds(7) })).toBe(seconds(3));
});

test("what the user states is heard where neither the task nor its template has a history", () => {
  const learned = after([{ template: "sha256:2" }, seconds(10)]);
  expect(itemMsOf(learned, { keys: keys(), statedItemMs: seconds(7) })).toBe(seconds(7));
  expect(itemMsOf(learned, { keys: keys({ template: "sha256:2" }), statedItemMs: seconds(7) })).toBe(seconds(10));
});

test("a shard that has run longer than the mean counts as if it ended now; one that has not says nothing", () => {
  const own = historyOf(seconds(10));
  const ask = (...runningItemMs: readonly number[]): number | undefined =>
    itemMsOf(nothingLearned, { keys: keys(), own, runningItemMs });
  expect(ask(seconds(1), seconds(9))).toBe(seconds(10));
  expect(ask(seconds(20))).toBe(seconds(13));
  expect(ask(seconds(23), seconds(20))).toBe(seconds(16));
});

test("when the first of a thousand equal shards ends, the others do not make it look a thousand times as long", () => {
  const runningItemMs = Array.from({ length: 999 }, () => 10_001);
  const likely = itemMsOf(nothingLearned, { keys: keys(), own: historyOf(seconds(10)), runningItemMs });
  expect(likely).toBeLessThanOrEqual(10_001);
});

test("a shard lasts as long as its items, and never past its timeout", () => {
  const own = historyOf(seconds(4));
  expect(expectationFor(nothingLearned, { keys: keys(), own }, 10)).toEqual({ likelyMs: seconds(40) });
  expect(expectationFor(nothingLearned, { keys: keys(), own }, 10, seconds(30))).toEqual({
    likelyMs: seconds(30),
    limitMs: seconds(30),
  });
});

test("where nothing at all is known it is a minute, doubled for as long as something runs", () => {
  const ask = (items: number, ...runningItemMs: readonly number[]): number =>
    expectationFor(nothingLearned, { keys: keys(), runningItemMs }, items).likelyMs;
  expect(ask(1)).toBe(seconds(60));
  expect(ask(10)).toBe(seconds(60));
  expect(ask(1, seconds(61))).toBe(seconds(120));
  expect(ask(10, seconds(20))).toBe(seconds(240));
});

test.each([
  ["fold-17", "fold"],
  ["fold17", "fold"],
  ["nightly-2026-11-27", "nightly"],
  ["map-x7f9k", "map"],
  ["map-bcdfg", "map"],
  ["resnet-v2-003", "resnet-v"],
  ["a-table", "a-table"],
  ["2026", "2026"],
])("of the name %s the stem is %s", (name, stem) => {
  expect(stemOf(name)).toBe(stem);
});

test("no more keys are remembered than a status can hold, and those learned from longest ago go first", () => {
  const ends = Array.from({ length: 300 }, (_, n) => ({
    keys: keys({ template: `t${n}`, name: `n${n}x` }),
    itemMs: n,
  }));
  const learned = learn(nothingLearned, ends);
  expect(learned.size).toBe(learnedKeysMax);
  const [oldest, newest] = [ends[0], ends[299]].map((end) => end && learned.get(end.keys[0])?.mean);
  expect([oldest, newest]).toEqual([undefined, 299]);
  // Of the namespace and the pool, which every end is learned under.
  expect(itemMsOf(learned, { keys: keys({ template: "new", name: "new", request: {} }) })).toBeGreaterThan(200);
});

test("what runs once pushes out nothing that was learned from again and again, however long ago", () => {
  const twice = [seconds(7), seconds(7)].map((itemMs) => ({
    keys: keys({ template: "nightly", name: "nightly" }),
    itemMs,
  }));
  const once = Array.from({ length: 2 * learnedKeysMax }, (_, n) => ({
    keys: keys({ template: `t${n}`, name: `n${n}x` }),
    itemMs: 1,
  }));
  expect(itemMsOf(learn(nothingLearned, [...twice, ...once]), { keys: keys({ template: "nightly" }) })).toBe(
    seconds(7),
  );
});

test("learning one after the other is learning together, and what is read back is what was there", () => {
  const end = fc.record({
    template: fc.constantFrom("a", "b", "c"),
    itemMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(end), (ends) => {
      const observations = ends.map(({ template, itemMs }) => ({ keys: keys({ template }), itemMs }));
      const together = learn(nothingLearned, observations);
      const oneByOne = observations.reduce((learned, each) => learn(learned, [each]), nothingLearned);
      expect([...oneByOne]).toEqual([...together]);
      for (const { mean, p90 } of together.values()) {
        expect(Number.isSafeInteger(mean) && Number.isSafeInteger(p90)).toBe(true);
      }
    }),
  );
});

test("keys of different tasks differ, though their parts could be joined to the same text", () => {
  const a = keys({ namespace: "ab", name: "c" });
  const b = keys({ namespace: "a", name: "bc" });
  expect(a[1]).not.toBe(b[1]);
  const many = Array.from({ length: 5000 }, (_, n) => keys({ template: `sha256:${n}` })[0]);
  expect(new Set(many).size).toBe(many.length);
});
