// What may come next on the command line, for `kubectl_complete-pool`: verbs, options and the values of options. Asks no
// cluster, so it answers at once.

import type { Options } from "./arguments.ts";
import { globalOptions } from "./global-options.ts";
import { verbs } from "./verbs.ts";

/** kubectl reads this as: these are all, and no file names. It is the directive's number in cobra's protocol. */
const noFileNames = ":4\n";

/** `words`: as typed so far, the last one unfinished. Lines of `word<TAB>what it is`, then the directive. */
export function complete(words: readonly string[]): string {
  const current = words.at(-1) ?? "";
  const candidates = words.length <= 1 ? verbCandidates() : optionCandidates(words);
  const lines = candidates.filter(([word]) => word.startsWith(current)).map(([word, about]) => `${word}\t${about}\n`);
  return lines.join("") + noFileNames;
}

type Candidate = readonly [word: string, about: string];

function verbCandidates(): readonly Candidate[] {
  return verbs.map(({ name, summary }) => [name, summary]);
}

function optionCandidates(words: readonly string[]): readonly Candidate[] {
  const verb = verbs.find(({ name }) => name === words[0]);
  // After -- stands a command of another program.
  if (verb === undefined || words.includes("--")) return [];
  const options: Options = { ...verb.options, ...globalOptions };
  const previous = words.at(-2) ?? "";
  const asked = Object.entries(options).find(
    ([name, { short }]) => previous === `--${name}` || previous === `-${short}`,
  )?.[1];
  if (asked?.value !== undefined) return (asked.choices ?? []).map((choice) => [choice, ""]);
  return Object.entries(options).map(([name, { help }]) => [`--${name}`, help]);
}
