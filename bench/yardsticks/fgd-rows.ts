// The rows of FGD's traces: each published policy against its table, and the product's placements beside FGD. Minutes.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type FgdResult, runFgd } from "./fgd.ts";
import { type MakePolicy, published } from "./fgd-policies.ts";
import { ofProduct } from "./fgd-product.ts";
import { readFgdTrace } from "./fgd-trace.ts";
import type { YardstickRow } from "./row.ts";

/** Cells are printed to 0.01. */
const cellMargin = 0.011;
const meanMargin = 0.4;
/** No kind may pay for what the others win. */
const droppedMargin = 0.2;
/** Of hundredths that are subtracted. */
const rounding = 1e-9;
const through = "the product's rule; devices in parts in the harness";

/** Unallocated per cent of devices once as much has been asked for as there is: means of the seeds. */
export function fgdRows(folder: string, seeds?: readonly number[]): readonly YardstickRow[] {
  const tables = readTables(folder);
  const traces = [...new Set(tables.map(({ trace }) => trace))];
  return traces.flatMap((trace) => {
    const used = seeds ?? [...new Set(tables.filter((each) => each.trace === trace).map(({ seed }) => seed))];
    const tableOf = (policy: string, seed: number): readonly number[] =>
      tables.find((each) => each.trace === trace && each.policy === policy && each.seed === seed)?.cells ?? [];
    const runsOf = (policy: MakePolicy): readonly FgdResult[] =>
      used.map((seed) => runFgd(readFgdTrace(folder, trace, seed), policy, seed));
    const theirs = new Map(Object.entries(published).map(([name, policy]) => [name, runsOf(policy)]));
    const rows = [...theirs].map(([name, results]): YardstickRow => {
      const runs = results.map(({ unallocatedPercent }) => unallocatedPercent);
      const expected = used.map((seed) => tableOf(name.slice("fgd/".length), seed));
      const off = Math.max(
        ...expected.flatMap((row, i) => row.map((cell, at) => Math.abs(cell - (runs[i]?.[at] ?? 0)))),
      );
      const [mean, ours] = [meanAt100(expected), meanAt100(runs)];
      const holds = name === "fgd/Random" ? Math.abs(mean - ours) <= meanMargin : off <= cellMargin;
      return {
        name: `${trace}, ${name}`,
        published: mean.toFixed(2),
        ours: `${ours.toFixed(2)} (a cell is off by ${off.toFixed(3)} at most)`,
        through: "harness, by the published rule",
        holds,
      };
    });
    const own = Object.entries(ofProduct).flatMap(([name, policy]): readonly YardstickRow[] => {
      const results = runsOf(policy);
      const runs = results.map(({ unallocatedPercent }) => unallocatedPercent);
      const fgd = used.map((seed) => tableOf("FGD", seed));
      const below = runs.filter((run, i) => (run[100] ?? 0) < (fgd[i]?.[100] ?? 0)).length;
      const unallocated = {
        name: `${trace}, ${name}, learned from arrivals alone`,
        published: `${meanAt100(fgd).toFixed(2)} (FGD, which knows the trace)`,
        ours: `${meanAt100(runs).toFixed(2)} (below FGD in ${below} of ${used.length} runs)`,
        through,
        holds: name !== "Packability" || below === used.length,
      };
      const dropped = droppedRows(`${trace}, ${name}, dropped beyond FGD`, results, theirs.get("fgd/FGD") ?? []);
      return name === "Packability" ? [unallocated, ...dropped] : [unallocated];
    });
    return [...rows, ...own];
  });
}

/**
 * Who pays: the kind of devices (none, a part of one, one, two …) whose demand is dropped most beyond FGD's, in points of that
 * demand. In the mean of the runs, as all other figures of these traces are; and in any single run, where one pod of a rare
 * kind is worth several points.
 */
export function droppedRows(
  name: string,
  ours: readonly FgdResult[],
  fgd: readonly FgdResult[],
): readonly [YardstickRow, YardstickRow] {
  const kinds = [...new Set([...ours, ...fgd].flatMap(({ droppedPercent }) => Object.keys(droppedPercent)))].sort();
  const excesses = kinds.map((kind) => ({
    kind,
    byRun: ours.map(({ droppedPercent }, run) => (droppedPercent[kind] ?? 0) - (fgd[run]?.droppedPercent[kind] ?? 0)),
  }));
  const means = excesses.map(({ kind, byRun }) => ({
    kind,
    mean: byRun.reduce((sum, excess) => sum + excess, 0) / byRun.length,
  }));
  const isOver = (excess: number): boolean => excess > droppedMargin + rounding;
  const paying = ours.filter((_, run) => excesses.some(({ byRun }) => isOver(byRun[run] ?? 0))).length;
  const worst = Math.max(...excesses.flatMap(({ byRun }) => byRun));
  const published = `<= ${droppedMargin.toFixed(2)} points a kind`;
  return [
    {
      name: `${name}, mean`,
      published,
      ours: means.map(({ kind, mean }) => `${kind} ${mean.toFixed(2)}`).join(", "),
      through,
      holds: means.every(({ mean }) => !isOver(mean)),
    },
    {
      name: `${name}, any run`,
      published,
      ours: `${worst.toFixed(2)} at most; more in ${paying} of ${ours.length} runs`,
      through,
      holds: !isOver(worst),
    },
  ];
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
