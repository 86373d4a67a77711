import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createWorkQueue, type WorkQueue } from "../src/workqueue.ts";
import { type ManualClock, manualClock } from "../testing/index.ts";

function aQueue(random = 0): { clock: ManualClock; queue: WorkQueue; woken: () => number } {
  const clock = manualClock();
  let count = 0;
  const queue = createWorkQueue({ clock, random: () => random, onReady: () => count++ });
  return { clock, queue, woken: () => count };
}

/** Takes and finishes all that is ready. */
function takeAll(queue: WorkQueue): string[] {
  const keys: string[] = [];
  for (let key = queue.take(); key !== undefined; key = queue.take()) {
    keys.push(key);
    queue.done(key);
  }
  return keys;
}

describe("one entry a key", () => {
  test("a key that is added often is given out once", () => {
    const { queue } = aQueue();
    for (const key of ["a", "b", "a", "a"]) queue.add(key);
    expect(takeAll(queue)).toEqual(["a", "b"]);
  });

  test("a key that is being worked on is not given out again, but once more after", () => {
    const { queue, woken } = aQueue();
    queue.add("a");
    expect(queue.take()).toBe("a");
    queue.add("a");
    queue.add("a");
    expect(queue.take()).toBeUndefined();
    const before = woken();
    queue.done("a");
    expect(woken()).toBe(before + 1);
    expect(takeAll(queue)).toEqual(["a"]);
  });

  test("a delayed key that falls due while it is being worked on waits for the end of the work", async () => {
    const { clock, queue } = aQueue();
    queue.add("a");
    queue.take();
    queue.add("a", { afterMs: 10 });
    await clock.advance(50);
    expect(queue.take()).toBeUndefined();
    queue.done("a");
    expect(takeAll(queue)).toEqual(["a"]);
  });
});

describe("time", () => {
  test("a delayed key is given out when its time has come, and not before", async () => {
    const { clock, queue, woken } = aQueue();
    queue.add("a", { afterMs: 100 });
    await clock.advance(99);
    expect([queue.take(), woken()]).toEqual([undefined, 0]);
    await clock.advance(1);
    expect([queue.take(), woken()]).toEqual(["a", 1]);
  });

  test.each([
    ["shorter", 500, 100],
    ["longer", 100, 500],
  ])("of two delays the earlier wins, also when the second is the %s one", async (_, first, second) => {
    const { clock, queue } = aQueue();
    queue.add("a", { afterMs: first });
    queue.add("a", { afterMs: second });
    await clock.advance(100);
    expect(takeAll(queue)).toEqual(["a"]);
    await clock.advance(1000);
    expect(takeAll(queue)).toEqual([]);
  });

  test("an event that comes during a delay makes it moot", async () => {
    const { clock, queue } = aQueue();
    queue.add("a", { afterMs: 1000 });
    queue.add("a");
    expect(takeAll(queue)).toEqual(["a"]);
    await clock.advance(2000);
    expect(takeAll(queue)).toEqual([]);
  });

  test("a thousand delayed keys take one timer", () => {
    const { clock, queue } = aQueue();
    for (let i = 0; i < 1000; i++) queue.add(`${i}`, { afterMs: 1000 - i });
    expect(clock.pending).toBe(1);
  });

  test("no timer is left after closing, and nothing is given out", () => {
    const { clock, queue } = aQueue();
    queue.add("a", { afterMs: 10 });
    queue.add("b");
    queue.close();
    queue.add("c");
    expect([queue.take(), clock.pending]).toEqual([undefined, 0]);
  });
});

describe("priority", () => {
  test("the higher goes first, equal ones in the order in which they came", () => {
    const { queue } = aQueue();
    queue.add("listed-1", { priority: -100 });
    queue.add("listed-2", { priority: -100 });
    queue.add("live-1");
    queue.add("live-2");
    expect(takeAll(queue)).toEqual(["live-1", "live-2", "listed-1", "listed-2"]);
  });

  test("adding again raises a priority, but never lowers it", () => {
    const { queue } = aQueue();
    queue.add("a", { priority: -100 });
    queue.add("b");
    queue.add("a", { priority: 5 });
    queue.add("b", { priority: -100 });
    queue.add("c", { priority: -50 });
    expect(takeAll(queue)).toEqual(["a", "b", "c"]);
  });

  test("of a delayed key that is added again the higher priority and the earlier time count", async () => {
    const { clock, queue } = aQueue();
    queue.add("late but high", { priority: 5, afterMs: 1000 });
    queue.add("late but high", { priority: -100 });
    queue.add("early but low", { priority: -50 });
    queue.add("early but low", { priority: 6, afterMs: 1000 });
    queue.add("plain");
    expect(takeAll(queue)).toEqual(["early but low", "late but high", "plain"]);
    await clock.advance(2000);
    expect(takeAll(queue)).toEqual([]);
  });

  test("what waits long enough overtakes newer keys of a higher priority", async () => {
    const { clock, queue } = aQueue();
    queue.add("listed", { priority: -100 });
    await clock.advance(9_000);
    queue.add("early");
    await clock.advance(2_000);
    queue.add("late");
    expect(takeAll(queue)).toEqual(["early", "listed", "late"]);
  });
});

describe("retries", () => {
  test("the delay doubles from 5 ms up to 1000 s", async () => {
    const { clock, queue } = aQueue(1);
    for (let failure = 0; failure < 20; failure++) {
      const delayMs = Math.min(5 * 2 ** failure, 1_000_000);
      queue.retry("a");
      await clock.advance(delayMs - 1);
      expect(takeAll(queue)).toEqual([]);
      await clock.advance(1);
      expect(takeAll(queue)).toEqual(["a"]);
    }
  });

  test("forgetting starts anew", async () => {
    const { clock, queue } = aQueue(1);
    for (let i = 0; i < 10; i++) queue.retry("a");
    await clock.advance(10_000);
    takeAll(queue);
    queue.forget("a");
    queue.retry("a");
    await clock.advance(5);
    expect(takeAll(queue)).toEqual(["a"]);
  });

  test("jitter spreads keys that fail together over half of the delay", async () => {
    const { clock, queue } = aQueue(0);
    queue.retry("a");
    await clock.advance(3);
    expect(takeAll(queue)).toEqual(["a"]);
  });
});

test("whatever happens, no key is given out twice at once and none that was added is lost", async () => {
  const command = fc.oneof(
    fc.record({ kind: fc.constant("add" as const), key: fc.integer({ min: 0, max: 4 }), afterMs: fc.nat(20) }),
    fc.record({ kind: fc.constant("take" as const) }),
    fc.record({ kind: fc.constant("done" as const) }),
    fc.record({ kind: fc.constant("advance" as const), ms: fc.nat(20) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
      const { clock, queue } = aQueue();
      const working: string[] = [];
      const owed = new Set<string>();
      const take = (): boolean => {
        const key = queue.take();
        if (key === undefined) return false;
        expect(working).not.toContain(key);
        working.push(key);
        owed.delete(key);
        return true;
      };
      for (const step of commands) {
        if (step.kind === "add") {
          queue.add(`${step.key}`, { afterMs: step.afterMs });
          owed.add(`${step.key}`);
        } else if (step.kind === "take") take();
        else if (step.kind === "done") queue.done(working.shift() ?? "none");
        else await clock.advance(step.ms);
      }
      await clock.advance(20);
      do {
        for (const key of working.splice(0)) queue.done(key);
      } while (take());
      expect([...owed]).toEqual([]);
    }),
    { numRuns: 200 },
  );
});
