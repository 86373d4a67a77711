// A budget: what a figure may be at most, or must be at least. Counts, bytes, ratios and CPU fail beyond their margin;
// times on the wall are only told.
import type { Figures, Flags } from "./scenario.ts";

export interface Budget {
  /** `scenario.figure`, or `scenario.group.figure`. */
  readonly name: string;
  /** Flags that it holds for, where it does not hold for all. */
  readonly when?: Flags;
  readonly unit: string;
  readonly kind: "count" | "ratio" | "bytes" | "cpu" | "wall";
  /** Most where it is left out. */
  readonly bound?: "least";
  readonly value: number;
  /** How much beyond `value` still passes, as a part of it. */
  readonly margin: number;
  readonly machine: string;
  readonly date: string;
}

export interface Judgement {
  readonly words: string;
  readonly fails: boolean;
}

/** Undefined where the budget is kept, is of other flags, or the figure was not measured. */
export function judge(budget: Budget, scenario: string, flags: Flags, figures: Figures): Judgement | undefined {
  const [of, ...path] = budget.name.split(".");
  if (of !== scenario) return undefined;
  if (Object.entries(budget.when ?? {}).some(([flag, value]) => flags[flag] !== value)) return undefined;
  const found = path.reduce<Figures[string] | undefined>(
    (group, name) => (typeof group === "object" ? group[name] : undefined),
    figures,
  );
  if (typeof found !== "number") return undefined;
  const { name, unit, kind, bound, value, margin } = budget;
  const kept = bound === "least" ? found >= value * (1 - margin) : found <= value * (1 + margin);
  if (kept) return undefined;
  const beyond = margin === 0 ? "" : ` by more than ${Math.round(margin * 100)} %`;
  const side = bound === "least" ? "under" : "over";
  return {
    words: `${name} is ${found} ${unit}, ${side} its budget of ${value} ${unit}${beyond}`,
    fails: kind !== "wall",
  };
}
