// The order EqualShare.
import type { Order } from "./order.ts";

/** The task that holds the smallest share of the pool goes first, so that all grow evenly. */
export const equalShare: Order & { readonly name: "EqualShare" } = {
  name: "EqualShare",
  moves: true,
  rank: ({ heldShare }) => heldShare,
};
