// Which failed requests are sent again, and when. Pure: knows no connection.
import type { Random } from "./clock.ts";
import { ApiError } from "./kube-api.ts";

/** The first attempt counts. */
export const attemptsMax = 5;

const firstDelayMs = 100;
const retryAfterSecondsMax = 60;

/** These mean that no connection came about: the request was never sent. */
const neverSent = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);
/** After these the server may or may not have carried the request out. */
const broken = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED", "ETIMEDOUT"]);

/**
 * How long to wait before the next attempt; undefined: there is none. `attempt` counts from 1. A request is repeatable
 * when sending it twice does no more than sending it once: a create and a JSON patch are not; a replace is, since it
 * names the version that it replaces.
 */
export function retryDelayMs(
  error: unknown,
  attempt: number,
  isRepeatable: boolean,
  random: Random,
): number | undefined {
  if (attempt >= attemptsMax) return undefined;
  // Between half and the whole, so that clients that broke off together do not come back together.
  const backoffMs = firstDelayMs * 2 ** (attempt - 1) * (0.5 + random() / 2);
  if (error instanceof ApiError) {
    const { code, details } = error.status;
    const seconds = details?.retryAfterSeconds;
    const serverSaysWhen = seconds !== undefined && seconds <= retryAfterSecondsMax;
    // The server has not begun with a request that it puts off.
    if ((code === 429 || code === 503) && serverSaysWhen) return seconds * 1000 + backoffMs;
    return code === 429 || (code === 503 && isRepeatable) ? backoffMs : undefined;
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (neverSent.has(code)) return backoffMs;
  return broken.has(code) && isRepeatable ? backoffMs : undefined;
}
