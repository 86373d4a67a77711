// A pool's numbers: exact between change points, and the sources' definitions agree with each other.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  boundedSlowdownMilli,
  countAt,
  fairness,
  observeAt,
  type Party,
  type PoolLevels,
  type StatisticsState,
  satisfaction,
  startStatistics,
  statisticsOf,
  statisticsWindowMs,
} from "../../src/scheduling/statistics.ts";

const minutes = (count: number): number => count * 60_000;
const cpu = (allocated: number, available = 8000): PoolLevels => ({
  resources: { cpu: { available, allocated } },
  shares: [],
});

describe("utilisation", () => {
  test("is what was held × time ÷ what was there × time", () => {
    let state = observeAt(startStatistics(0), 0, cpu(8000));
    state = observeAt(state, minutes(10), cpu(2000));
    expect(statisticsOf(state, minutes(30)).utilizationPercent).toBe(50);
  });

  test("forgets what lies outside the window", () => {
    let state = observeAt(startStatistics(0), 0, cpu(8000));
    state = observeAt(state, minutes(60), cpu(0));
    expect(statisticsOf(state, minutes(60)).utilizationPercent).toBe(100);
    expect(statisticsOf(state, minutes(90)).utilizationPercent).toBe(50);
    expect(statisticsOf(state, minutes(120)).utilizationPercent).toBe(0);
  });

  test("is that of the resource that is used most, and of each by its name", () => {
    const resources = { cpu: { available: 4, allocated: 1 }, memory: { available: 4, allocated: 3 } };
    const state = observeAt(startStatistics(0), 0, { resources, shares: [] });
    const { utilizationPercent, utilizationPercentOf } = statisticsOf(state, 1000);
    expect(utilizationPercent).toBe(75);
    expect(utilizationPercentOf).toEqual({ cpu: 25, memory: 75 });
  });

  test("never passes 100, also when nodes vanish under their shards", () => {
    expect(statisticsOf(observeAt(startStatistics(0), 0, cpu(8000, 4000)), 1000).utilizationPercent).toBe(100);
  });

  test("U from what is held equals RUL from what is idle, whatever the change points", () => {
    const step = fc.record({
      forMs: fc.integer({ min: 1, max: minutes(20) }),
      available: fc.integer({ min: 1, max: 2 ** 40 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
        let state = startStatistics(0);
        let now = 0;
        const stretches: { readonly from: number; readonly to: number; readonly all: number; readonly idle: number }[] =
          [];
        for (const { forMs, available, share } of steps) {
          const allocated = Math.floor(available * share);
          state = observeAt(state, now, cpu(allocated, available));
          stretches.push({ from: now, to: now + forMs, all: available, idle: available - allocated });
          now += forMs;
        }
        const { windowMs, utilizationPercent } = statisticsOf(state, now);
        const integral = (of: "all" | "idle"): number =>
          stretches.reduce(
            (sum, each) => sum + each[of] * Math.max(0, each.to - Math.max(each.from, now - windowMs)),
            0,
          );
        const rul = (integral("all") - integral("idle")) / integral("all");
        expect(Math.abs(utilizationPercent - 100 * rul)).toBeLessThanOrEqual(0.5 + 1e-9);
        expect(windowMs).toBeLessThanOrEqual(statisticsWindowMs);
        expect(windowMs).toBeGreaterThanOrEqual(Math.min(now, statisticsWindowMs - minutes(5)));
      }),
    );
  });
});

describe("throughput", () => {
  test("is items finished ÷ time", () => {
    const state = countAt(startStatistics(0), minutes(1), [{ kind: "itemsFinished", count: 90 }]);
    expect(statisticsOf(state, minutes(1)).itemsPerSecondMilli).toBe(1500);
  });

  test("equals the mean number of items in service ÷ the mean time of an item (Little's law)", () => {
    const item = fc.record({ start: fc.integer({ min: 0, max: 1_000_000 }), ms: fc.integer({ min: 1, max: 600_000 }) });
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 50 }), (items) => {
        const ends = items.map(({ start, ms }) => start + ms).sort((a, b) => a - b);
        const end = ends.at(-1) ?? 0;
        const state = ends.reduce<StatisticsState>(
          (folded, at) => countAt(folded, at, [{ kind: "itemsFinished", count: 1 }]),
          startStatistics(0),
        );
        const changes = [...new Set([0, ...items.map(({ start }) => start), ...ends])].sort((a, b) => a - b);
        const inService = (at: number): number =>
          items.filter(({ start, ms }) => start <= at && at < start + ms).length;
        const itemTime = changes.reduce((sum, at, i) => sum + inService(at) * ((changes[i + 1] ?? end) - at), 0);
        const meanInService = itemTime / end;
        const meanItemSeconds = items.reduce((sum, { ms }) => sum + ms, 0) / items.length / 1000;
        const { itemsPerSecondMilli } = statisticsOf(state, end);
        expect(Math.abs(itemsPerSecondMilli - (1000 * meanInService) / meanItemSeconds)).toBeLessThanOrEqual(
          0.5 + 1e-6,
        );
      }),
    );
  });
});

test("the busiest five minutes are those of which most was held in the mean, the first and the last as long as they are", () => {
  let state = observeAt(startStatistics(minutes(4)), minutes(4), cpu(8000, 2000));
  expect(statisticsOf(state, minutes(5)).busiest).toEqual({ cpu: 2000 });
  state = observeAt(state, minutes(11), cpu(8000, 8000));
  state = observeAt(state, minutes(12), cpu(8000, 1000));
  expect(statisticsOf(state, minutes(20)).busiest).toEqual({ cpu: 2600 });
  expect(statisticsOf(state, minutes(90)).busiest).toEqual({ cpu: 1000 });
});

describe("means", () => {
  test("are of what happened in the window, and absent before anything did", () => {
    let state = startStatistics(0);
    expect(statisticsOf(state, 1000)).toEqual({
      asOf: 1000,
      windowMs: 1000,
      utilizationPercent: 0,
      utilizationPercentOf: {},
      busiest: {},
      itemsPerSecondMilli: 0,
    });
    state = countAt(state, 1000, [
      { kind: "taskStarted", firstStartMs: 10 },
      { kind: "taskStarted", firstStartMs: 30 },
      { kind: "shardStarted", waitMs: 7 },
    ]);
    state = countAt(state, minutes(30), [{ kind: "taskEnded", responseMs: 500, slowdownMilli: 1200 }]);
    expect(statisticsOf(state, minutes(31))).toMatchObject({
      meanFirstStartMs: 20,
      meanWaitMs: 7,
      meanResponseMs: 500,
      boundedSlowdownMilli: 1200,
    });
    const later = statisticsOf(state, minutes(70));
    expect(later.meanFirstStartMs).toBeUndefined();
    expect(later.meanResponseMs).toBe(500);
  });

  test("a task that ends at once is not slowed down, and a long one is measured against what it needs alone", () => {
    expect(boundedSlowdownMilli(200, 100, 4)).toBe(1000);
    expect(boundedSlowdownMilli(20_000, 100, 4)).toBe(2000);
    expect(boundedSlowdownMilli(90_000, 120_000, 4)).toBe(3000);
  });
});

describe("fairness", () => {
  test("is 1 when all have the same of what they are entitled to, 1/n when one has all", () => {
    expect(fairness([2, 2, 2])).toBe(1);
    expect(fairness([1, 0, 0, 0])).toBe(0.25);
    expect(fairness([0, 0])).toBe(1);
  });

  test("is the mean over the time in which at least two wanted something", () => {
    let state = observeAt(startStatistics(0), 0, { resources: {}, shares: [1, 0] });
    state = observeAt(state, 1000, { resources: {}, shares: [5] });
    state = observeAt(state, 2000, { resources: {}, shares: [1, 1] });
    expect(statisticsOf(state, 3000).fairnessPercent).toBe(75);
  });
});

describe("the state", () => {
  test("stays small however long it is kept, and survives being written down", () => {
    let state = startStatistics(0);
    for (let now = 0; now < minutes(600); now += 30_000) {
      state = countAt(observeAt(state, now, cpu(now % 8000)), now, [{ kind: "itemsFinished", count: 1 }]);
    }
    expect(state.buckets.length).toBeLessThanOrEqual(13);
    expect(statisticsOf(JSON.parse(JSON.stringify(state)), minutes(601))).toEqual(statisticsOf(state, minutes(601)));
  });

  test("after a long silence the last levels count for all of it", () => {
    const state = observeAt(startStatistics(0), 0, cpu(4000));
    expect(statisticsOf(state, minutes(6000))).toMatchObject({ utilizationPercent: 50, windowMs: statisticsWindowMs });
  });

  test("a clock that goes back changes nothing", () => {
    const state = observeAt(startStatistics(1000), 5000, cpu(8000));
    expect(statisticsOf(state, 2000)).toEqual(statisticsOf(state, 5000));
  });
});

describe("what each party holds against what it is entitled to", () => {
  const party = (traits: Partial<Party>): Party => ({ held: 0, wanted: 1, reserved: 0, weight: 1, ...traits });

  test("is 1 for all where the weights are kept", () => {
    expect(satisfaction([party({ held: 0.8, weight: 4 }), party({ held: 0.2 })])).toEqual([1, 1]);
  });

  test("counts the reservation first, and nobody is entitled to more than it wants", () => {
    const owner = party({ held: 0.5, wanted: 0.5, reserved: 0.75 });
    const [ofOwner, ofOther] = satisfaction([owner, party({ held: 0.25 })]);
    expect(ofOwner).toBe(1);
    expect(ofOther).toBe(0.5);
  });

  test("leaves out who wants nothing", () => {
    expect(satisfaction([party({ wanted: 0 }), party({ held: 1 })])).toEqual([1]);
    expect(satisfaction([])).toEqual([]);
  });

  test("entitles all together to the whole pool, where they want it, and to what they want, where that is less", () => {
    const share = fc.integer({ min: 1, max: 100 }).map((percent) => percent / 100);
    const anyParty = fc.record({
      held: share,
      wanted: share,
      reserved: fc.constant(0),
      weight: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(anyParty, { minLength: 1, maxLength: 6 }), (parties) => {
        const entitled = satisfaction(parties).map((ratio, i) => (parties[i]?.held ?? 0) / ratio);
        const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
        expect(total(entitled)).toBeCloseTo(Math.min(1, total(parties.map(({ wanted }) => wanted))), 6);
        entitled.forEach((amount, i) => {
          expect(amount).toBeLessThanOrEqual((parties[i]?.wanted ?? 0) + 1e-9);
        });
      }),
    );
  });
});

test("how late heads were against their first promise is the mean over those that started", () => {
  const told = [
    { kind: "headStarted", delayMs: 0 },
    { kind: "headStarted", delayMs: 3000 },
  ] as const;
  expect(statisticsOf(countAt(startStatistics(0), 0, told), 0).headDelayMs).toBe(1500);
  expect(statisticsOf(startStatistics(0), 0).headDelayMs).toBeUndefined();
});
