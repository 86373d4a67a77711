// The order ShortestRemaining.
import type { Order } from "./order.ts";

/** The smaller expected work of shards that have not ended goes first (SRTF, at shard ends); nothing is stopped. */
export const shortestRemaining: Order & { readonly name: "ShortestRemaining" } = {
  name: "ShortestRemaining",
  moves: true,
  rank: ({ remainingWorkMs }) => remainingWorkMs,
};
