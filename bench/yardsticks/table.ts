// `make yardsticks`: all that the folder of yardsticks has, published value beside ours, through what it went, and whether
// it holds. Without --all what takes minutes is left out, and said so.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { EstimateName } from "./estimates.ts";
import { fairnessRows } from "./fairness-rows.ts";
import { fgdRows } from "./fgd-rows.ts";
import type { Job, RuleName } from "./jobs.ts";
import type { Measures } from "./measures.ts";
import { binpackRows, pcmaxRows } from "./packing-rows.ts";
import { queueCases, runCase } from "./queue.ts";
import { readCase, readSwf } from "./read-jobs.ts";
import type { YardstickRow } from "./row.ts";
import { runSwf, type SwfOptions, shaken } from "./swf.ts";
import { textbookRows } from "./textbook.ts";

const { values } = parseArgs({ options: { data: { type: "string" }, all: { type: "boolean", default: false } } });
const folder = values.data ?? resolve(import.meta.dirname, "../../../shared/yardsticks");
let failed = 0;

function print({ name, published, ours, through, holds }: YardstickRow): void {
  if (!holds) failed += 1;
  const verdict = holds ? "holds" : "DOES NOT HOLD";
  console.log(`${name.padEnd(46)} ${published.padStart(24)} ${ours.padStart(24)}  ${verdict.padEnd(13)}  ${through}`);
}

const isClose = (ours: number, published: number): boolean => Math.abs(ours / published - 1) < 1e-13;

function caseRows(): void {
  for (const [rule, files] of queueCases) {
    const right = files.filter((file) => {
      const jobs = readCase(join(folder, "queue_cases", file));
      const ends = runCase(jobs, 100, rule);
      return jobs.every(({ expectedEndMs }, i) => ends[i] === expectedEndMs);
    });
    print({
      name: `pyss cases, every finish time, ${rule}`,
      published: `${files.length} files`,
      ours: `${right.length} files`,
      through: "product",
      holds: right.length === files.length,
    });
  }
}

/** By the run's name in the published table. */
const kth: readonly (readonly [string, RuleName, EstimateName])[] = [
  ["easy_backfill_scheduler_None_None", "easy", "user"],
  ["easy_prediction_backfill_scheduler_predictorreqtime_throw_an_error", "easy", "user"],
  ["easy_prediction_backfill_scheduler_predictordoublereqtime_throw_an_error", "easy", "double"],
  ["easy_prediction_backfill_scheduler_predictorclairvoyant_throw_an_error", "easy", "actual"],
  ["easy_prediction_backfill_scheduler_predictortsafrir_tsafrir", "easy", "tsafrir"],
  ["easy_prediction_backfill_scheduler_predictortsafrir_reqtime", "easy", "tsafrir+estimate"],
  ["easy_prediction_backfill_scheduler_predictortsafrir_recursive_doubling", "easy", "tsafrir+doubling"],
  ["easy_sjbf_scheduler_None_None", "easy-sjbf", "user"],
  ["easy_plus_plus_scheduler_predictorreqtime_throw_an_error", "easy-sjbf", "user"],
  ["easy_plus_plus_scheduler_predictordoublereqtime_throw_an_error", "easy-sjbf", "double"],
  ["easy_plus_plus_scheduler_predictorclairvoyant_throw_an_error", "easy-sjbf", "actual"],
  ["easy_plus_plus_scheduler_predictortsafrir_tsafrir", "easy++", "tsafrir"],
  ["easy_plus_plus_scheduler_predictortsafrir_reqtime", "easy++", "tsafrir+estimate"],
  ["easy_plus_plus_scheduler_predictortsafrir_recursive_doubling", "easy++", "tsafrir+doubling"],
];

function publishedRuns(jobs: readonly Job[]): void {
  const lines = readFileSync(join(folder, "swf", "easy_targets_kth.csv"), "utf8")
    .trim()
    .split("\n")
    .slice(1);
  const published = new Map(lines.map((line) => [line.split(",")[1] ?? "", Number(line.split(",")[6])]));
  const row = (name: string, target: number, options: SwfOptions, close: (ours: number) => boolean): void => {
    const ours = runSwf(jobs, 100, options).averageBoundedSlowdown;
    const through = options.asPyss ? "bridge" : "product";
    print({ name, published: String(target), ours: String(ours), through, holds: close(ours) });
  };
  for (const [run, rule, estimates] of kth) {
    const target = published.get(run) ?? Number.NaN;
    row(`KTH, pyss, ${rule}, ${estimates}`, target, { rule, estimates, asPyss: true }, (ours) => isClose(ours, target));
  }
  const to = (digits: number, target: number) => (ours: number) => ours.toFixed(digits) === target.toFixed(digits);
  row("KTH, pyss, conservative", 88.997275, { rule: "conservative", asPyss: true }, to(6, 88.997275));
  const own: readonly (readonly [RuleName, EstimateName, number])[] = [
    ["easy", "user", 92.69],
    ["easy-sjbf", "user", 69.39],
    ["easy", "double", 79.67],
    ["easy-sjbf", "double", 59.44],
    ["easy++", "tsafrir", 63.43],
    ["easy-sjbf", "actual", 49.85],
  ];
  for (const [rule, estimates, target] of own) {
    row(`KTH, a plan an instant, ${rule}, ${estimates}`, target, { rule, estimates }, to(2, target));
  }
}

/** Beyond matching: no rule may look good on one trace only, so submits are shaken, each seed alike for all rules. */
function shakenRuns(jobs: readonly Job[], seeds: number): void {
  const run = (options: SwfOptions): readonly Measures[] =>
    Array.from({ length: seeds }, (_, i) => runSwf(shaken(jobs, i + 1), 100, options));
  const easyPlus = run({ rule: "easy++" });
  const double = run({ rule: "easy-sjbf", estimates: "double" });
  for (const noUsers of [false, true]) {
    const learned = run({ rule: "learned", noUsers });
    const name = `KTH, ${seeds} shaken runs, learned${noUsers ? ", no users" : ""}`;
    const row = (figure: keyof Measures, what: string, others: readonly (readonly Measures[])[]): void => {
      const ours = median(learned, figure);
      const target = Math.min(...others.map((each) => median(each, figure)));
      const told = (value: number): string => value.toFixed(2);
      const holds = ours < target;
      print({ name: `${name}: ${what}`, published: `< ${told(target)}`, ours: told(ours), through: "product", holds });
    };
    row("averageBoundedSlowdown", "slowdown", [easyPlus, double]);
    row("meanWaitWideSeconds", "wide wait", [easyPlus]);
    row("headsLatePercent", "late", [easyPlus]);
  }
}

function median(measures: readonly Measures[], figure: keyof Measures): number {
  const sorted = measures.map((each) => each[figure]).sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

if (!existsSync(folder) || readdirSync(folder).length === 0) {
  console.log(`skipped: the published traces are not part of this project, and there is no folder ${folder}`);
} else {
  console.log(`${"what".padEnd(46)} ${"published".padStart(24)} ${"ours".padStart(24)}  ${"".padEnd(13)}  through`);
  caseRows();
  textbookRows(join(folder, "fairness", "cases.json")).forEach(print);
  fairnessRows(join(folder, "fairness", "cases.json")).forEach(print);
  binpackRows(join(folder, "binpack")).forEach(print);
  pcmaxRows(join(folder, "pcmax")).forEach(print);
  if (values.all) {
    fgdRows(join(folder, "fgd")).forEach(print);
    const jobs = readSwf(join(folder, "swf", "KTH-SP2.filtered.swf.gz"), 100);
    publishedRuns(jobs);
    shakenRuns(jobs, 16);
  } else {
    console.log("left out: the runs of KTH-SP2 and of the GPU traces, which take long (make yardsticks ALL=1)");
  }
  console.log(failed === 0 ? "all of it holds" : `${failed} rows do not hold`);
  process.exitCode = failed === 0 ? 0 : 1;
}
