// Amounts as users write them (`500m`, `1Gi`, 2), and the whole numbers that the planner counts with: CPU in thousandths,
// all else in its own unit.
import { parseQuantity, type Quantity } from "@dsl/kube-operator";
import * as z from "zod";
import type { Amounts } from "../scheduling/resources.ts";

/** Kubernetes' own form without the minus sign: nothing that we count can be negative. */
const quantityPattern = /^[+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$/;

/** A quantity that is not negative, as a whole number or text. */
export const quantity = z.union(
  [z.int().min(0), z.string().max(32).regex(quantityPattern).refine(isQuantity)],
  "is not an amount; give a number that is not negative, with a suffix where it helps: 2, 500m, 1.5Gi",
);
export type QuantityText = string | number;

/** A quantity that the operator tells: it may be below zero, where Pods of others hold more than there is. */
export const toldQuantity = z.union([z.int(), z.string().max(32)], "is not an amount");

/** Amounts by the name of their resource. */
export const quantities = z.record(z.string().max(317), quantity).meta({ maxProperties: 32 });
export type Quantities = Readonly<Record<string, QuantityText>>;

/** The pattern lets exponents pass that no number can hold. */
function isQuantity(text: string): boolean {
  try {
    parseQuantity(text);
    return true;
  } catch {
    return false;
  }
}

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
