// The placement Spread.
import { local, type NamedPlacement, shareLeft } from "./placement.ts";

/** Prefers the node that the shard fills least, so that shards disturb each other little and one node lost costs few. */
export const spread: NamedPlacement<"Spread"> = local("Spread", (node, request) => shareLeft(node, request));
