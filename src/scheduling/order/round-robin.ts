// The order RoundRobin.
import type { Order } from "./order.ts";

/** The one served longest ago goes first, one shard a turn; who was never served goes before all. */
export const roundRobin: Order & { readonly name: "RoundRobin" } = {
  name: "RoundRobin",
  moves: true,
  remembers: "turns",
  rank: ({ latestTurn }) => latestTurn,
};
