// The placement Spread.
import { type PlacementPolicy, shareLeft } from "./placement.ts";

/** Prefers the node that the shard fills least, so that shards disturb each other little and one node lost costs few. */
export const spread: PlacementPolicy & { readonly name: "Spread" } = {
  name: "Spread",
  score: (node, request) => shareLeft(node, request),
};
