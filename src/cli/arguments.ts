// Reads a verb's arguments: names the argument that is wrong, and says what to do. Knows no verb.
import { parseArgs } from "node:util";
import { nearest } from "./nearest.ts";
import { UsageError } from "./usage-error.ts";

export interface Option {
  /** What stands after the option in help: `POOL`, `N`. Absent: a switch, which takes no value. */
  readonly value?: string;
  readonly short?: string;
  readonly help: string;
  /** The values that are allowed; absent: any. */
  readonly choices?: readonly string[];
}

export type Options = Readonly<Record<string, Option>>;

export interface Arguments {
  /** What stands before `--`, options taken out. */
  readonly positionals: readonly string[];
  /** What stands after `--`, as it is; undefined where there is no `--`. */
  readonly rest: readonly string[] | undefined;
  flag(option: string): boolean;
  text(option: string): string | undefined;
  /** A whole number of at least `least`. */
  count(option: string, least: number): number | undefined;
  /** A span such as `90s`, `5m`, `1h30m`, or a plain number of seconds; in whole seconds, at least one. */
  seconds(option: string): number | undefined;
}

export function parseArguments(options: Options, words: readonly string[]): Arguments {
  const end = words.indexOf("--");
  const before = end < 0 ? words : words.slice(0, end);
  const flags = new Set<string>();
  const texts = new Map<string, string>();
  const positionals: string[] = [];

  const { tokens } = parseArgs({
    args: [...before],
    options: Object.fromEntries(
      Object.entries(options).map(([name, { value, short }]) => [
        name,
        { type: value === undefined ? "boolean" : "string", ...(short !== undefined && { short }) } as const,
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const option = options[token.name];
    if (option === undefined) throw unknownOption(token.rawName, options);
    if (option.value === undefined) {
      if (token.value === undefined || token.value === "true") flags.add(token.name);
      else if (token.value === "false") flags.delete(token.name);
      else throw new UsageError(`${token.rawName} is a switch and takes no value, but got "${token.value}"`);
    } else {
      // A value that looks like an option is almost always a value forgotten; `--name=-x` still says it.
      const forgotten = token.value === undefined || (!token.inlineValue && /^-\D/.test(token.value));
      if (forgotten) throw new UsageError(`${token.rawName} needs a value: ${token.rawName} ${option.value}`);
      texts.set(token.name, checkedChoice(token.rawName, token.value ?? "", option));
    }
  }

  return {
    positionals,
    rest: end < 0 ? undefined : words.slice(end + 1),
    flag: (option) => flags.has(option),
    text: (option) => texts.get(option),
    count(option, least) {
      const text = texts.get(option);
      if (text === undefined) return undefined;
      const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      if (number >= least) return number;
      throw new UsageError(`--${option} must be a whole number of at least ${least}, but is "${text}"`);
    },
    seconds(option) {
      const text = texts.get(option);
      if (text === undefined) return undefined;
      const seconds = secondsOf(text);
      if (seconds !== undefined && seconds >= 1) return seconds;
      throw new UsageError(
        `--${option} must be a span of at least a second such as 90s, 5m or 1h30m, but is "${text}"`,
      );
    },
  };
}

function checkedChoice(name: string, value: string, { choices }: Option): string {
  if (choices === undefined || choices.includes(value)) return value;
  const meant = nearest(value, choices);
  const guess = meant === undefined ? "" : `; did you mean ${meant}?`;
  throw new UsageError(`${name} must be one of ${choices.join(", ")}, but is "${value}"${guess}`);
}

function unknownOption(rawName: string, options: Options): UsageError {
  const meant = nearest(rawName.replace(/^-+/, ""), Object.keys(options));
  return new UsageError(`unknown option ${rawName}${meant === undefined ? "" : `; did you mean --${meant}?`}`);
}

function secondsOf(text: string): number | undefined {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  const match = /^(?:(\d{1,6})h)?(?:(\d{1,8})m)?(?:(\d{1,10})s)?$/.exec(text);
  if (match === null || text === "") return undefined;
  const [, hours = "0", minutes = "0", seconds = "0"] = match;
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}
