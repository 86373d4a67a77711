// `npm run -s bench [-- SCENARIO [--option value …]]`: runs one scenario, or all, prints a JSON line each, and holds it
// against budgets.json. Counts, bytes and ratios fail at their margin; wall times are only told.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { plan } from "./plan.ts";
import type { Figures, Scenario } from "./scenario.ts";
import { shards } from "./shards.ts";

interface Budget {
  /** `scenario.figure` */
  readonly name: string;
  readonly unit: string;
  readonly kind: "count" | "ratio" | "bytes" | "cpu" | "wall";
  readonly value: number;
  /** How much more than `value` still passes, as a part of it. */
  readonly margin: number;
  readonly machine: string;
  readonly date: string;
}

const scenarios: Readonly<Record<string, Scenario>> = { shards, plan };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: Object.fromEntries(
    ["shards", "nodes", "profile", "tasks", "policy", "seed"].map((name) => [name, { type: "string" }] as const),
  ),
});
const chosen = positionals.length === 0 ? Object.keys(scenarios) : positionals;
const unknown = chosen.filter((name) => scenarios[name] === undefined);
if (unknown.length > 0) {
  console.error(`there is no scenario ${unknown.join(", ")}; there are: ${Object.keys(scenarios).join(", ")}`);
  process.exit(2);
}

const budgets: readonly Budget[] = JSON.parse(readFileSync(new URL("budgets.json", import.meta.url), "utf8"));
for (const name of chosen) {
  const figures = (await scenarios[name]?.(values)) ?? {};
  console.log(JSON.stringify({ scenario: name, ...figures }));
  for (const budget of budgets.filter((each) => each.name.startsWith(`${name}.`))) judge(budget, figures);
}

function judge({ name, unit, kind, value, margin }: Budget, figures: Figures): void {
  const found = figures[name.slice(name.indexOf(".") + 1)];
  if (found === undefined || found <= value * (1 + margin)) return;
  const words = `${name} is ${found} ${unit}, over its budget of ${value} ${unit} by more than ${Math.round(margin * 100)} %`;
  console.error(words);
  if (kind !== "wall") process.exitCode = 1;
}
