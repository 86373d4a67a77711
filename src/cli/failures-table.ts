// The failed items of a task as a table.
import type { ItemRecord } from "../api/records.ts";
import { type FailureRow, failureRow } from "../view/failure-row.ts";
import { type Column, tableText } from "./table.ts";

const columns: readonly Column<FailureRow>[] = [
  { head: "ITEM", cell: (row) => row.item },
  { head: "SHARD", cell: (row) => row.shard },
  { head: "ATTEMPTS", cell: (row) => row.attempts },
  { head: "EXIT", cell: (row) => row.exit },
  { head: "REASON", cell: (row) => row.reason },
  { head: "NODE", cell: (row) => row.node },
  { head: "MESSAGE", cell: (row) => row.message },
];

export function failuresTable(failures: readonly ItemRecord[]): string {
  return tableText(columns, failures.map(failureRow));
}
