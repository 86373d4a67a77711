// FGD's published placements on its own traces (USENIX ATC'23), and the product's beside them. The data is not part of this
// project: where the folder is absent these tests are skipped.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { runFgd } from "../../bench/yardsticks/fgd.ts";
import { published } from "../../bench/yardsticks/fgd-policies.ts";
import { readFgdTrace } from "../../bench/yardsticks/fgd-trace.ts";

const folder = resolve(import.meta.dirname, "../../../shared/yardsticks/fgd");
const isThere = existsSync(folder);
if (!isThere) console.log("skipped: FGD's traces, whose folder is not beside this checkout");

/** So many percent of the devices have been asked for when a shortened run ends: what is tested takes seconds. */
const shortened = 40;

describe.skipIf(!isThere)("FGD's published policies", () => {
  const deterministic = Object.keys(published).filter((name) => name !== "fgd/Random");

  test.each(deterministic)("%s leaves unallocated what was published, at each of the first percents", (name) => {
    const trace = readFgdTrace(folder, "default", 42);
    const arrivals = trace.arrivals.slice(0, Math.round((trace.arrivals.length * (shortened + 2)) / 130));
    const { unallocatedPercent } = runFgd({ ...trace, arrivals }, policyOf(name), 42);
    const expected = publishedRow(name.slice("fgd/".length));
    for (let percent = 0; percent <= shortened; percent += 1) {
      expect(Math.abs((unallocatedPercent[percent] ?? 0) - (expected[percent] ?? 0))).toBeLessThanOrEqual(0.011);
    }
  });

  function policyOf(name: string) {
    const policy = published[name];
    if (policy === undefined) throw new Error(`there is no policy ${name}`);
    return policy;
  }

  function publishedRow(policy: string): readonly number[] {
    const lines = readFileSync(join(folder, "analysis_allo_discrete.csv"), "utf8").split("\n");
    const cells = lines
      .map((line) => line.split(","))
      .find(([trace, name = "", , seed]) => {
        return trace === "openb_pod_list_default" && name.endsWith(`-${policy}`) && seed === "42";
      });
    return (cells ?? []).slice(5).map((cell) => 100 - Number(cell));
  }
});
