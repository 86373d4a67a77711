// Waits for what real input and output bring about, where no clock can be turned.
import { setTimeout } from "node:timers/promises";

/** Asks again and again, and fails when the answer stays no. */
export async function eventually(check: () => boolean | Promise<boolean>, limitMs = 5_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`this did not come true within ${limitMs} ms: ${check}`);
    await setTimeout(1);
  }
}
