// What the in-memory API server does with plain JSON: copy and freeze.

export type JsonObject = { [field: string]: unknown };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What would arrive at the other end of a connection: undefined fields are gone, nothing is shared. */
export function copyOf<T>(value: T): T {
  return copied(value) as T;
}

// By hand, since this is most of what a write costs here, and a way through text takes twice as long.
function copied(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => (item === undefined ? null : copied(item)));
  // Dates, and whatever else has words of its own for itself.
  if ("toJSON" in value) return JSON.parse(JSON.stringify(value));
  const copy: JsonObject = {};
  for (const field of Object.keys(value)) {
    const part = (value as JsonObject)[field];
    if (part !== undefined) copy[field] = copied(part);
  }
  return copy;
}

/** What stands in the store, and so was checked when it came there: only that is frozen. */
export function isStored(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.isFrozen(value);
}

/** Readers share what is stored; who writes to it anyway learns so at once. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
