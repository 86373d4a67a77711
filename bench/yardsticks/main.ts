// The one command for the yardsticks: `yardstick swf|queue|binpack --file F …`; prints JSON lines.
import { parseArgs } from "node:util";
import { orderNames, placementNames } from "../../src/scheduling/index.ts";
import { simulate } from "../../src/simulator/simulate.ts";
import { binsUsed, readBinpack } from "./binpack.ts";
import { type EstimatorName, estimators } from "./estimates.ts";
import { keyOf, rules, workloadOf } from "./jobs.ts";
import { readCase, readSwf } from "./read-jobs.ts";
import { runSwf, shaken } from "./swf.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    file: { type: "string" },
    procs: { type: "string", default: "100" },
    rule: { type: "string", default: "easy" },
    estimates: { type: "string", default: "user" },
    shake: { type: "string" },
    policy: { type: "string", default: "BinPack" },
    order: { type: "string", default: "FirstCome" },
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

const commands: Readonly<Record<string, () => void>> = {
  swf: () => {
    const estimates = oneOf("estimate", values.estimates, Object.keys(estimators) as EstimatorName[]);
    const read = readSwf(file());
    const jobs = values.shake === undefined ? read : shaken(read, Number(values.shake));
    say(runSwf(jobs, Number(values.procs), values.rule, estimates));
  },
  queue: () => {
    const rule = rules[oneOf("rule", values.rule, Object.keys(rules))];
    const jobs = readCase(file());
    if (rule === undefined) return;
    const { ran } = simulate(workloadOf(jobs, Number(values.procs), rule));
    const ends = new Map(ran.map(({ task, endedAt }) => [task, endedAt / 1000]));
    say({ finishSeconds: jobs.map((job) => ends.get(keyOf(job))) });
  },
  binpack: () => {
    const policy = oneOf("policy", values.policy, placementNames);
    const order = oneOf("order", values.order, orderNames);
    for (const instance of readBinpack(file())) say({ name: instance.name, bins: binsUsed(instance, policy, order) });
  },
};

const command = commands[positionals[0] ?? ""];
if (command === undefined) {
  process.stderr.write(`usage: yardstick ${Object.keys(commands).join("|")} --file FILE …\n`);
  process.exitCode = 2;
} else {
  command();
}
