// One call of `kubectl pool`: finds the verb, reads its arguments, runs it, and makes an exit status of what happens.
import { ApiError, type Clock, type Random } from "@dsl/kube-operator";
import { type Arguments, parseArguments } from "./arguments.ts";
import { complete } from "./complete.ts";
import { globalOptions } from "./global-options.ts";
import { generalHelp, verbHelp } from "./help.ts";
import { nearest } from "./nearest.ts";
import type { Terminal } from "./terminal.ts";
import { Refusal, UsageError } from "./usage-error.ts";
import type { Cluster, ExitStatus, Verb } from "./verb.ts";
import { verbs } from "./verbs.ts";

export interface Surroundings {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly random: Random;
  connect(options: Arguments): Promise<Cluster>;
}

export async function runCommandLine(words: readonly string[], surroundings: Surroundings): Promise<ExitStatus> {
  const { terminal } = surroundings;
  const [name, ...rest] = words;
  const say = (line: string): void => terminal.stderr.write(`${line}\n`);
  let verb: Verb | undefined;
  try {
    if (name === "__complete") {
      terminal.stdout.write(complete(rest));
      return 0;
    }
    if (name === undefined || name === "--help" || name === "-h") return help([], terminal);
    if (name === "help") return help(rest, terminal);
    verb = verbNamed(name === "--version" ? "version" : name);
    // Help is given whatever else is wrong with the line; after -- it is the command's own.
    if (beforeCommand(rest).some((word) => word === "--help" || word === "-h")) return help([verb.name], terminal);
    const args = parseArguments({ ...globalOptions, ...verb.options }, rest);
    return await verb.run({ ...surroundings, arguments: args, connect: () => surroundings.connect(args) });
  } catch (error) {
    if (error instanceof UsageError) {
      say(`error: ${error.message}`);
      say(`See \`kubectl pool ${verb === undefined ? "help" : `${verb.name} --help`}\`.`);
      return 2;
    }
    say(errorText(error));
    return 1;
  }
}

function help(words: readonly string[], { stdout }: Terminal): ExitStatus {
  const [name] = words;
  stdout.write(name === undefined ? generalHelp(verbs) : verbHelp(verbNamed(name)));
  return 0;
}

function verbNamed(name: string): Verb {
  const verb = verbs.find((candidate) => candidate.name === name);
  if (verb !== undefined) return verb;
  if (name.startsWith("-")) throw new UsageError(`the verb comes first, but the line begins with ${name}`);
  const meant = nearest(name, [...verbs.map((candidate) => candidate.name), "help"]);
  throw new UsageError(`unknown verb "${name}"${meant === undefined ? "" : `; did you mean ${meant}?`}`);
}

function beforeCommand(words: readonly string[]): readonly string[] {
  const end = words.indexOf("--");
  return end < 0 ? words : words.slice(0, end);
}

function errorText(error: unknown): string {
  if (error instanceof ApiError) return `Error from server (${error.status.reason}): ${error.message}`;
  if (error instanceof Refusal) return `error: ${error.message}`;
  return `error: ${error instanceof Error ? error.message : String(error)}`;
}
