// Work in many steps that nobody waits for: between two of them all else of the event loop has its turn.
import { type Clock, sleep } from "@dsl/kube-operator";

/** After each step others have this many times as long as it took. */
const restFactor = 3;

export async function unhurried<T>(clock: Clock, steps: Generator<unknown, T>): Promise<T> {
  let tookMs = 0;
  for (;;) {
    await sleep(clock, tookMs * restFactor);
    const before = clock.monotonic();
    const step = steps.next();
    if (step.done) return step.value;
    tookMs = clock.monotonic() - before;
  }
}
