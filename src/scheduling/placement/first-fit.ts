// The placement FirstFit.
import type { PlacementPolicy } from "./placement.ts";

/** Takes the first node by name on which the shard fits: all are equally good, and ties go to the lowest name. */
export const firstFit: PlacementPolicy & { readonly name: "FirstFit" } = {
  name: "FirstFit",
  score: () => 0,
};
