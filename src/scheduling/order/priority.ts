// The order Priority.
import type { Order } from "./order.ts";

/** The higher `spec.priority` goes first; ageing orders within a hundred. */
export const priority: Order & { readonly name: "Priority" } = {
  name: "Priority",
  moves: false,
  band: ({ facts }) => -Math.floor(facts.priority / 100),
  rank: ({ facts }) => -facts.priority,
};
