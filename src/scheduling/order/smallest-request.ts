// The order SmallestRequest.
import type { Order } from "./order.ts";

/** The task whose shards ask for the smallest share of the pool goes first. */
export const smallestRequest: Order & { readonly name: "SmallestRequest" } = {
  name: "SmallestRequest",
  moves: false,
  rank: ({ requestShare }) => requestShare,
};
