// The order LargestRequest.
import type { Order } from "./order.ts";

/** The task whose shards ask for the largest share of the pool goes first. */
export const largestRequest: Order & { readonly name: "LargestRequest" } = {
  name: "LargestRequest",
  moves: false,
  rank: ({ requestShare }) => -requestShare,
};
