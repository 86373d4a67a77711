// The records of a task: what became of each attempt and each item, one JSON line each, in the ConfigMaps
// `<child>-results-<n>`. This file is the format; who writes and who reads is decided elsewhere.

import type { ChunkSize } from "./chunks.ts";

/** Opens segment 0: what the shard and item numbers of all further lines mean. */
export interface HeaderRecord {
  readonly kind: "header";
  /** UID of the task. */
  readonly task: string;
  readonly items: number;
  readonly chunk: ChunkSize;
  readonly digest: string;
}

/** Which items a shard has, where chunks are cut as they are needed: before its first start, and once. */
export interface CutRecord {
  readonly kind: "cut";
  readonly shard: number;
  /** Ranges as in `0-99,105`. */
  readonly cut: string;
}

export type Outcome = "Succeeded" | "Failed" | "TimedOut" | "Stopped" | "Lost";

/** The end of one attempt. Stands after the lines of its items: an attempt counts as recorded when this line is there. */
export interface AttemptRecord {
  readonly kind: "attempt";
  readonly shard: number;
  readonly attempt: number;
  readonly outcome: Outcome;
  /** UID of the Pod; absent where none was ever seen. */
  readonly pod?: string;
  readonly node?: string;
  /** Milliseconds since 1970: the Job's creation, the container's start, the end. */
  readonly decided: number;
  readonly start?: number;
  readonly end: number;
  /** Ranges of items whose results had no room: where chunks are cut as needed, no longer the shard's. */
  readonly handedBack?: string;
}

/** What became of one item in one attempt. */
export interface ItemRecord {
  readonly kind: "item";
  readonly item: number;
  readonly shard: number;
  /** How many attempts of this item have been accounted, this one included. */
  readonly attempts: number;
  readonly node?: string;
  readonly start?: number;
  /** Run time in milliseconds. */
  readonly ms?: number;
  readonly exit?: number;
  /** Of a success; absent where the program wrote none. */
  readonly result?: string;
  readonly truncated?: boolean;
  /** Of a failure only: `Error`, `OOMKilled`, `TimedOut` … */
  readonly reason?: string;
  readonly message?: string;
}

/** Items that succeeded after `results.maxBytes` was used up: counted, their results not kept. */
export interface UnkeptRecord {
  readonly kind: "unkept";
  /** Ranges as in `0-99,105`. */
  readonly items: string;
  readonly ms: number;
}

/** `spec.retryFailed` was raised to `round`: every item that had failed is open again. */
export interface RetryRecord {
  readonly kind: "retry";
  readonly round: number;
}

/**
 * These shards were seen to start: where nothing holds what runs them, it may vanish, and then only this line tells that
 * the number of the attempt was used. Left out for what has ended by the time of writing.
 */
export interface StartRecord {
  readonly kind: "start";
  /** Ranges as in `0-99,105`. */
  readonly started: string;
  readonly attempt: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export type RecordLine =
  | HeaderRecord
  | CutRecord
  | AttemptRecord
  | ItemRecord
  | UnkeptRecord
  | RetryRecord
  | StartRecord;

/** The key of a segment's data. */
export const recordsKey = "records";

/** A segment that is written again does not outgrow this many bytes: etcd keeps every version of it until compaction. */
export const segmentBytes = 128 * 1024;

export function succeeded(record: ItemRecord): boolean {
  return record.reason === undefined;
}

/** One line, with its line break. The kind shows in the fields, so it is not written. */
export function formatRecord(record: RecordLine): string {
  const { kind: _, ...fields } = record;
  return `${JSON.stringify(fields)}\n`;
}

/** The lines of a segment. A line that is none of ours is reported, not thrown: people can edit a ConfigMap. */
export function parseRecords(text: string): { readonly records: readonly RecordLine[]; readonly malformed: number } {
  const records: RecordLine[] = [];
  let malformed = 0;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const record = parseRecord(line);
    if (record === undefined) malformed++;
    else records.push(record);
  }
  return { records, malformed };
}

function parseRecord(line: string): RecordLine | undefined {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof fields !== "object" || fields === null) return undefined;
  const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
  if (typeof fields.started === "string" && isCount(fields.attempt)) return { kind: "start", ...fields } as StartRecord;
  if (isCount(fields.item) && isCount(fields.shard)) return { kind: "item", ...fields } as ItemRecord;
  if (isCount(fields.shard) && isCount(fields.attempt)) return { kind: "attempt", ...fields } as AttemptRecord;
  if (isCount(fields.shard) && typeof fields.cut === "string") return { kind: "cut", ...fields } as CutRecord;
  if (typeof fields.task === "string" && isCount(fields.items)) return { kind: "header", ...fields } as HeaderRecord;
  if (typeof fields.items === "string") return { kind: "unkept", ...fields } as UnkeptRecord;
  if (isCount(fields.round)) return { kind: "retry", ...fields } as RetryRecord;
  return undefined;
}
