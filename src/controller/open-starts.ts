// How the amounts of an open start are written in a pool's status: as quantities, which are read back exactly.
import type { Quantities } from "../api/amount.ts";
import type { Amounts } from "../scheduling/index.ts";

export function openRequest(request: Amounts): Quantities {
  return Object.fromEntries(
    Object.entries(request).map(([name, amount]) => [name, name === "cpu" ? `${amount}m` : amount]),
  );
}
