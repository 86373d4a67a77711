// How long the event loop was ever held up, and how much of that was work: on a busy machine a thread that is ready to
// run waits for a core, which no program can help. Knows beats and times, not what was done between them.
import { systemClock, type Timer } from "./clock.ts";

/** The longest stalls of a span of time; the two need not be of one stall. */
export interface Stalls {
  /** From one beat to the next: so a stall is told up to a beat too long, and never too short. */
  readonly elapsedMs: number;
  /**
   * The same, but each counts at most the CPU time that the whole process used meanwhile: what a core of its own would
   * have needed for it, with the garbage collector's threads one after the other.
   */
  readonly workMs: number;
}

export interface StallMeter {
  /** To be called at short intervals. `cpuMs` is the process's, of all threads. */
  beat(nowMs: number, cpuMs: number): void;
  /** Since it was last asked. */
  take(): Stalls;
}

export function createStallMeter(nowMs: number, cpuMs: number): StallMeter {
  let last = { nowMs, cpuMs };
  let longest = { elapsedMs: 0, workMs: 0 };
  return {
    beat(now, cpu) {
      const elapsedMs = now - last.nowMs;
      const workMs = Math.min(elapsedMs, cpu - last.cpuMs);
      longest = { elapsedMs: Math.max(longest.elapsedMs, elapsedMs), workMs: Math.max(longest.workMs, workMs) };
      last = { nowMs: now, cpuMs: cpu };
    },
    take() {
      const taken = longest;
      longest = { elapsedMs: 0, workMs: 0 };
      return taken;
    },
  };
}

const beatMs = 10;

/** Measures this thread's loop until `stop`. */
export function watchEventLoop(): { readonly meter: StallMeter; stop(): void } {
  const meter = createStallMeter(systemClock.monotonic(), processCpuMs());
  const beat = (): Timer =>
    systemClock.after(beatMs, () => {
      meter.beat(systemClock.monotonic(), processCpuMs());
      timer = beat();
    });
  let timer = beat();
  return { meter, stop: () => timer.cancel() };
}

function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
