// What a scenario is: flags with what they are by default, and something that runs and tells figures by name.
import { resolve } from "node:path";

/** Numbers, and groups of numbers; a text says how something was done. */
export type Figures = { readonly [name: string]: number | string | Figures };

export type Flags = Readonly<Record<string, string>>;

export interface Scenario {
  readonly about: string;
  /** Every flag that it takes; an empty text is "not given". */
  readonly flags: Flags;
  /** Not among those that run when none is named: it takes long, or wants a cluster of somebody else. */
  readonly onDemand?: true;
  run(flags: Flags): Promise<Figures>;
}

/** A flag that counts something. */
export function countIn(flags: Flags, name: string): number {
  const value = Number(flags[name]);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new FlagError(`--${name} is a number from 1 on, not ${flags[name]}`);
  return value;
}

/** A flag that is one of a few words. */
export function wordIn<const W extends string>(flags: Flags, name: string, words: readonly W[]): W {
  const value = words.find((word) => word === flags[name]);
  if (value === undefined) throw new FlagError(`--${name} is ${words.join(" or ")}, not ${flags[name]}`);
  return value;
}

/** Arguments of Node for the operator: with `--cpu-prof FOLDER` a profile of it is left there when it stops. */
export function profiling({ "cpu-prof": folder = "" }: Flags): readonly string[] {
  return folder === "" ? [] : ["--cpu-prof", `--cpu-prof-dir=${resolve(folder)}`];
}

export class FlagError extends Error {}

/** What a scenario is at, on stderr: some take minutes, and the line of figures comes last. */
export function say(words: string): void {
  const [hours = ""] = /\d\d:\d\d:\d\d/.exec(new Date().toISOString()) ?? [];
  console.error(`${hours} ${words}`);
}

/** To a tenth, a hundredth …: more digits than that are noise. */
export function rounded(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}
