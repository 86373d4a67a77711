// Writes help from what a verb says of itself.
import type { Option, Options } from "./arguments.ts";
import { globalOptions } from "./global-options.ts";
import type { Verb } from "./verb.ts";

export function verbHelp(verb: Verb): string {
  return [
    `${verb.description}\n`,
    `Usage:\n  kubectl pool ${verb.name} ${verb.usage}`.trimEnd(),
    "",
    "Examples:",
    verb.examples.map(({ does, command }) => `  # ${does}\n  ${command}\n`).join("\n"),
    ...(Object.keys(verb.options).length === 0 ? [] : ["Options:", optionLines(verb.options), ""]),
    "Options of every verb:",
    optionLines(globalOptions),
    "",
  ].join("\n");
}

export interface VerbSummary {
  readonly name: string;
  readonly summary: string;
}

export function generalHelp(verbs: readonly VerbSummary[]): string {
  const width = Math.max(...verbs.map(({ name }) => name.length));
  return [
    "pool.map() for Kubernetes: maps a command over items, on nodes that are pooled and shared.\n",
    "Usage:\n  kubectl pool VERB [options]\n",
    "Verbs:",
    ...verbs.map(({ name, summary }) => `  ${name.padEnd(width)}   ${summary}`),
    "",
    "Try:",
    "  seq 100 | kubectl pool map --pool lab --image busybox:1.35 -- sh -c 'echo $((POOL_ITEM * POOL_ITEM))'",
    "",
    "`kubectl pool VERB --help` tells more of a verb. Exit status: 0 done, 1 a task or a request failed, 2 wrong use.",
    "",
  ].join("\n");
}

function optionLines(options: Options): string {
  const left = Object.entries(options).map(([name, option]) => optionForm(name, option));
  const width = Math.max(...left.map((form) => form.length));
  return Object.values(options)
    .map((option, index) => `  ${(left[index] ?? "").padEnd(width)}   ${option.help}`)
    .join("\n");
}

/** Longer lists of choices would push the texts beside them off the screen. */
const listedLengthMax = 20;

function optionForm(name: string, { short, value, choices }: Option): string {
  const listed = choices?.join("|") ?? "";
  const shown = listed === "" || listed.length > listedLengthMax ? value : listed;
  return `${short === undefined ? "    " : `-${short}, `}--${name}${shown === undefined ? "" : ` ${shown}`}`;
}
