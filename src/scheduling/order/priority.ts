// The order Priority.
import type { Order } from "./order.ts";

/** The higher `spec.priority` goes first; ageing orders within a hundred. */
export const priority: Order & { readonly name: "Priority" } = {
  name: "Priority",
  moves: false,
  band: ({ task }) => -Math.floor(task.priority / 100),
  rank: ({ task }) => -task.priority,
};
