// The placement DotProduct.
import { local, type NamedPlacement } from "./placement.ts";

/**
 * Prefers the node whose free capacity has most of what the shard asks most of (Tetris, SIGCOMM'14: the dot product of
 * request and room, both as shares of the node), so that what is left keeps the shape of what will come.
 */
export const dotProduct: NamedPlacement<"DotProduct"> = local(
  "DotProduct",
  ({ free, allocatable }, { indexes, amounts }) => {
    let product = 0;
    for (let i = 0; i < indexes.length; i += 1) {
      const resource = indexes[i] ?? 0;
      const whole = allocatable[resource] ?? 0;
      if (whole > 0) product += ((amounts[i] ?? 0) / whole) * ((free[resource] ?? 0) / whole);
    }
    return product;
  },
);
