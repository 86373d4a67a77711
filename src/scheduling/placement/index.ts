// The placement policies that a pool may name.
import { binPack } from "./bin-pack.ts";
import { dotProduct } from "./dot-product.ts";
import { firstFit } from "./first-fit.ts";
import type { PlacementPolicy } from "./placement.ts";
import { spread } from "./spread.ts";

export type PlacementName = "BinPack" | "Spread" | "FirstFit" | "DotProduct";

/** The schema's enum is checked against these names. */
export const placements: { readonly [Name in PlacementName]: PlacementPolicy & { readonly name: Name } } = {
  BinPack: binPack,
  Spread: spread,
  FirstFit: firstFit,
  DotProduct: dotProduct,
};

export const placementNames: readonly PlacementName[] = Object.values(placements).map(({ name }) => name);
export const defaultPlacement: PlacementName = "BinPack";
