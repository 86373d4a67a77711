// What a controller calls. A reconciler gets a key and nothing else: it reads the state of the world from the stores,
// never from the event that woke it, so that a missed event, a repeated one and a restart all end the same.
import type { Log } from "./log.ts";
import type { ObjectKey } from "./object.ts";

export interface ReconcileContext {
  /** Carries the controller, the key and the reconcile's id. */
  readonly log: Log;
  /** Aborts at the time limit, when the lease is lost, and when a stop has lasted too long. */
  readonly signal: AbortSignal;
  readonly reconcileId: string;
}

export interface Requeue {
  /** When to be called again if no event comes first. Absent: only an event wakes the key. */
  readonly requeueAfterMs?: number | undefined;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a reconciler that has nothing to say need not return anything.
export type Result = Requeue | undefined | void;

/** Must be idempotent. A thrown error is retried with growing delay, a TerminalError is not. */
export type Reconciler = (key: ObjectKey, context: ReconcileContext) => Promise<Result>;

/** Trying again would not help: only a change of the object may. */
export class TerminalError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "TerminalError";
  }
}
