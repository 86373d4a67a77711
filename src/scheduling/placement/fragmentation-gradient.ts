// The placement FragmentationGradient.
import type { Kind } from "../kinds.ts";
import { fits, type Ledger } from "../ledger.ts";
import type { NamedPlacement } from "./placement.ts";
import { RoomOutlook } from "./room-outlook.ts";

/** A kind counts by how often it comes, however much room there is for it. */
export function usableWeight(share: number): number {
  return share;
}

/**
 * FGD (Weng et al., USENIX ATC'23): prefers the node whose free capacity loses least usefulness. What is free of the
 * scarcest resource is useful to a kind of shards that asks for it and still fits on the node; to others it is a fragment.
 */
export const fragmentationGradient: NamedPlacement<"FragmentationGradient"> = {
  name: "FragmentationGradient",
  learns: true,
  prepare: ({ ledger, kinds: usual }) => {
    const kinds = usual();
    const scarce = scarcest(ledger, kinds);
    const capacity = Math.max(1, capacityOf(ledger, scarce));
    return new RoomOutlook(ledger, kinds, usableWeight, (request) => {
      if (!request.indexes.includes(scarce)) return () => 0;
      return (free) => (fits(request, free) ? (free[scarce] ?? 0) / capacity : 0);
    });
  },
};

/** The resource of which the usual shards ask most against what there is; of equals the first by name. */
function scarcest(ledger: Ledger, kinds: readonly Kind[]): number {
  let best = -1;
  let most = 0;
  for (const resource of [...ledger.resources].sort()) {
    const index = ledger.resources.indexOf(resource);
    const asked = kinds.reduce((sum, { request, share }) => sum + share * (request[resource] ?? 0), 0);
    const pressure = asked / Math.max(1, capacityOf(ledger, index));
    if (pressure > most) [best, most] = [index, pressure];
  }
  return best;
}

function capacityOf({ rooms }: Ledger, resource: number): number {
  return rooms.reduce((sum, { emptied }) => sum + Math.max(0, emptied[resource] ?? 0), 0);
}
