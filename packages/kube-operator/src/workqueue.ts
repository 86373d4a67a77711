// The keys that wait to be reconciled: which is next, and when. One entry a key, however many events there were; a key
// that is being worked on is not given out again, but once more after. Knows nothing of what the work is.
import type { Clock, Random, Timer } from "./clock.ts";
import { Heap } from "./heap.ts";

export interface AddOptions {
  /** Higher goes first. Default 0; what a first list brings enters at −100, so that live changes overtake it. */
  readonly priority?: number;
  /** Not before this much time has passed. Default 0. */
  readonly afterMs?: number;
}

/** What the queue tells as it happens; see metrics.ts. */
export interface QueueObserver {
  added(): void;
  /** A key was given out, `waitedMs` after it was due. */
  taken(waitedMs: number): void;
  finished(workedMs: number): void;
  retried(): void;
}

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Called when a key has become ready to be taken. Must not throw. */
  readonly onReady: () => void;
  readonly observer?: QueueObserver;
}

export interface WorkQueue {
  /** Keys that could be taken now. */
  readonly depth: number;
  /** For each key that is being worked on, for how long. */
  workingMs(): readonly number[];
  /** When the key is queued already, the higher priority and the earlier time win. */
  add(key: string, options?: AddOptions): void;
  /** Adds after a delay that doubles with each call until `forget`. */
  retry(key: string): void;
  /** The key's next `retry` starts with the shortest delay again. */
  forget(key: string): void;
  /** The next key, which is the caller's until `done`. */
  take(): string | undefined;
  done(key: string): void;
  /** Gives out nothing any more. */
  close(): void;
}

interface Entry {
  readonly key: string;
  /** Breaks ties: first come, first served. */
  readonly turn: number;
  priority: number;
  dueAt: number;
}

const shortestRetryMs = 5;
const longestRetryMs = 1_000_000;
/** A key that waits gains a point of priority in this time, so that nothing waits for ever behind higher ones. */
const ageingMs = 100;

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  return new TwoHeapQueue(options);
}

class TwoHeapQueue implements WorkQueue {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #onReady: () => void;
  readonly #observer: QueueObserver | undefined;
  readonly #entries = new Map<string, Entry>();
  /** Due. The order does not change with time, as all of them age alike. */
  readonly #ready = new Heap<Entry>(
    (a, b) => urgency(a) - urgency(b) > 0 || (urgency(a) === urgency(b) && a.turn < b.turn),
  );
  /** Not yet due. */
  readonly #waiting = new Heap<Entry>((a, b) => a.dueAt < b.dueAt);
  /** Taken and not yet done, with the time of taking. */
  readonly #working = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  #timer: Timer | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #turn = 0;
  #closed = false;

  constructor({ clock, random, onReady, observer }: WorkQueueOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#onReady = onReady;
    this.#observer = observer;
  }

  get depth(): number {
    return this.#ready.size;
  }

  workingMs(): readonly number[] {
    const now = this.#clock.monotonic();
    return [...this.#working.values()].map((since) => now - since);
  }

  add(key: string, { priority = 0, afterMs = 0 }: AddOptions = {}): void {
    if (this.#closed) return;
    const dueAt = this.#clock.monotonic() + Math.max(afterMs, 0);
    const known = this.#entries.get(key);
    if (known !== undefined) {
      if (priority <= known.priority && dueAt >= known.dueAt) return;
      this.#ready.remove(known);
      this.#waiting.remove(known);
      known.priority = Math.max(known.priority, priority);
      known.dueAt = Math.min(known.dueAt, dueAt);
      this.#enter(known);
    } else {
      const entry: Entry = { key, turn: this.#turn++, priority, dueAt };
      this.#entries.set(key, entry);
      this.#observer?.added();
      this.#enter(entry);
    }
  }

  retry(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#observer?.retried();
    const delayMs = Math.min(shortestRetryMs * 2 ** failures, longestRetryMs);
    // Jitter, so that keys which failed together do not come back together.
    this.add(key, { afterMs: delayMs * (0.5 + 0.5 * this.#random()) });
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  take(): string | undefined {
    const entry = this.#closed ? undefined : this.#ready.pop();
    if (entry === undefined) return undefined;
    this.#entries.delete(entry.key);
    const now = this.#clock.monotonic();
    this.#working.set(entry.key, now);
    this.#observer?.taken(now - entry.dueAt);
    return entry.key;
  }

  done(key: string): void {
    const since = this.#working.get(key);
    if (since === undefined) return;
    this.#working.delete(key);
    this.#observer?.finished(this.#clock.monotonic() - since);
    const again = this.#entries.get(key);
    // What is not yet due is in its heap already.
    if (again !== undefined && !this.#closed && again.dueAt <= this.#clock.monotonic()) {
      this.#waiting.remove(again);
      this.#enter(again);
    }
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** Puts an entry where it belongs: due later, due now, or, when its key is being worked on, nowhere until `done`. */
  #enter(entry: Entry): void {
    if (entry.dueAt > this.#clock.monotonic()) {
      this.#waiting.push(entry);
      this.#setTimer();
    } else if (!this.#working.has(entry.key)) {
      this.#ready.push(entry);
      this.#onReady();
    }
  }

  /** One timer for all: it is set for the earliest entry, and only moved when an earlier one comes. */
  #setTimer(): void {
    const earliest = this.#waiting.peek()?.dueAt ?? Number.POSITIVE_INFINITY;
    if (earliest >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = earliest;
    this.#timer = this.#clock.after(Math.ceil(earliest - this.#clock.monotonic()), () => this.#wake());
  }

  #wake(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.monotonic();
    for (let entry = this.#waiting.peek(); entry !== undefined && entry.dueAt <= now; entry = this.#waiting.peek()) {
      this.#waiting.pop();
      this.#enter(entry);
    }
    this.#setTimer();
  }
}

/** Priority and age in one number of milliseconds; the greater goes first. */
function urgency(entry: Entry): number {
  return entry.priority * ageingMs - entry.dueAt;
}
