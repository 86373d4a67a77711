// Prints what became of a task's items as it is recorded: in their order or in that of their ends, as text or as JSON.
import { formatRanges, rangesOf } from "../api/ranges.ts";
import { type ItemRecord, type RecordLine, succeeded } from "../api/records.ts";
import { InOrder, Outcomes } from "../view/outcomes.ts";

export type ResultOrder = "items" | "completion";
/** `jsonl`: a JSON object a line, as it comes. `json`: one array at the end. */
export type ResultFormat = "text" | "json" | "jsonl";

export interface ResultOptions {
  readonly itemCount: number;
  /** Of the task, per item beyond its first attempt. */
  readonly retries: number;
  readonly order: ResultOrder;
  readonly format: ResultFormat;
  readonly write: (text: string) => void;
}

export class ResultPrinter {
  readonly #outcomes: Outcomes;
  readonly #inOrder: InOrder;
  readonly #options: ResultOptions;
  readonly #collected: JsonRecord[] = [];
  #withoutResultCount = 0;

  constructor(options: ResultOptions) {
    this.#outcomes = new Outcomes(options.itemCount, options.retries);
    this.#inOrder = new InOrder(options.itemCount);
    this.#options = options;
  }

  /** Takes new records, and prints what can be printed now. `ended`: no more will come. */
  async take(records: AsyncIterable<RecordLine>, ended: boolean): Promise<void> {
    const accepted: ItemRecord[] = [];
    for await (const record of records) {
      const success = this.#outcomes.add(record);
      if (success !== undefined) accepted.push(success);
    }
    if (this.#options.order === "items") {
      for (const record of this.#inOrder.take(this.#outcomes, ended)) this.#print(record);
    } else {
      for (const record of accepted.sort(byEnd)) this.#print(record);
      if (ended) for (const record of this.failures()) this.#print(record);
    }
    if (ended && this.#options.format === "json")
      this.#options.write(`${JSON.stringify(this.#collected, undefined, 2)}\n`);
  }

  failures(): readonly ItemRecord[] {
    return this.#outcomes.failures();
  }

  /** What a reader of the results should know about them, a sentence each. */
  warnings(): readonly string[] {
    const warnings: string[] = [];
    const say = (count: number, one: string, many: string): void => {
      if (count > 0) warnings.push(count === 1 ? `1 ${one}` : `${count} ${many}`);
    };
    say(this.#outcomes.truncatedCount, "result was cut to 4096 bytes", "results were cut to 4096 bytes");
    const unkept = this.#outcomes.unkeptCount;
    say(
      unkept,
      "result was not kept: results.maxBytes was used up",
      "results were not kept: results.maxBytes was used up",
    );
    say(
      this.#withoutResultCount,
      "item succeeded without writing a result",
      "items succeeded without writing a result",
    );
    const open = this.#openItems();
    if (open !== "") warnings.push(`no result yet, or none at all, for the items ${open}`);
    return warnings;
  }

  #openItems(): string {
    const outcomes = this.#outcomes;
    const count = this.#options.itemCount;
    function* open(): Generator<number> {
      for (let item = 0; item < count; item++) if (outcomes.of(item).kind === "open") yield item;
    }
    return formatRanges(rangesOf(open()), 10);
  }

  #print(record: ItemRecord): void {
    const { format, write } = this.#options;
    if (succeeded(record) && record.result === undefined) this.#withoutResultCount++;
    if (format === "jsonl") write(`${JSON.stringify(jsonRecord(record))}\n`);
    else if (format === "json") this.#collected.push(jsonRecord(record));
    // A failed item has no line; one that wrote nothing has an empty one.
    else if (succeeded(record)) write(`${record.result ?? ""}\n`);
  }
}

/** As it stands in the task's records. */
type JsonRecord = Omit<ItemRecord, "kind">;

function jsonRecord({ kind: _, ...fields }: ItemRecord): JsonRecord {
  return fields;
}

function byEnd(a: ItemRecord, b: ItemRecord): number {
  return endOf(a) - endOf(b) || a.item - b.item;
}

function endOf({ start = 0, ms = 0 }: ItemRecord): number {
  return start + ms;
}
