// `npm test`: the ordinary tests, in three lanes: what runs on a control plane waits for it much of its time, and leaves
// that to the unit tests. Before them the programs of the local cluster, with `--all` what takes longer after them. Ends
// with one plain line for all of it, and fails if anything did.
import { spawn, spawnSync } from "node:child_process";
import { stripVTControlCharacters } from "node:util";

interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

const vitest = (project: string): Step => ({ name: project, command: ["vitest", "run", "--project", project] });
const lanes: readonly (readonly Step[])[] = [
  [vitest("e2e")],
  [vitest("simulated")],
  [{ name: "lint", command: ["npm", "run", "--silent", "lint"] }, vitest("unit")],
];

/** What newcomers do first. By itself, since it is two clusters already. */
const longer = process.argv.includes("--all") ? [vitest("clones")] : [];

const closingLine = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/;
const failures: string[] = [];
const counts = { passed: 0, failed: 0, skipped: 0 };

/** The output of a step is told when it ends: the lanes would mix their lines. */
function run({ name, command }: Step): Promise<void> {
  const [program = "", ...args] = command;
  console.log(`${name} …`);
  const begun = performance.now();
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  return new Promise((resolve) => {
    child.once("error", (error) => {
      output += String(error);
    });
    child.once("close", (code) => {
      const lines = output.split("\n");
      const closing = lines.map((line) => closingLine.exec(line)).findLast((match) => match !== null);
      counts.passed += Number(closing?.[1] ?? 0);
      counts.failed += Number(closing?.[2] ?? 0);
      counts.skipped += Number(closing?.[3] ?? 0);
      // A step that fails without counting (lint, a crash) is one failure.
      if (code !== 0 && Number(closing?.[2] ?? 0) === 0) counts.failed++;
      const found = failuresIn(name, lines);
      failures.push(...(code !== 0 && found.length === 0 ? [`${name}: ended with ${code}; see above`] : found));
      const told = code === 0 ? lines.filter((line) => isTold(line)) : lines;
      console.log(
        `\n── ${name}: ${code === 0 ? "passed" : "FAILED"}, ${since(begun)}\n${told.filter((line) => !closingLine.test(line)).join("\n")}`,
      );
      resolve();
    });
  });
}

function since(begun: number): string {
  const seconds = Math.round((performance.now() - begun) / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Of what went well: why something was left out, and the sums. */
function isTold(line: string): boolean {
  return /skipped|Test Files|Tests |Duration/.test(line);
}

/** Each failed test and its first error. */
function failuresIn(step: string, lines: readonly string[]): string[] {
  const plain = lines.map((line) => stripVTControlCharacters(line).trim());
  return plain.flatMap((line, index) => {
    if (!line.startsWith("FAIL ")) return [];
    const error = plain.slice(index + 1, index + 8).find((next) => next !== "" && !next.startsWith("FAIL "));
    return [`${step}: ${line}\n    ${error ?? ""}`];
  });
}

// The first time Kubernetes is built, which takes longer than any test may: so it is told as it goes on.
if (spawnSync("deploy/local/get", { stdio: ["ignore", "ignore", "inherit"] }).status !== 0) {
  counts.failed++;
  failures.push("the programs of the local cluster are not there; see above");
}
const begun = performance.now();
await Promise.all(
  lanes.map(async (lane) => {
    for (const step of lane) await run(step);
  }),
);
console.log(`\nthe ordinary tests took ${since(begun)}`);
for (const step of longer) await run(step);
// Once more, since in a long log whoever looks at its end looks for these.
if (failures.length > 0) console.log(`\nWhat failed:\n${failures.join("\n")}`);
const { passed, failed, skipped } = counts;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed === 0 ? 0 : 1;
