// docs/simulation.md shows what its commands print: table and picture are made anew and compared.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { stage } from "./cli/stage.ts";

const docs = resolve(import.meta.dirname, "../docs");
const page = readFileSync(resolve(docs, "simulation.md"), "utf8");

/** The commands of the page, with the words that a shell would make of them. */
const commands = [...page.matchAll(/^\$ kubectl pool (simulate -f (?:\\\n|.)*)$/gm)].map(([, line = ""]) =>
  line
    .replaceAll("\\\n", " ")
    .replace(/ > .*$/, "")
    .split(/\s+/)
    .map((word) => (word.startsWith("docs/") ? resolve(docs, "..", word) : word)),
);

test.each([
  ["the table", 0, "two-teams.txt"],
  ["the picture", 1, "two-teams.svg"],
])("%s is what the command prints", async (_, index, file) => {
  const { stdout, stderr, status } = await stage().run(commands[index] ?? []);
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  await expect(stdout).toMatchFileSnapshot(resolve(docs, "simulation", file));
});
