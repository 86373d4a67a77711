// The order FirstCome.
import type { Order } from "./order.ts";

/** The earlier created goes first (FCFS). */
export const firstCome: Order & { readonly name: "FirstCome" } = {
  name: "FirstCome",
  moves: false,
  rank: ({ facts }) => facts.created,
};
