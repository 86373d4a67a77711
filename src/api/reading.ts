// Reads what somebody wrote by a schema and its rules, and says each thing that is wrong as a problem. Never throws: what a
// tenant can write is hostile.
import type { z } from "zod";
import type { Parsed, Problem } from "./problem.ts";
import type { Rule } from "./rule.ts";

export type ReasonOf = (field: string) => Problem["reason"];

/** More problems than this help nobody; a hostile object could have millions. */
const problemsMax = 50;

export function read<S extends z.ZodType>(
  schema: S,
  rules: readonly Rule<z.output<S>>[],
  value: unknown,
  root: string,
  reasonOf: ReasonOf,
): Parsed<{ readonly value: z.output<S> }> {
  const parsed = schema.safeParse(value);
  const problems = parsed.success
    ? brokenRules(rules, parsed.data, root, reasonOf)
    : problemsOf(parsed.error, root, reasonOf);
  const [first, ...rest] = problems;
  if (first !== undefined) return { ok: false, problems: [first, ...rest] };
  return { ok: true, value: parsed.data as z.output<S> };
}

/** The `spec` of something that may be anything. */
export function specOf(object: unknown): unknown {
  return typeof object === "object" && object !== null && "spec" in object ? object.spec : undefined;
}

function brokenRules<T>(rules: readonly Rule<T>[], value: T, root: string, reasonOf: ReasonOf): Problem[] {
  return rules
    .filter(({ holds }) => holds !== undefined && !holds(value))
    .map(({ message, fieldPath = "" }) => {
      const field = `${root}${fieldPath}`;
      return { reason: reasonOf(field), field, message };
    });
}

/** Schema issues as problems: one for each field, unknown fields one by one. */
function problemsOf(error: z.ZodError, root: string, reasonOf: ReasonOf): Problem[] {
  const problems: Problem[] = [];
  for (const issue of error.issues) {
    const field = pathText(root, issue.path);
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) {
        const unknown = pathText(field, [key]);
        problems.push({ reason: reasonOf(unknown), field: unknown, message: "not allowed here; remove it" });
      }
    } else problems.push({ reason: reasonOf(field), field, message: plainMessage(issue) });
  }
  return problems.slice(0, problemsMax);
}

function plainMessage(issue: z.core.$ZodIssue): string {
  const missing = issue.code === "invalid_type" && issue.message.endsWith("received undefined");
  return missing ? `is missing; give ${withArticle(issue.expected)}` : issue.message;
}

function withArticle(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? "an" : "a"} ${noun}`;
}

/** `spec.items.list[17]`; keys that are no names are quoted. */
function pathText(root: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    const key = String(part);
    return /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? `${text}.${key}` : `${text}[${JSON.stringify(key.slice(0, 80))}]`;
  }, root);
}
