// A clock that only moves when a test says so.
import { setImmediate } from "node:timers/promises";
import type { Clock, Timer } from "../src/clock.ts";

export interface ManualClock extends Clock {
  /** Moves time on, runs the timers that fall due in their order, and lets promises settle before, between and after. */
  advance(ms: number): Promise<void>;
  /** How many timers are waiting. */
  readonly pending: number;
}

/**
 * One turn of the event loop empties the queue of promise callbacks, however many of them follow each other. Whoever
 * gives way to others in between, as long work does, needs a further turn.
 */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await setImmediate();
}

interface Waiting {
  readonly dueAt: number;
  readonly callback: () => void;
}

export function manualClock(startMs: number = Date.parse("2026-01-01T00:00:00Z")): ManualClock {
  let elapsedMs = 0;
  // In order of due time; timers due at the same time stay in the order of their registration.
  const waiting: Waiting[] = [];

  return {
    now: () => startMs + elapsedMs,
    monotonic: () => elapsedMs,
    after(delayMs, callback): Timer {
      const timer: Waiting = { dueAt: elapsedMs + Math.max(delayMs, 0), callback };
      const later = waiting.findIndex((other) => other.dueAt > timer.dueAt);
      waiting.splice(later < 0 ? waiting.length : later, 0, timer);
      return {
        cancel() {
          const index = waiting.indexOf(timer);
          if (index >= 0) waiting.splice(index, 1);
        },
      };
    },
    async advance(ms) {
      const target = elapsedMs + ms;
      for (;;) {
        await settled();
        const next = waiting[0];
        if (next === undefined || next.dueAt > target) break;
        waiting.shift();
        elapsedMs = Math.max(elapsedMs, next.dueAt);
        next.callback();
      }
      elapsedMs = target;
    },
    get pending() {
      return waiting.length;
    },
  };
}
