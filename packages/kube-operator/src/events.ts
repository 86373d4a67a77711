// Events (events.k8s.io/v1): what an operator tells people who look at an object. Recording never waits and never
// fails a reconcile; what repeats is folded into one event, and one object cannot flood the API server.
import { randomUUID } from "node:crypto";
import type { Clock } from "./clock.ts";
import { isNotFound, type KubeApi } from "./kube-api.ts";
import type { Log } from "./log.ts";
import type { KubeObject, Resource } from "./object.ts";
import { RecentMap } from "./recent-map.ts";

export interface EventObject extends KubeObject {
  readonly type?: string;
  readonly reason?: string;
  readonly action?: string;
  readonly note?: string;
  readonly eventTime?: string;
  readonly reportingController?: string;
  readonly reportingInstance?: string;
  readonly regarding?: ObjectReference;
  readonly related?: ObjectReference;
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
}

export const events: Resource<EventObject> = {
  group: "events.k8s.io",
  version: "v1",
  kind: "Event",
  plural: "events",
  namespaced: true,
};

export interface ObjectReference {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
}

/** What an event may be about. */
export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly namespace?: string; readonly name: string; readonly uid: string };
}

export interface NewEvent {
  readonly type: "Normal" | "Warning";
  /** Why, in one word of CamelCase: for machines. */
  readonly reason: string;
  /** What was done or tried, in one word of CamelCase. */
  readonly action: string;
  /** For people; cut at 1024 bytes. */
  readonly note: string;
  readonly related?: EventSubject;
}

export interface EventRecorder {
  record(regarding: EventSubject, event: NewEvent): void;
  /** Resolves when all that was recorded has been sent or given up. */
  settled(): Promise<void>;
}

export interface EventRecorderOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly log: Log;
  /** Such as example.dev/operator. */
  readonly reportingController: string;
  /** Such as the Pod's name. */
  readonly reportingInstance: string;
}

/** Events that differ in their note only: from this many within the window on they are told as one. */
const alikeMax = 10;
const windowMs = 600_000;
/** Per object: so many at once, then one in this time. */
const burst = 25;
const refillMs = 300_000;
/** What is normal is told of few objects out of many: so many at once, then one in this time. Warnings always are. */
const normalBurst = 100;
const normalRefillMs = 1000;
/** Of the least recently used the memory is lost; their next event begins anew. */
const rememberedMax = 4096;
/** A hung API server must not gather events without end. */
const unsentMax = 1000;
/** Of the API's validation. */
const noteBytesMax = 1024;

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new FoldingRecorder(options);
}

interface Series {
  /** Absent until the event is stored. */
  name: string | undefined;
  count: number;
  lastSeenAt: number;
}

interface Alike {
  readonly notes: Set<string>;
  since: number;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

class FoldingRecorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #series = new RecentMap<Series>(rememberedMax);
  readonly #alike = new RecentMap<Alike>(rememberedMax);
  readonly #buckets = new RecentMap<Bucket>(rememberedMax);
  #normal: Bucket | undefined;
  /** Sent one after the other, so that a series never overtakes its first event. */
  #sending: Promise<void> = Promise.resolve();
  #unsent = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  record(regarding: EventSubject, event: NewEvent): void {
    const now = this.#options.clock.monotonic();
    if (this.#unsent >= unsentMax || !this.#maySpend(regarding.metadata.uid, event.type, now)) return;
    const kind = [regarding.metadata.uid, event.type, event.reason, event.action].join("\n");
    const isCrowded = this.#isCrowded(kind, event.note, now);
    const note = shortened(isCrowded ? `(combined from similar events): ${event.note}` : event.note);
    const series = this.#seriesOf(isCrowded ? kind : `${kind}\n${event.note}\n${event.related?.metadata.uid}`, now);
    const { count } = series;
    this.#unsent++;
    this.#sending = this.#sending
      .then(() => this.#send(series, count, regarding, { ...event, note }))
      .catch((error: unknown) => this.#options.log.warn({ err: error, reason: event.reason }, "an event was not sent"))
      .finally(() => this.#unsent--);
  }

  settled(): Promise<void> {
    return this.#sending;
  }

  #seriesOf(id: string, now: number): Series {
    const known = this.#series.get(id);
    const isRunning = known !== undefined && now - known.lastSeenAt < windowMs;
    const series: Series = isRunning ? known : { name: undefined, count: 0, lastSeenAt: now };
    series.count++;
    series.lastSeenAt = now;
    this.#series.set(id, series);
    return series;
  }

  /** Whether so many different notes came for the same reason that they are told as one. */
  #isCrowded(kind: string, note: string, now: number): boolean {
    const known = this.#alike.get(kind);
    const alike =
      known !== undefined && now - known.since < windowMs ? known : { notes: new Set<string>(), since: now };
    if (alike.notes.size <= alikeMax) alike.notes.add(note);
    this.#alike.set(kind, alike);
    return alike.notes.size > alikeMax;
  }

  #maySpend(uid: string, type: NewEvent["type"], now: number): boolean {
    const own = this.#buckets.get(uid) ?? { tokens: burst, filledAt: now };
    this.#buckets.set(uid, own);
    refill(own, burst, refillMs, now);
    this.#normal ??= { tokens: normalBurst, filledAt: now };
    refill(this.#normal, normalBurst, normalRefillMs, now);
    const buckets = type === "Normal" ? [own, this.#normal] : [own];
    if (buckets.some(({ tokens }) => tokens < 1)) return false;
    for (const bucket of buckets) bucket.tokens--;
    return true;
  }

  async #send(series: Series, count: number, regarding: EventSubject, event: NewEvent): Promise<void> {
    const { api, clock, reportingController, reportingInstance } = this.#options;
    // Events about cluster-scoped objects live in the namespace "default", as the API server demands.
    const namespace = regarding.metadata.namespace ?? "default";
    const time = new Date(clock.now()).toISOString().replace("Z", "000Z");
    if (series.name !== undefined) {
      // All else of an event is immutable.
      const body = { series: { count, lastObservedTime: time } };
      try {
        await api.patch(events, { namespace, name: series.name }, { type: "merge", body });
        return;
      } catch (error) {
        // Events live for an hour; after that the series begins anew.
        if (!isNotFound(error)) throw error;
      }
    }
    const name = eventName(regarding.metadata.name);
    await api.create(events, {
      apiVersion: "events.k8s.io/v1",
      kind: "Event",
      metadata: { namespace, name },
      type: event.type,
      reason: event.reason,
      action: event.action,
      note: event.note,
      eventTime: time,
      reportingController,
      reportingInstance: reportingInstance.slice(0, 128),
      regarding: referenceTo(regarding),
      ...(event.related && { related: referenceTo(event.related) }),
    });
    series.name = name;
  }
}

function refill(bucket: Bucket, most: number, everyMs: number, now: number): void {
  bucket.tokens = Math.min(most, bucket.tokens + (now - bucket.filledAt) / everyMs);
  bucket.filledAt = now;
}

function referenceTo({ apiVersion, kind, metadata }: EventSubject): ObjectReference {
  const { namespace, name, uid } = metadata;
  return { apiVersion, kind, ...(namespace !== undefined && { namespace }), name, uid };
}

/** Unique, and short enough for a name however long the object's is. */
function eventName(objectName: string): string {
  return `${objectName.slice(0, 200).replace(/[^a-z0-9]+$/, "")}.${randomUUID()}`;
}

function shortened(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= noteBytesMax) return note;
  // Cutting may split a character, which decoding then replaces.
  return `${bytes
    .subarray(0, noteBytesMax - 6)
    .toString()
    .replace(/\uFFFD+$/, "")}…`;
}
