// Prints rows as kubectl does: upper-case heads, columns as wide as their widest cell, three spaces between.
import { oneLine } from "./one-line.ts";

export interface Column<Row> {
  readonly head: string;
  /** Undefined is printed as kubectl's `<none>`. */
  readonly cell: (row: Row) => string | number | undefined;
}

/** The lines of a table, each with its line break. */
export function tableText<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [columns.map(({ head }) => head), ...rows.map((row) => columns.map(({ cell }) => cellText(cell(row))))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => [...(line[index] ?? "")].length)));
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, index) => pad(cell, widths[index] ?? 0))
          .join("   ")
          .trimEnd()}\n`,
    )
    .join("");
}

function cellText(value: string | number | undefined): string {
  if (value === undefined || value === "") return "<none>";
  return oneLine(String(value));
}

function pad(cell: string, width: number): string {
  return cell + " ".repeat(Math.max(0, width - [...cell].length));
}
