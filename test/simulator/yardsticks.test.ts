// The field's own exact results, through the product's planner. The data is not part of this project: where the folder
// is absent these tests are skipped.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { queueCases, runCase } from "../../bench/yardsticks/queue.ts";
import { readCase } from "../../bench/yardsticks/read-jobs.ts";

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
