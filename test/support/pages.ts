// Pages of the documentation as tests read them: the text under a heading, the rows of its tables.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

export const root = resolve(import.meta.dirname, "../..");
export const read = (page: string): string => readFileSync(resolve(root, page), "utf8");

/** The text under a heading, up to the next of the same level or above. */
export function section(page: string, heading: string): string {
  const lines = read(page).split("\n");
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, "") === heading);
  if (start < 0) throw new Error(`${page} has no heading "${heading}"`);
  const level = /^#+/.exec(lines[start] ?? "")?.[0].length ?? 1;
  const end = lines.findIndex((line, index) => index > start && /^#+ /.test(line) && line.search(/[^#]/) <= level);
  return lines.slice(start + 1, end < 0 ? undefined : end).join("\n");
}

/** The rows of the tables in a text, cell by cell, without their heads. */
export function rowsIn(text: string): string[][] {
  const lines = text.split("\n").filter((line) => line.startsWith("|"));
  const cells = lines.map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return cells.filter(
    (_, index) => !/^\|[-| :]+\|$/.test(lines[index] ?? "") && !/^\|[-| :]+\|$/.test(lines[index + 1] ?? ""),
  );
}
