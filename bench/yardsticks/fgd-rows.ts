// The rows of FGD's traces: each published policy against its table, and the product's placements beside FGD. Minutes.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runFgd } from "./fgd.ts";
import { published } from "./fgd-policies.ts";
import { ofProduct } from "./fgd-product.ts";
import { readFgdTrace } from "./fgd-trace.ts";
import type { YardstickRow } from "./row.ts";

/** Cells are printed to 0.01. */
const cellMargin = 0.011;
const meanMargin = 0.4;

/** Unallocated per cent of devices once as much has been asked for as there is: means of the seeds. */
export function fgdRows(folder: string, seeds?: readonly number[]): readonly YardstickRow[] {
  const tables = readTables(folder);
  const traces = [...new Set(tables.map(({ trace }) => trace))];
  return traces.flatMap((trace) => {
    const used = seeds ?? [...new Set(tables.filter((each) => each.trace === trace).map(({ seed }) => seed))];
    const tableOf = (policy: string, seed: number): readonly number[] =>
      tables.find((each) => each.trace === trace && each.policy === policy && each.seed === seed)?.cells ?? [];
    const rows = Object.entries(published).map(([name, policy]): YardstickRow => {
      const runs = used.map((seed) => runFgd(readFgdTrace(folder, trace, seed), policy, seed).unallocatedPercent);
      const expected = used.map((seed) => tableOf(name.slice("fgd/".length), seed));
      const off = Math.max(
        ...expected.flatMap((row, i) => row.map((cell, at) => Math.abs(cell - (runs[i]?.[at] ?? 0)))),
      );
      const [theirs, ours] = [meanAt100(expected), meanAt100(runs)];
      const holds = name === "fgd/Random" ? Math.abs(theirs - ours) <= meanMargin : off <= cellMargin;
      return {
        name: `${trace}, ${name}`,
        published: theirs.toFixed(2),
        ours: `${ours.toFixed(2)} (a cell is off by ${off.toFixed(3)} at most)`,
        through: "harness, by the published rule",
        holds,
      };
    });
    const own = Object.entries(ofProduct).map(([name, policy]): YardstickRow => {
      const runs = used.map((seed) => runFgd(readFgdTrace(folder, trace, seed), policy, seed).unallocatedPercent);
      const fgd = used.map((seed) => tableOf("FGD", seed));
      const below = runs.filter((run, i) => (run[100] ?? 0) < (fgd[i]?.[100] ?? 0)).length;
      return {
        name: `${trace}, ${name}, learned from arrivals alone`,
        published: `${meanAt100(fgd).toFixed(2)} (FGD, which knows the trace)`,
        ours: `${meanAt100(runs).toFixed(2)} (below FGD in ${below} of ${used.length} runs)`,
        through: "the product's rule; devices in parts in the harness",
        holds: name !== "Packability" || below === used.length,
      };
    });
    return [...rows, ...own];
  });
}

function meanAt100(runs: readonly (readonly number[])[]): number {
  return runs.reduce((sum, run) => sum + (run[100] ?? 0), 0) / runs.length;
}

interface Table {
  readonly trace: string;
  readonly policy: string;
  readonly seed: number;
  /** Unallocated, by per cent that has arrived. */
  readonly cells: readonly number[];
}

function readTables(folder: string): readonly Table[] {
  const file = readdirSync(folder).find((name) => name.includes("allo_discrete"));
  if (file === undefined) return [];
  const lines = readFileSync(join(folder, file), "utf8").trim().split("\n").slice(1);
  return lines.map((line) => {
    const [trace = "", policy = "", , seed = "", , ...cells] = line.split(",");
    const unallocated = cells.map((cell) => 100 - Number(cell));
    return { trace, policy: policy.replace(/^\d+-/, ""), seed: Number(seed), cells: unallocated };
  });
}
