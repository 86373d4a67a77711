// The placement Packability.
import { copiesIn } from "../ledger.ts";
import type { NamedPlacement } from "./placement.ts";
import { RoomOutlook } from "./room-outlook.ts";

/** What one copy of a kind is worth: how often the kind comes, over how many more of it all nodes together can take. */
export function copyWeight(share: number, copies: number): number {
  return share / Math.max(1, copies);
}

/**
 * Prefers the node where the shard takes least room from the shards that usually come: counts how many more of each kind
 * every node could take, and what is scarce in the cluster weighs most. Where one fits, parts of a further one count too,
 * since they add up over kinds.
 */
export const packability: NamedPlacement<"Packability"> = {
  name: "Packability",
  learns: true,
  prepare: ({ ledger, kinds }) =>
    new RoomOutlook(ledger, kinds(), copyWeight, (request) => (free) => copiesIn(request, free)),
};
