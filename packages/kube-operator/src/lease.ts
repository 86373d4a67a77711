// Leader election over a coordination.k8s.io Lease: who holds it may write. The rules are client-go's; another's lease
// ages by what is seen here, never by its clock. Knows neither threads nor what the leader does.
import { type Clock, type Random, sleep } from "./clock.ts";
import { isAlreadyExists, isConflict, isNotFound, type KubeApi, type RequestOptions } from "./kube-api.ts";
import type { Log } from "./log.ts";
import { apiVersionOf, type KubeObject, type Resource } from "./object.ts";

export interface LeaseObject extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

export const leases: Resource<LeaseObject> = {
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  namespaced: true,
};

export interface LeaseSettings {
  readonly namespace: string;
  readonly name: string;
  /** Unlike that of any other process, also of this one's predecessor under the same name. */
  readonly identity: string;
  /** After this time without a renewal others may take the lease. Default 15 s, in whole seconds. */
  readonly leaseMs?: number;
  /** After this time without a renewal its holder stops writing: what is under way then still ends in time. Default 10 s. */
  readonly renewMs?: number;
  /** Between two attempts. Default 2 s. */
  readonly retryMs?: number;
}

export type LeaseEnd =
  /** Given back, or never held. */
  | "released"
  /** It could not be renewed in time, or another holds it. */
  | "lost";

export interface LeaseTermOptions {
  readonly api: KubeApi;
  readonly settings: LeaseSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Told with each acquisition and renewal: until when, on `clock`'s monotonic time, writes are allowed; 0 for no longer. */
  readonly onValidUntil: (monotonicMs: number) => void;
  /** False while the holder does not get on with its work: then the lease is not renewed. */
  readonly isAlive?: () => boolean;
}

/** Seeks the lease, then keeps it until `stop` aborts and it is given back, or until it is lost. */
export async function holdLease(options: LeaseTermOptions, stop: AbortSignal): Promise<LeaseEnd> {
  const term = new LeaseTerm(options);
  await term.acquire(stop);
  const end = await term.keep(stop);
  options.onValidUntil(0);
  if (end === "released") await term.release();
  return end;
}

class LeaseTerm {
  readonly #options: LeaseTermOptions;
  readonly #leaseMs: number;
  readonly #renewMs: number;
  readonly #retryMs: number;
  /** The lease as last seen, and when it was first seen so. */
  #seen: LeaseObject | undefined;
  #seenAt = Number.NEGATIVE_INFINITY;
  /** 0 while the lease is not held. */
  #validUntil = 0;
  /** Whom it waits for, as the log says already. */
  #standsByFor: string | undefined;

  constructor(options: LeaseTermOptions) {
    this.#options = options;
    const { leaseMs = 15_000, renewMs = 10_000, retryMs = 2_000 } = options.settings;
    if (!(leaseMs > renewMs && renewMs > retryMs * 1.2 && retryMs > 0)) {
      throw new RangeError(
        `a lease needs leaseMs > renewMs > 1.2 × retryMs > 0, not ${leaseMs}, ${renewMs}, ${retryMs}`,
      );
    }
    this.#leaseMs = leaseMs;
    this.#renewMs = renewMs;
    this.#retryMs = retryMs;
  }

  async acquire(stop: AbortSignal): Promise<void> {
    const { clock, log, settings } = this.#options;
    while (!stop.aborted && !(await this.#attempt())) await sleep(clock, this.#pauseMs(), stop);
    if (this.#validUntil > 0) log.info({ lease: settings.name, identity: settings.identity }, "leading");
  }

  async keep(stop: AbortSignal): Promise<LeaseEnd> {
    const { clock, log, isAlive, settings } = this.#options;
    while (!stop.aborted) {
      await sleep(clock, Math.min(this.#pauseMs(), this.#validUntil - clock.monotonic()), stop);
      if (stop.aborted) break;
      if (isAlive?.() !== false) await this.#attempt();
      if (clock.monotonic() >= this.#validUntil) {
        log.error({ lease: settings.name, identity: settings.identity }, "lease lost");
        return "lost";
      }
    }
    return "released";
  }

  /** Lets the next one in at once instead of after the lease's time. */
  async release(): Promise<void> {
    const { api, clock, log, settings } = this.#options;
    if (this.#validUntil === 0 || this.#seen === undefined) return;
    const { acquireTime: _, ...spec } = this.#seen.spec ?? {};
    try {
      const released = { ...spec, holderIdentity: "", leaseDurationSeconds: 1, renewTime: microTime(clock.now()) };
      const lease = { ...this.#seen, spec: released };
      await this.#within(this.#retryMs, (options) => api.replace(leases, lease, options));
    } catch (error) {
      log.warn({ err: error, lease: settings.name }, "the lease could not be released, it will expire");
    }
  }

  /** Takes or renews the lease; false when another holds it or the attempt failed. */
  async #attempt(): Promise<boolean> {
    const { clock, log, settings, onValidUntil } = this.#options;
    // From before the request: others count from when they see its effect, which is later.
    const startedAt = clock.monotonic();
    try {
      if (!(await this.#takeOrRenew())) {
        if (this.#isAnothers()) this.#validUntil = 0;
        return false;
      }
    } catch (error) {
      log.warn({ err: error, lease: settings.name }, "the lease could not be read or written");
      return false;
    }
    // An answer that comes after the time is up must not revive the term: another may have taken over.
    if (this.#validUntil > 0 && clock.monotonic() >= this.#validUntil) return false;
    this.#validUntil = startedAt + this.#renewMs;
    onValidUntil(this.#validUntil);
    return true;
  }

  async #takeOrRenew(): Promise<boolean> {
    // The holder knows the lease: one request instead of two.
    const seen = this.#validUntil > 0 ? this.#seen : await this.#read();
    if (seen === undefined) return this.#create();
    if (seen.spec?.holderIdentity !== this.#options.settings.identity && this.#restMs(seen) > 0) {
      this.#standBy(seen.spec?.holderIdentity);
      return false;
    }
    try {
      const lease = { ...seen, spec: this.#newSpec(seen) };
      this.#see(await this.#inTime((options) => this.#options.api.replace(leases, lease, options)));
      return true;
    } catch (error) {
      // Written by another hand, or deleted: the next attempt builds on what is there now.
      if (!isConflict(error) && !isNotFound(error)) throw error;
      await this.#read();
      return false;
    }
  }

  async #read(): Promise<LeaseObject | undefined> {
    const { namespace, name } = this.#options.settings;
    try {
      this.#see(await this.#inTime((options) => this.#options.api.get(leases, { namespace, name }, options)));
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#seen = undefined;
    }
    return this.#seen;
  }

  async #create(): Promise<boolean> {
    const { namespace, name } = this.#options.settings;
    const spec = this.#newSpec(undefined);
    const manifest = { apiVersion: apiVersionOf(leases), kind: leases.kind, metadata: { namespace, name }, spec };
    try {
      this.#see(await this.#inTime((options) => this.#options.api.create(leases, manifest, options)));
      return true;
    } catch (error) {
      if (isAlreadyExists(error)) return false;
      throw error;
    }
  }

  /** A request that hangs must leave time for another, and must not outlast the term. */
  #inTime<R>(request: (options: RequestOptions) => Promise<R>): Promise<R> {
    const restMs = this.#validUntil > 0 ? this.#validUntil - this.#options.clock.monotonic() : this.#renewMs;
    return this.#within(Math.min(restMs, this.#renewMs / 2), request);
  }

  /** With a signal besides the time limit, which holds for each of a client's own retries. */
  async #within<R>(limitMs: number, request: (options: RequestOptions) => Promise<R>): Promise<R> {
    const limit = new AbortController();
    const timer = this.#options.clock.after(limitMs, () => limit.abort(new Error("the API server took too long")));
    try {
      return await request({ signal: limit.signal, timeoutMs: limitMs });
    } finally {
      timer.cancel();
    }
  }

  #standBy(holder: string | undefined): void {
    if (holder === this.#standsByFor) return;
    this.#standsByFor = holder;
    this.#options.log.info({ lease: this.#options.settings.name, holder }, "standing by, another holds the lease");
  }

  #isAnothers(): boolean {
    const holder = this.#seen?.spec?.holderIdentity;
    return this.#validUntil > 0 && holder !== undefined && holder !== "" && holder !== this.#options.settings.identity;
  }

  #see(lease: LeaseObject): void {
    const { clock } = this.#options;
    const isNew = this.#seen?.metadata.resourceVersion !== lease.metadata.resourceVersion;
    if (isNew || this.#seen?.metadata.uid !== lease.metadata.uid) this.#seenAt = clock.monotonic();
    this.#seen = lease;
  }

  /** How long another's lease still counts, by the time for which it has been seen unchanged. */
  #restMs(lease: LeaseObject): number {
    const { holderIdentity = "", leaseDurationSeconds = this.#leaseMs / 1000 } = lease.spec ?? {};
    return holderIdentity === "" ? 0 : this.#seenAt + leaseDurationSeconds * 1000 - this.#options.clock.monotonic();
  }

  #newSpec(old: LeaseObject | undefined): NonNullable<LeaseObject["spec"]> {
    const { clock, settings } = this.#options;
    const now = microTime(clock.now());
    const isOurs = old?.spec?.holderIdentity === settings.identity;
    const transitions = old?.spec?.leaseTransitions ?? 0;
    return {
      holderIdentity: settings.identity,
      leaseDurationSeconds: Math.ceil(this.#leaseMs / 1000),
      acquireTime: isOurs ? (old?.spec?.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: isOurs || old === undefined ? transitions : transitions + 1,
    };
  }

  /** Jittered, so that standbys do not ask all at once. */
  #pauseMs(): number {
    return this.#retryMs * (1 + 0.2 * this.#options.random());
  }
}

/** metav1.MicroTime: exactly six digits. */
function microTime(now: number): string {
  return new Date(now).toISOString().replace("Z", "000Z");
}
