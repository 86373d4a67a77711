// Amounts of resources, their arithmetic, and how they are said to a person. Integers only: milli-CPU, bytes, counts;
// quantities such as "500m" are parsed at the edge. Does not know who holds what.

/** By resource name; `cpu` in milli-CPU, `memory` and its kin in bytes, everything else in units. Absent means 0. */
export type Amounts = Readonly<Record<string, number>>;

/** Above 2^53 sums lose units in silence: a wrong plan is worse than a loud stop. */
export function checkedAmount(value: number, resource: string): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`amount of ${resource} is not a safe integer: ${value}`);
  return value;
}

export function plus(a: Amounts, b: Amounts): Amounts {
  return combine(a, b, (x, y) => x + y);
}

export function minus(a: Amounts, b: Amounts): Amounts {
  return combine(a, b, (x, y) => x - y);
}

export function times(a: Amounts, factor: number): Amounts {
  return combine(a, {}, (x) => x * factor);
}

/** Whether `free` covers all that `request` asks for. What is not asked for does not matter, even where it is overdrawn. */
export function covers(free: Amounts, request: Amounts): boolean {
  for (const resource in request) {
    const amount = request[resource] ?? 0;
    if (amount !== 0 && amount > (free[resource] ?? 0)) return false;
  }
  return true;
}

/** The largest of `used` ÷ `capacity` over the resources (DRF); infinite where something is used of which there is none. */
export function dominantShare(used: Amounts, capacity: Amounts): number {
  let largest = 0;
  for (const [resource, amount] of Object.entries(used)) {
    if (amount > 0) largest = Math.max(largest, amount / (capacity[resource] ?? 0));
  }
  return largest;
}

function combine(a: Amounts, b: Amounts, operation: (x: number, y: number) => number): Amounts {
  const result: Record<string, number> = {};
  for (const resource in a) result[resource] = checkedAmount(operation(a[resource] ?? 0, b[resource] ?? 0), resource);
  for (const resource in b) {
    if (!Object.hasOwn(result, resource)) result[resource] = checkedAmount(operation(0, b[resource] ?? 0), resource);
  }
  return result;
}

/**
 * An amount as a person reads it: `500m`, `2`, `1.5Gi`. Long fractions are cut to two places, what is asked for up and
 * what is there down, so that a shortage is never printed as two equal numbers.
 */
export function amountText(resource: string, amount: number, rounding: "up" | "down" = "up"): string {
  if (resource === "cpu") return amount % 1000 === 0 ? String(amount / 1000) : `${amount}m`;
  return isBytes(resource) ? bytesText(amount, rounding) : String(amount);
}

/** An amount with its resource: `500m cpu`, `1.5Gi memory`, `4 nvidia.com/gpu`, `1 pod`. */
export function amountOfText(resource: string, amount: number, rounding: "up" | "down" = "up"): string {
  if (resource === "pods") return amount === 1 ? "1 pod" : `${amount} pods`;
  return `${amountText(resource, amount, rounding)} ${resource}`;
}

/** All that a shard asks for, as a list for a sentence; its one pod goes without saying. */
export function requestText(request: Amounts): string {
  const parts = Object.keys(request)
    .filter((resource) => resource !== "pods" && request[resource] !== 0)
    .sort()
    .map((resource) => amountOfText(resource, request[resource] ?? 0));
  if (parts.length <= 1) return parts[0] ?? "1 pod";
  return `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

function isBytes(resource: string): boolean {
  return (
    resource === "memory" || resource === "storage" || resource === "ephemeral-storage" || /^hugepages-/.test(resource)
  );
}

const byteUnits = ["", "Ki", "Mi", "Gi", "Ti", "Pi"];

function bytesText(amount: number, rounding: "up" | "down"): string {
  let unit = 0;
  let value = amount;
  while (Math.abs(value) >= 1024 && unit < byteUnits.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const rounded = (rounding === "up" ? Math.ceil(value * 100) : Math.floor(value * 100)) / 100;
  return `${rounded}${byteUnits[unit]}`;
}
