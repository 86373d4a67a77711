// Cuts long work into slices, so that timers, probes and the lease get their turn. Knows nothing of the work.
import { setImmediate } from "node:timers/promises";
import type { Clock } from "./clock.ts";

export interface Yielder {
  /** Whether the slice is used up. Cheap enough to be asked after each object. */
  isDue(): boolean;
  /** Lets everything else that is ready run, then starts a new slice. */
  pause(): Promise<void>;
}

/** A slice is 5 ms: twenty of them stay below the stall that anyone would notice. */
export function createYielder(clock: Clock, sliceMs = 5): Yielder {
  let startedAt = clock.monotonic();
  return {
    isDue: () => clock.monotonic() - startedAt >= sliceMs,
    async pause() {
      await setImmediate();
      startedAt = clock.monotonic();
    },
  };
}
