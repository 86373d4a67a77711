// How amounts are written in specs and statuses: their schemas, and the words for what is none.
import { parseQuantity } from "@dsl/kube-operator";
import * as z from "zod";

/** Kubernetes' own form without the minus sign: nothing that we count can be negative. */
const quantityPattern = /^[+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$/;

/** A quantity that is not negative, as a whole number or text. */
export const quantity = z.union(
  [z.int().min(0), z.string().max(32).regex(quantityPattern).refine(isQuantity)],
  "is not an amount; give a number that is not negative, with a suffix where it helps: 2, 500m, 1.5Gi",
);

/** A quantity that the operator tells: it may be below zero, where Pods of others hold more than there is. */
export const toldQuantity = z.union([z.int(), z.string().max(32)], "is not an amount");

/** Amounts by the name of their resource. */
export const quantities = z.record(z.string().max(317), quantity).meta({ maxProperties: 32 });

/** The pattern lets exponents pass that no number can hold. */
function isQuantity(text: string): boolean {
  try {
    parseQuantity(text);
    return true;
  } catch {
    return false;
  }
}
