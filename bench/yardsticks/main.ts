// The one command for the yardsticks: `yardstick swf|queue|binpack --file F …`, `yardstick fgd --data DIR …`,
// `yardstick placements`; prints JSON lines.
import { parseArgs } from "node:util";
import { orderNames, placementNames } from "../../src/scheduling/index.ts";
import { binsUsed, readBinpack } from "./binpack.ts";
import { estimateNames } from "./estimates.ts";
import { runFgd } from "./fgd.ts";
import { published } from "./fgd-policies.ts";
import { ofProduct } from "./fgd-product.ts";
import { readFgdTrace } from "./fgd-trace.ts";
import { type RuleName, rules } from "./jobs.ts";
import { comparePlacements } from "./placements.ts";
import { runCase } from "./queue.ts";
import { readCase, readSwf } from "./read-jobs.ts";
import { runSwf, type SwfOptions, shaken } from "./swf.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    file: { type: "string" },
    data: { type: "string" },
    trace: { type: "string" },
    seed: { type: "string", default: "42" },
    procs: { type: "string", default: "100" },
    rule: { type: "string", default: "easy" },
    estimates: { type: "string" },
    events: { type: "string" },
    "no-users": { type: "boolean", default: false },
    shake: { type: "string" },
    policy: { type: "string", default: "BinPack" },
    order: { type: "string", default: "FirstCome" },
    seeds: { type: "string", default: "10" },
  },
});

function say(result: unknown): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

function oneOf<Name extends string>(what: string, given: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === given);
  if (found === undefined) throw new Error(`there is no ${what} ${given}; there are ${names.join(", ")}`);
  return found;
}

function file(): string {
  if (values.file === undefined) throw new Error("--file says which file to read");
  return values.file;
}

function number(option: string, given: string, least: number): number {
  const value = Number(given);
  if (!Number.isSafeInteger(value) || value < least)
    throw new Error(`--${option} ${given} is no whole number from ${least}`);
  return value;
}

function rule(): RuleName {
  return oneOf("rule", values.rule, Object.keys(rules) as RuleName[]);
}

const commands: Readonly<Record<string, () => void>> = {
  swf: () => {
    const processors = number("procs", values.procs, 1);
    const read = readSwf(file(), processors);
    const jobs = values.shake === undefined ? read : shaken(read, number("shake", values.shake, 0));
    const named = values.estimates;
    if (values.events !== undefined) oneOf("way to order events", values.events, ["pyss"]);
    const options: SwfOptions = {
      rule: rule(),
      asPyss: values.events === "pyss",
      noUsers: values["no-users"],
      ...(named !== undefined && { estimates: oneOf("estimate", named, estimateNames) }),
    };
    say(runSwf(jobs, processors, options));
  },
  queue: () => {
    const jobs = readCase(file());
    const ends = runCase(jobs, number("procs", values.procs, 1), rule());
    say({ finishSeconds: ends.map((end) => (end === undefined ? null : end / 1000)) });
  },
  binpack: () => {
    const policy = oneOf("policy", values.policy, placementNames);
    const order = oneOf("order", values.order, orderNames);
    for (const instance of readBinpack(file())) say({ name: instance.name, bins: binsUsed(instance, policy, order) });
  },
  fgd: () => {
    if (values.data === undefined) throw new Error("--data says in which folder the traces are");
    if (values.trace === undefined) throw new Error("--trace says which pods arrive, such as default");
    const policies = { ...published, ...ofProduct };
    const policy = policies[oneOf("policy", values.policy, Object.keys(policies))];
    const seed = number("seed", values.seed, 0);
    if (policy === undefined) return;
    say(runFgd(readFgdTrace(values.data, values.trace, seed), policy, seed));
  },
  placements: () => {
    for (const result of comparePlacements(number("seeds", values.seeds, 1))) say(result);
  },
};

const command = commands[positionals[0] ?? ""];
if (command === undefined) {
  process.stderr.write(`usage: yardstick ${Object.keys(commands).join("|")} --file FILE …, or --data FOLDER …\n`);
  process.exitCode = 2;
} else {
  try {
    command();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
