// Amounts as users write them (`500m`, `1Gi`, 2), and the whole numbers that the planner counts with: CPU in thousandths,
// all else in its own unit.
import { parseQuantity, type Quantity } from "@dsl/kube-operator";
import type { Amounts } from "../scheduling/resources.ts";

/** A whole number or text: `2`, `500m`, `1.5Gi`. */
export type QuantityText = string | number;

/** Amounts by the name of their resource. */
export type Quantities = Readonly<Record<string, QuantityText>>;

/** The planner's whole number for a quantity, rounded up; throws a SyntaxError for text that is no quantity. */
export function amountOf(resource: string, text: QuantityText): number {
  return amountOfQuantity(resource, parseQuantity(text));
}

export function amountOfQuantity(resource: string, quantity: Quantity): number {
  return Math.max(0, resource === "cpu" ? quantity.milliValue() : quantity.value());
}

export function amountsOf(given: Quantities | undefined): Amounts {
  return Object.fromEntries(Object.entries(given ?? {}).map(([name, text]) => [name, amountOf(name, text)]));
}

/** The bytes of a quantity such as `16Mi`. */
export function bytesOf(text: QuantityText): number {
  return amountOf("bytes", text);
}

/** Half of what can be counted exactly, so that something can still be added. */
const sumMax = 2 ** 52;

/** What many Pods hold together; no sum that hostile Pods could drive up ever leaves the safe integers. */
export function cappedSum(all: Iterable<Amounts>): Amounts {
  const total: Record<string, number> = {};
  for (const amounts of all) {
    for (const [name, amount] of Object.entries(amounts)) {
      total[name] = Math.min((total[name] ?? 0) + amount, sumMax);
    }
  }
  return total;
}
