// The order ShortestRemaining.
import type { Order } from "./order.ts";

/** The smaller expected remaining work goes first (SRTF): the next free place is the shorter task's; nothing is stopped. */
export const shortestRemaining: Order & { readonly name: "ShortestRemaining" } = {
  name: "ShortestRemaining",
  moves: true,
  rank: ({ remainingWorkMs }) => remainingWorkMs,
};
