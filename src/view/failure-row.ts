// The last failure of one item as a row.
import type { ItemRecord } from "../api/records.ts";

export interface FailureRow {
  readonly item: number;
  readonly shard: number;
  readonly attempts: number;
  /** The program's exit status, where it ran. */
  readonly exit: number | undefined;
  readonly reason: string;
  readonly node: string | undefined;
  /** The last lines that it said. */
  readonly message: string | undefined;
}

export function failureRow(record: ItemRecord): FailureRow {
  const { item, shard, attempts, exit, reason = "Error", node, message } = record;
  return { item, shard, attempts, exit, reason, node, message: message?.trim() };
}
