// How long a verb that follows a task bears with a server that does not answer. Knows nothing of what is asked.
import { ApiError, type Clock, sleep } from "@dsl/kube-operator";

export const askEveryMs = 1000;
/** A server that restarts is back before this; a network that is gone is not. */
export const unreachableMsMax = 120_000;

/** What the server refuses now it will refuse in a second: asking again is in vain. */
export function isRefusal(error: unknown): boolean {
  return error instanceof ApiError && error.status.code >= 400 && error.status.code < 500 && error.status.code !== 429;
}

/** Asks again each second, until there is an answer, a refusal, an interruption, or no more hope. */
export async function persistently<T>(ask: () => Promise<T>, clock: Clock, signal: AbortSignal): Promise<T> {
  const startedAt = clock.monotonic();
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted || isRefusal(error) || clock.monotonic() - startedAt > unreachableMsMax) throw error;
      await sleep(clock, askEveryMs, signal);
    }
  }
}
