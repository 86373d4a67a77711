// What the records of one task add up to: which items are done, which failed and how often, which shards may run. A fold:
// the same lines in the same order give the same account, so a restart forgets nothing. Knows neither Jobs nor Pods.
import { Buffer } from "node:buffer";
import { Bitset } from "../api/bitset.ts";
import type { ChunkSize } from "../api/chunks.ts";
import { type Division, divisionOf } from "../api/division.ts";
import { countOf, formatRanges, parseRanges, type Range, rangesWithout } from "../api/ranges.ts";
import { type AttemptRecord, type ItemRecord, type RecordLine, type StartRecord, succeeded } from "../api/records.ts";
import { noAttempts, type TaskFacts, withAttempt } from "../scheduling/index.ts";
import { addItem, noItems, type OwnHistory, withEnd } from "./own-history.ts";
import { type Reduction, reductionOf } from "./reduce.ts";

export interface AccountShape {
  readonly items: number;
  readonly chunk: ChunkSize;
  /** `results.reduce` */
  readonly reduce: string;
}

export interface FailedItem {
  readonly record: ItemRecord;
  /** Failed attempts since the last `retryFailed`: what `spec.retries` limits. */
  readonly charged: number;
}

/** The delay before a shard runs again, by how often it has ended without success: 1 s, 2 s, 4 s … 60 s. */
export function backoffMs(unsuccessful: number): number {
  return unsuccessful === 0 ? 0 : Math.min(60_000, 1000 * 2 ** Math.min(unsuccessful - 1, 6));
}

interface ShardHistory {
  lastAttempt: number;
  unsuccessful: number;
  lastEnd: number;
}

/** Run time that has to be spent again: of attempts that somebody else ended, less what was done by then. */
function lostMs({ outcome, start, end }: AttemptRecord, workMs: number): number {
  const wasCut = outcome === "Stopped" || outcome === "Lost";
  return wasCut && start !== undefined ? Math.max(0, end - start - workMs) : 0;
}

export class Account {
  readonly shape: AccountShape;
  /** Items with an accepted result. */
  readonly done: Bitset;
  readonly #failed = new Map<number, FailedItem>();
  /** Shards that have been tried and that are not wholly done. */
  readonly #tried = new Map<number, ShardHistory>();
  readonly #division: Division;
  /** Shards whose items are all done, or failed for good under `#retries`. */
  readonly #settled: Bitset;
  #retries = 0;
  #settledStale = false;
  /** Attempts that were seen and whose end is not recorded, by shard. */
  readonly #started = new Map<number, { readonly attempt: number; readonly at: number }>();
  /** Attempts that ended without success since the last retry of all, what we stopped left out. */
  failedAttempts = 0;
  readonly #reduction: Reduction | undefined;

  /** The last round of `retryFailed` that was opened. */
  retryRound = 0;
  /** `sha256:…` of the items when the task first recorded something. */
  digest: string | undefined;
  /** Decision of the first attempt. */
  firstDecided: number | undefined;
  /** Decision of the latest attempt that has ended. */
  lastDecided: number | undefined;
  /** W, P, T and E are made of these. */
  facts: TaskFacts = noAttempts(0);
  truncated = 0;
  withoutResult = 0;
  unkept = 0;
  /** Bytes of results that are kept. */
  resultBytes = 0;
  learned: OwnHistory = {};
  /** Of the items whose lines came since the last attempt's. */
  #sums = noItems();

  constructor(shape: AccountShape) {
    this.shape = shape;
    this.#division = divisionOf(shape.items, shape.chunk);
    this.done = new Bitset(shape.items);
    // A shard keeps an item at least, so there are never more shards than items.
    this.#settled = new Bitset(shape.chunk === "Auto" ? shape.items : this.shards);
    this.#reduction = reductionOf(shape.reduce);
  }

  apply(line: RecordLine): void {
    switch (line.kind) {
      case "header":
        this.digest ??= line.digest;
        break;
      case "item":
        this.#applyItem(line);
        break;
      case "unkept":
        this.#applyUnkept(line.items, line.ms);
        break;
      case "cut":
        this.#division.cut(line.shard, parseRanges(line.cut)?.ranges ?? []);
        break;
      case "attempt":
        this.#applyAttempt(line);
        break;
      case "retry":
        this.#applyRetry(line.round);
        break;
      case "start":
        this.#applyStart(line);
    }
  }

  #applyItem(record: ItemRecord): void {
    // An accepted success is never replaced, and a number that no item has is somebody's edit.
    if (record.item >= this.shape.items || this.done.has(record.item)) return;
    addItem(this.#sums, record);
    if (!succeeded(record)) {
      const charged = (this.#failed.get(record.item)?.charged ?? 0) + 1;
      this.#failed.set(record.item, { record, charged });
      return;
    }
    this.#accept(record.item);
    if (record.truncated) this.truncated++;
    if (record.result === undefined) this.withoutResult++;
    else {
      this.resultBytes += Buffer.byteLength(record.result);
      this.#reduction?.accept(record.item, record.result);
    }
  }

  #applyUnkept(items: string, ms: number): void {
    for (const { start, end } of parseRanges(items)?.ranges ?? []) {
      for (let item = start; item < Math.min(end, this.shape.items); item++) {
        if (this.done.has(item)) continue;
        this.#accept(item);
        this.unkept++;
        this.#sums.ended += 1;
        this.#sums.timed += 1;
      }
    }
    this.#sums.ms += ms;
  }

  #accept(item: number): void {
    this.done.add(item);
    this.#failed.delete(item);
  }

  #applyAttempt(record: AttemptRecord): void {
    if (record.shard >= this.shards) return;
    if ((this.#started.get(record.shard)?.attempt ?? 0) <= record.attempt) this.#started.delete(record.shard);
    const history = this.#tried.get(record.shard) ?? { lastAttempt: 0, unsuccessful: 0, lastEnd: 0 };
    history.lastAttempt = Math.max(history.lastAttempt, record.attempt);
    history.lastEnd = Math.max(history.lastEnd, record.end);
    // What we stopped ourselves, and what handed items back, starts again at once.
    if (record.outcome !== "Stopped" && record.outcome !== "Succeeded") {
      history.unsuccessful++;
      this.failedAttempts++;
    }
    this.#tried.set(record.shard, history);

    const { ms: workMs } = this.#sums;
    this.learned = withEnd(this.learned, record, this.#sums);
    this.#sums = noItems();
    this.firstDecided = Math.min(this.firstDecided ?? record.decided, record.decided);
    this.lastDecided = Math.max(this.lastDecided ?? record.decided, record.decided);
    this.facts = withAttempt(this.facts, {
      decidedAt: record.decided,
      ...(record.start !== undefined && { startedAt: record.start }),
      endedAt: Math.max(record.end, record.decided),
      workMs,
      lostMs: lostMs(record, workMs),
    });
    if (record.handedBack !== undefined) {
      this.#division.giveBack(record.shard, parseRanges(record.handedBack)?.ranges ?? []);
    }
    this.#settle(record.shard);
  }

  #applyRetry(round: number): void {
    if (round <= this.retryRound) return;
    this.retryRound = round;
    this.failedAttempts = 0;
    for (const [item, failed] of this.#failed) this.#failed.set(item, { ...failed, charged: 0 });
    for (const history of this.#tried.values()) history.unsuccessful = 0;
    this.#settledStale = true;
  }

  #applyStart({ started, attempt, at }: StartRecord): void {
    this.firstDecided = Math.min(this.firstDecided ?? at, at);
    for (const { start, end } of parseRanges(started)?.ranges ?? []) {
      for (let shard = start; shard < Math.min(end, this.shards); shard++) {
        if (!this.isRecorded(shard, attempt)) this.#started.set(shard, { attempt, at });
      }
    }
  }

  #settle(shard: number): void {
    const ranges = this.#division.rangesOf(shard);
    if (ranges.every((items) => this.done.countIn(items) === items.end - items.start)) {
      this.#settled.add(shard);
      // Never tried again, so nobody asks for its history any more.
      this.#tried.delete(shard);
    } else if (this.openItems(shard).length === 0) this.#settled.add(shard);
    else this.#settled.delete(shard);
  }

  /** `spec.retries`, which may change at any time: with it, which shards are settled. */
  set retries(retries: number) {
    if (retries === this.#retries && !this.#settledStale) return;
    this.#retries = retries;
    this.#settledStale = false;
    for (const shard of [...this.#tried.keys()]) this.#settle(shard);
  }

  /** Shards that there are so far. */
  get shards(): number {
    return this.#division.shards;
  }

  /** Items that no shard has yet, ascending. */
  get uncut(): readonly Range[] {
    return this.#division.uncut;
  }

  get uncutItems(): number {
    return countOf(this.#division.uncut);
  }

  /** The items that a further attempt of the shard has to run. */
  openItems(shard: number): readonly number[] {
    const open: number[] = [];
    for (const { start, end } of this.#division.rangesOf(shard)) {
      for (let item = start; item < end; item++) {
        if (!this.done.has(item) && !this.#failedForGood(item)) open.push(item);
      }
    }
    return open;
  }

  #failedForGood(item: number): boolean {
    return (this.#failed.get(item)?.charged ?? 0) > this.#retries;
  }

  /** How many attempts of the item have been accounted. */
  attemptsOf(item: number): number {
    return this.#failed.get(item)?.record.attempts ?? 0;
  }

  lastAttempt(shard: number): number {
    return this.#tried.get(shard)?.lastAttempt ?? 0;
  }

  /** True once what became of the attempt is in the records. */
  isRecorded(shard: number, attempt: number): boolean {
    return this.isWhollyDone(shard) || this.lastAttempt(shard) >= attempt;
  }

  /** True once the records say that the attempt was seen. */
  isStarted(shard: number, attempt: number): boolean {
    return (this.#started.get(shard)?.attempt ?? 0) >= attempt;
  }

  /** Attempts that the records know to have started, and not how they ended. */
  *started(): Iterable<{ readonly shard: number; readonly attempt: number; readonly at: number }> {
    for (const [shard, start] of this.#started) yield { shard, ...start };
  }

  isWhollyDone(shard: number): boolean {
    return this.#settled.has(shard) && !this.#tried.has(shard);
  }

  isSettled(shard: number): boolean {
    return this.#settled.has(shard);
  }

  get settledShards(): number {
    return this.#settled.count;
  }

  get isComplete(): boolean {
    return this.#settled.count === this.shards && this.uncut.length === 0;
  }

  /** When a shard that was tried may run again. */
  retryAt(shard: number): number {
    const history = this.#tried.get(shard);
    return history === undefined ? 0 : history.lastEnd + backoffMs(history.unsuccessful);
  }

  /** Shards that have items to run, whether they are running or not. */
  openShards(): Iterable<Range> {
    return this.#settled.gaps({ start: 0, end: this.shards });
  }

  /** Shards that were tried and still have items to run. */
  *triedOpenShards(): Iterable<number> {
    for (const shard of this.#tried.keys()) if (!this.#settled.has(shard)) yield shard;
  }

  /** Items that failed for good, ascending. */
  failedItems(): readonly FailedItem[] {
    const failed: FailedItem[] = [];
    for (const item of this.#failed.values()) if (item.charged > this.#retries) failed.push(item);
    return failed.sort((a, b) => a.record.item - b.record.item);
  }

  /** Items whose last attempt failed, those that will be tried again among them. */
  get failing(): Iterable<FailedItem> {
    return this.#failed.values();
  }

  get failedCount(): number {
    let count = 0;
    for (const { charged } of this.#failed.values()) if (charged > this.#retries) count++;
    return count;
  }

  /** Shards that are settled but not wholly done. */
  get failedShards(): number {
    let count = 0;
    for (const shard of this.#tried.keys()) if (this.#settled.has(shard)) count++;
    return count;
  }

  /** Shards whose items all have a result. */
  completedShards(): Iterable<Range> {
    const failed = [...this.#tried.keys()].filter((shard) => this.#settled.has(shard)).sort((a, b) => a - b);
    return rangesWithout(this.#settled.ranges(), failed);
  }

  completedText(rangesMax: number): string {
    return formatRanges(this.done.ranges(), rangesMax);
  }

  get reduction(): Reduction | undefined {
    return this.#reduction;
  }
}
