// `npm run -s bench [-- SCENARIO --flag value …]`: runs one scenario, or all that need no special ground, prints a JSON
// line each, and holds it against budgets.json.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Budget, judge } from "./budget.ts";
import { cache } from "./cache.ts";
import { takeDownOnSignals } from "./ending.ts";
import { engines } from "./engines.ts";
import { items } from "./items.ts";
import { kueueBaseline } from "./kueue-baseline.ts";
import { perfScenarios } from "./perf-scenarios.ts";
import { plan } from "./plan.ts";
import { rest } from "./rest.ts";
import { FlagError, type Flags, type Scenario } from "./scenario.ts";
import { shards } from "./shards.ts";

const scenarios: Readonly<Record<string, Scenario>> = {
  shards,
  plan,
  engines,
  cache,
  items,
  rest,
  "kueue-baseline": kueueBaseline,
  "perf-scenarios": perfScenarios,
};

const [named, ...more] = process.argv.slice(2);
takeDownOnSignals();
const isFlag = named === undefined || named.startsWith("-");
try {
  const chosen = isFlag ? Object.keys(scenarios).filter((name) => scenarios[name]?.onDemand !== true) : [named];
  for (const name of chosen) await runScenario(name, isFlag ? process.argv.slice(2) : more);
} catch (error) {
  if (!(error instanceof FlagError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}

async function runScenario(name: string, args: readonly string[]): Promise<void> {
  const scenario = scenarios[name];
  if (scenario === undefined) throw new FlagError(`there is no scenario ${name}; there are:\n${list()}`);
  const flags = flagsIn(name, scenario, args);
  const figures = await scenario.run(flags);
  console.log(JSON.stringify({ scenario: name, ...figures }));
  const budgets: readonly Budget[] = JSON.parse(readFileSync(new URL("budgets.json", import.meta.url), "utf8"));
  for (const budget of budgets) {
    const judgement = judge(budget, name, flags, figures);
    if (judgement === undefined) continue;
    console.error(judgement.words);
    if (judgement.fails) process.exitCode = 1;
  }
}

function flagsIn(name: string, scenario: Scenario, args: readonly string[]): Flags {
  const options = Object.fromEntries(Object.keys(scenario.flags).map((flag) => [flag, { type: "string" as const }]));
  try {
    return { ...scenario.flags, ...(parseArgs({ args: [...args], options }).values as Flags) };
  } catch (error) {
    throw new FlagError(`${name}: ${(error as Error).message}\nit takes:\n${flagList(scenario)}`);
  }
}

function list(): string {
  return Object.entries(scenarios)
    .map(([name, scenario]) => `${name}: ${scenario.about}\n${flagList(scenario)}`)
    .join("\n");
}

function flagList({ flags }: Scenario): string {
  return Object.entries(flags)
    .map(([flag, value]) => `  --${flag} ${value === "" ? "…" : value}`)
    .join("\n");
}
