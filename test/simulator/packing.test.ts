// Bin packing and jobs on identical machines: the literature's own counts, through the product's planner. The data is not
// part of this project: where the folder is absent these tests are skipped.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { binpackRows, pcmaxRows } from "../../bench/yardsticks/packing-rows.ts";

const yardsticks = resolve(import.meta.dirname, "../../../shared/yardsticks");
const isThere = existsSync(yardsticks);
if (!isThere) console.log("skipped: bin packing and P||Cmax, whose folder is not beside this checkout");

describe.skipIf(!isThere)("packing, as the literature counts it", () => {
  test("FF, BF, FFD and BFD open as many bins", () => {
    const rows = binpackRows(join(yardsticks, "binpack"));
    expect(rows).toHaveLength(8);
    expect(rows.filter(({ holds }) => !holds)).toEqual([]);
  });

  test("list scheduling, LPT and MULTIFIT end when they should", () => {
    const rows = pcmaxRows(join(yardsticks, "pcmax"));
    expect(rows).toHaveLength(24);
    expect(rows.filter(({ holds }) => !holds)).toEqual([]);
  });
});
