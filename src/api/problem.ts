// What is wrong with an object that somebody wrote: one field, one sentence, one reason. Knows no kind.
import type { StallReason } from "../scheduling/decision.ts";

/** Something that only a change of the object, or of one that it names, can mend. */
export interface Problem {
  /** The word for the task's condition. */
  readonly reason: StallReason;
  /** The path from the object's root: `spec.items.list[17]`. */
  readonly field: string;
  /** What is wrong and what to do, with the limit where there is one. */
  readonly message: string;
}

/** The outcome of reading something that may be hostile: never an exception. */
export type Parsed<T> =
  | ({ readonly ok: true } & T)
  | { readonly ok: false; readonly problems: readonly [Problem, ...Problem[]] };

/** Tells a problem from a value that never has both a reason and a field. */
export function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "reason" in value && "field" in value && "message" in value;
}

export function problemText(problem: Problem): string {
  return `${problem.field}: ${problem.message}`;
}

/** All problems in one line, the first `limit` in full, for a condition's message. */
export function problemsText(problems: readonly Problem[], limit = 5): string {
  const told = problems.slice(0, limit).map(problemText).join(" · ");
  return problems.length > limit ? `${told} · and ${problems.length - limit} more` : told;
}
