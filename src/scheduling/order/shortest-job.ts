// The order ShortestJob.
import type { Order } from "./order.ts";

/** The smaller expected total work goes first (SJF). A task that has started keeps its turn: nothing shorter comes between. */
export const shortestJob: Order & { readonly name: "ShortestJob" } = {
  name: "ShortestJob",
  moves: false,
  rank: ({ hasStarted, expectedWorkMs }) => (hasStarted ? 0 : expectedWorkMs),
};
