// The field's own exact results, through the product's planner. The data is not part of this project: where the folder
// is absent these tests are skipped.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { binsUsed, readBinpack } from "../../bench/yardsticks/binpack.ts";
import { queueCases, runCase } from "../../bench/yardsticks/queue.ts";
import { readCase } from "../../bench/yardsticks/read-jobs.ts";
import type { OrderName, PlacementName } from "../../src/scheduling/index.ts";

const yardsticks = resolve(import.meta.dirname, "../../../shared/yardsticks");
const isThere = existsSync(yardsticks);
if (!isThere) console.log("skipped: the published traces, whose folder is not beside this checkout");
const described = describe.skipIf(!isThere);

described("the small cases of pyss", () => {
  for (const [rule, files] of queueCases) {
    test.each(files)(`${rule}: each job of %s ends when it should`, (file) => {
      const jobs = readCase(join(yardsticks, "queue_cases", file));
      expect(runCase(jobs, 100, rule)).toEqual(jobs.map(({ expectedEndMs }) => expectedEndMs));
    });
  }
});

described("bin packing, u120 of the OR-Library", () => {
  const counts: readonly [string, PlacementName, OrderName, number][] = [
    ["first fit", "FirstFit", "FirstCome", 1044],
    ["best fit", "BinPack", "FirstCome", 1038],
    ["first fit decreasing", "FirstFit", "LargestRequest", 995],
    ["best fit decreasing", "BinPack", "LargestRequest", 995],
  ];
  test.each(counts)("%s opens as many bins as the literature's", (_, placement, order, expected) => {
    const instances = readBinpack(join(yardsticks, "binpack", "binpack1.txt"));
    expect(instances.map((each) => binsUsed(each, placement, order)).reduce((a, b) => a + b, 0)).toBe(expected);
  });
});
