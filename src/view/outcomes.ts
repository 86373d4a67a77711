// Folds a task's records into what became of each item. Knows neither where records are kept nor how they are shown.
import { Bitset } from "../api/bitset.ts";
import { parseRanges } from "../api/ranges.ts";
import { type ItemRecord, type RecordLine, succeeded } from "../api/records.ts";

export type ItemOutcome =
  | { readonly kind: "succeeded"; readonly record: ItemRecord }
  /** `final`: no retry is left for it, unless somebody asks for another round. */
  | { readonly kind: "failed"; readonly record: ItemRecord; readonly final: boolean }
  /** Succeeded after `results.maxBytes` was used up, so its result was not kept. */
  | { readonly kind: "unkept" }
  | { readonly kind: "open" };

interface Failure {
  readonly record: ItemRecord;
  /** Failures in the present round of retries. */
  readonly times: number;
}

export class Outcomes {
  readonly #retries: number;
  readonly #successes = new Map<number, ItemRecord>();
  readonly #failures = new Map<number, Failure>();
  readonly #unkept: Bitset;
  #truncated = 0;

  /** `retries`: of the task, per item beyond its first attempt. */
  constructor(itemCount: number, retries: number) {
    this.#unkept = new Bitset(itemCount);
    this.#retries = retries;
  }

  /** How many items succeeded whose results were not kept. */
  get unkeptCount(): number {
    return this.#unkept.count;
  }

  /** How many results were cut to the size that Kubernetes takes. */
  get truncatedCount(): number {
    return this.#truncated;
  }

  /** Gives the record back if it is a success that now counts. */
  add(record: RecordLine): ItemRecord | undefined {
    if (record.kind === "item") return this.#addItem(record);
    if (record.kind === "unkept") this.#addUnkept(record.items);
    if (record.kind === "retry") this.#reopenFailures();
    return undefined;
  }

  of(item: number): ItemOutcome {
    const success = this.#successes.get(item);
    if (success !== undefined) return { kind: "succeeded", record: success };
    if (this.#unkept.has(item)) return { kind: "unkept" };
    const failure = this.#failures.get(item);
    if (failure === undefined) return { kind: "open" };
    return { kind: "failed", record: failure.record, final: failure.times > this.#retries };
  }

  /** The last failure of each item that never succeeded, by item. */
  failures(): readonly ItemRecord[] {
    const open = [...this.#failures.values()].filter(({ record }) => this.of(record.item).kind === "failed");
    return open.map(({ record }) => record).sort((a, b) => a.item - b.item);
  }

  #addItem(record: ItemRecord): ItemRecord | undefined {
    // The first accepted success counts: a second copy that ends later changes nothing.
    if (this.#successes.has(record.item)) return undefined;
    if (!succeeded(record)) {
      this.#failures.set(record.item, { record, times: (this.#failures.get(record.item)?.times ?? 0) + 1 });
      return undefined;
    }
    if (record.truncated === true) this.#truncated++;
    this.#failures.delete(record.item);
    this.#successes.set(record.item, record);
    return record;
  }

  #addUnkept(items: string): void {
    for (const { start, end } of parseRanges(items)?.ranges ?? []) {
      for (let item = start; item < Math.min(end, this.#unkept.size); item++) this.#unkept.add(item);
    }
  }

  #reopenFailures(): void {
    for (const [item, { record }] of this.#failures) this.#failures.set(item, { record, times: 0 });
  }
}

/** Hands out items in the order of their numbers, each once, as soon as all before it are settled. */
export class InOrder {
  readonly #count: number;
  #next = 0;

  constructor(count: number) {
    this.#count = count;
  }

  /** What can be handed out now. `ended`: nothing more will come, so open items hold nobody up. */
  *take(outcomes: Outcomes, ended: boolean): Generator<ItemRecord> {
    for (; this.#next < this.#count; this.#next++) {
      const outcome = outcomes.of(this.#next);
      if (!ended && (outcome.kind === "open" || (outcome.kind === "failed" && !outcome.final))) return;
      if (outcome.kind === "succeeded" || outcome.kind === "failed") yield outcome.record;
    }
  }
}
