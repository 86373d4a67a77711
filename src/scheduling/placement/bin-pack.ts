// The placement BinPack.
import { local, type NamedPlacement, shareLeft } from "./placement.ts";

/** Prefers the node that the shard fills most, so that whole nodes stay free for large shards. */
export const binPack: NamedPlacement<"BinPack"> = local("BinPack", (node, request) => -shareLeft(node, request));
