// Randomness that a test can repeat.
import type { Random } from "../src/clock.ts";

/** A xorshift generator (Marsaglia, 2003): the same seed, the same numbers. */
export function seededRandom(seed: number): Random {
  let state = (seed ^ 0x9e3779b9) | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
