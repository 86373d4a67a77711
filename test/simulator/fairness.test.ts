// Fairness and the textbook's traces as published, through the product's tree and orders. The data is no part of this
// project: where the folder is absent these tests are skipped.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { fairnessRows } from "../../bench/yardsticks/fairness-rows.ts";
import { textbookRows } from "../../bench/yardsticks/textbook.ts";

const cases = resolve(import.meta.dirname, "../../../shared/yardsticks/fairness/cases.json");
const isThere = existsSync(cases);
if (!isThere) console.log("skipped: DRF, Kueue's fair sharing and OSTEP, whose folder is not beside this checkout");

describe.skipIf(!isThere)("as published", () => {
  test("DRF's allocations, Kueue's shares and cohorts", () => {
    const rows = fairnessRows(cases);
    expect(rows).toHaveLength(14);
    expect(rows.filter(({ holds }) => !holds)).toEqual([]);
  });

  test("OSTEP's mean turnarounds, first starts and ends", () => {
    const rows = textbookRows(cases);
    expect(rows).toHaveLength(11);
    expect(rows.filter(({ holds }) => !holds)).toEqual([]);
  });
});
