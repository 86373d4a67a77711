// The placement BinPack.
import { type PlacementPolicy, shareLeft } from "./placement.ts";

/** Prefers the node that the shard fills most, so that whole nodes stay free for large shards. */
export const binPack: PlacementPolicy & { readonly name: "BinPack" } = {
  name: "BinPack",
  score: (node, request) => -shareLeft(node, request),
};
