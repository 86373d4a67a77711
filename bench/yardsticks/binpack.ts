// `yardstick binpack`: items that arrive one by one, bins as nodes, through the product's placement.
import { readFileSync } from "node:fs";
import { type OrderName, type PlacementName, type Pool, planPool } from "../../src/scheduling/index.ts";
import { aJob, aMachine } from "./workload.ts";

export interface BinpackInstance {
  readonly name: string;
  readonly capacity: number;
  readonly bestKnown: number;
  readonly sizes: readonly number[];
}

/** The format of the OR-Library: their number; then each one's name, `capacity n best-known`, and n sizes. */
export function readBinpack(file: string): readonly BinpackInstance[] {
  const words = readFileSync(file, "utf8")
    .split(/\s+/)
    .filter((word) => word !== "");
  let at = 0;
  const next = (): string => words[at++] ?? "";
  const whole = (): number => Math.round(Number(next()) * 10);
  return Array.from({ length: Number(next()) }, (): BinpackInstance => {
    const name = next();
    const capacity = whole();
    const count = Number(next());
    const bestKnown = Number(next());
    return { name, capacity, bestKnown, sizes: Array.from({ length: count }, whole) };
  });
}

/** How many bins are opened; all items wait at once, and go as they come or the largest first. Bins are named so that the lowest name is the lowest number. */
export function binsUsed(
  { capacity, sizes }: BinpackInstance,
  placement: PlacementName,
  order: OrderName = "FirstCome",
): number {
  const width = String(sizes.length).length;
  const nodes = sizes.map((_, index) => aMachine(`bin-${String(index).padStart(width, "0")}`, { size: capacity }));
  const pool: Pool = { name: "items", uid: "items", created: 0, order: [order], placement };
  const tasks = sizes.map((size, index) => aJob(index, pool.name, { size }));
  const { decisions } = planPool({ pools: [pool], nodes, tasks }, sizes.length);
  return new Set(decisions.map(({ node }) => node)).size;
}
