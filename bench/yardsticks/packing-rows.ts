// The rows of bin packing and of jobs on identical machines: what the literature's rules come to, through the product's
// planner, beside the proven optima.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { OrderName, PlacementName } from "../../src/scheduling/index.ts";
import { binsUsed, readBinpack } from "./binpack.ts";
import { makespan, multifit, type PcmaxInstance, readPcmax } from "./pcmax.ts";
import type { YardstickRow } from "./row.ts";

export interface PackingRule {
  readonly name: string;
  /** Its column in the reference. */
  readonly column: string;
  readonly placement: PlacementName;
  readonly order: OrderName;
}

export const packingRules: readonly PackingRule[] = [
  { name: "first fit", column: "FF", placement: "FirstFit", order: "FirstCome" },
  { name: "best fit", column: "BF", placement: "BinPack", order: "FirstCome" },
  { name: "first fit decreasing", column: "FFD", placement: "FirstFit", order: "LargestRequest" },
  { name: "best fit decreasing", column: "BFD", placement: "BinPack", order: "LargestRequest" },
];

export interface MachineRule {
  readonly name: string;
  readonly column: string;
  readonly through: string;
  readonly run: (instance: PcmaxInstance) => number;
}

const planner = "product";

export const machineRules: readonly MachineRule[] = [
  { name: "LPT", column: "LPT", through: planner, run: (each) => makespan(each, "LargestRequest") },
  { name: "list scheduling", column: "list_file_order", through: planner, run: (each) => makespan(each, "FirstCome") },
  {
    name: "shortest first",
    column: "list_SPT_order",
    through: planner,
    run: (each) => makespan(each, "SmallestRequest"),
  },
  {
    name: "MULTIFIT",
    column: "MULTIFIT_FFD_integer_bisection",
    through: "product; the search in the harness",
    run: multifit,
  },
];

/** Sums over a file's instances. */
export function binpackRows(folder: string): readonly YardstickRow[] {
  const reference = rowsOf(join(folder, "reference_counts.csv"));
  const sets = [
    { file: "binpack1.txt", set: "ORLIB_u120" },
    { file: "binpack2.txt", set: "ORLIB_u250" },
  ];
  return sets
    .filter(({ file }) => existsSync(join(folder, file)))
    .flatMap(({ file, set }) => {
      const instances = readBinpack(join(folder, file));
      const listed = reference.filter((row) => row.set === set);
      const sum = (column: string): number => listed.reduce((total, row) => total + Number(row[column]), 0);
      return packingRules.map(({ name, column, placement, order }): YardstickRow => {
        const bins = instances.reduce((total, each) => total + binsUsed(each, placement, order), 0);
        return {
          name: `${set}, ${name}: ${placement} by ${order}`,
          published: `${sum(column)} (optimum ${sum("optimum")})`,
          ours: String(bins),
          through: planner,
          holds: bins === sum(column),
        };
      });
    });
}

export function pcmaxRows(folder: string): readonly YardstickRow[] {
  return rowsOf(join(folder, "reference.csv")).flatMap((row) => {
    const instance = readPcmax(join(folder, `${row.instance}.txt`));
    return machineRules.map(({ name, column, through, run }): YardstickRow => {
      const ours = run(instance);
      const published = `${row[column]} (optimum ${row.best_makespan})`;
      return {
        name: `${row.instance}, ${name}`,
        published,
        ours: String(ours),
        through,
        holds: String(ours) === row[column],
      };
    });
  });
}

function rowsOf(file: string): readonly Readonly<Record<string, string>>[] {
  const [head = "", ...lines] = readFileSync(file, "utf8").trim().split(/\r?\n/);
  const columns = head.split(",");
  return lines.map((line) => Object.fromEntries(line.split(",").map((cell, i) => [columns[i] ?? "", cell])));
}
