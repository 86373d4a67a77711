// The placement policies that a pool may name.
import { binPack } from "./bin-pack.ts";
import { firstFit } from "./first-fit.ts";
import type { PlacementPolicy } from "./placement.ts";
import { spread } from "./spread.ts";

export type PlacementName = "BinPack" | "Spread" | "FirstFit";

/** The schema's enum is checked against these names. */
export const placements: { readonly [Name in PlacementName]: PlacementPolicy & { readonly name: Name } } = {
  BinPack: binPack,
  Spread: spread,
  FirstFit: firstFit,
};

export const placementNames: readonly PlacementName[] = Object.values(placements).map(({ name }) => name);
export const defaultPlacement: PlacementName = "BinPack";
