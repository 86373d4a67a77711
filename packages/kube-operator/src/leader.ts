// Leadership as the rest of the process sees it: whether it may write, and a KubeApi that asks before each write.
// Knows the lease's outcome, not its protocol.
import type { Clock, Random } from "./clock.ts";
import type { KubeApi } from "./kube-api.ts";
import { holdLease, type LeaseEnd, type LeaseSettings } from "./lease.ts";
import type { Log } from "./log.ts";

export interface Leadership {
  /** False before the lease is held, and from a safe time before another may take it. */
  mayWrite(): boolean;
}

export interface Elector extends Leadership {
  /** Seeks the lease, calls `onLeading` once, and keeps it until `stop` aborts (then it is given back) or it is lost. */
  run(stop: AbortSignal, onLeading: () => void): Promise<LeaseEnd>;
  /** How long ago whatever renews the lease last showed life. */
  beatAgeMs(): number;
}

/** The lease is no longer held: nothing was sent. The process should end. */
export class LeaseLostError extends Error {
  constructor(message = "this process does not hold the lease") {
    super(message);
    this.name = "LeaseLostError";
  }
}

export interface LocalElectorOptions {
  readonly api: KubeApi;
  readonly settings: LeaseSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Renews on the calling thread: for tests and small programs. A busy thread loses the lease; see threadElector. */
export function localElector(options: LocalElectorOptions): Elector {
  const { clock } = options;
  let validUntil = 0;
  return {
    mayWrite: () => clock.monotonic() < validUntil,
    beatAgeMs: () => 0,
    run(stop, onLeading) {
      let isLeading = false;
      const onValidUntil = (monotonicMs: number): void => {
        validUntil = monotonicMs;
        if (isLeading || monotonicMs === 0) return;
        isLeading = true;
        onLeading();
      };
      return holdLease({ ...options, onValidUntil }, stop);
    },
  };
}

/** The same API, but a write is refused with a LeaseLostError unless the lease allows it at that moment. */
export function fencedKubeApi(api: KubeApi, leadership: Leadership): KubeApi {
  const fenced = <T>(write: () => Promise<T>): Promise<T> =>
    leadership.mayWrite() ? write() : Promise.reject(new LeaseLostError());
  return {
    get: (resource, key, options) => api.get(resource, key, options),
    list: (resource, options) => api.list(resource, options),
    watch: (resource, options) => api.watch(resource, options),
    log: (pod, options) => api.log(pod, options),
    create: (resource, manifest, options) => fenced(() => api.create(resource, manifest, options)),
    replace: (resource, object, options) => fenced(() => api.replace(resource, object, options)),
    patch: (resource, key, patch, options) => fenced(() => api.patch(resource, key, patch, options)),
    delete: (resource, key, options) => fenced(() => api.delete(resource, key, options)),
    request: (method, path, body, options) =>
      method === "GET"
        ? api.request(method, path, body, options)
        : fenced(() => api.request(method, path, body, options)),
  };
}
