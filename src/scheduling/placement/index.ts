// The placement policies that a pool may name.
import { binPack } from "./bin-pack.ts";
import { dotProduct } from "./dot-product.ts";
import { firstFit } from "./first-fit.ts";
import { fragmentationGradient } from "./fragmentation-gradient.ts";
import { packability } from "./packability.ts";
import type { NamedPlacement } from "./placement.ts";
import { spread } from "./spread.ts";

export type PlacementName = "BinPack" | "Spread" | "FirstFit" | "DotProduct" | "FragmentationGradient" | "Packability";

/** The schema's enum is checked against these names. */
export const placements: { readonly [Name in PlacementName]: NamedPlacement<Name> } = {
  BinPack: binPack,
  Spread: spread,
  FirstFit: firstFit,
  DotProduct: dotProduct,
  FragmentationGradient: fragmentationGradient,
  Packability: packability,
};

export const placementNames: readonly PlacementName[] = Object.values(placements).map(({ name }) => name);
export const defaultPlacement: PlacementName = "BinPack";
