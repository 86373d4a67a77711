// What the in-memory API server does with plain JSON: copy and freeze.

export type JsonObject = { [field: string]: unknown };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What would arrive at the other end of a connection: undefined fields are gone, nothing is shared. */
export function copyOf<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

/** Readers share what is stored; who writes to it anyway learns so at once. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
