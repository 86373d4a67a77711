// The placement FirstFit.
import { local, type NamedPlacement } from "./placement.ts";

/** Takes the first node by name on which the shard fits: all are equally good, and ties go to the lowest name. */
export const firstFit: NamedPlacement<"FirstFit"> = local("FirstFit", () => 0);
