// The order FairShare.
import type { Order } from "./order.ts";

/** The namespace with the least use goes first; use fades with a half-life, see memory.ts. */
export const fairShare: Order & { readonly name: "FairShare" } = {
  name: "FairShare",
  moves: true,
  remembers: "use",
  rank: ({ namespaceUse }) => namespaceUse,
};
