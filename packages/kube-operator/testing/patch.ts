// JSON patch (RFC 6902) and JSON merge patch (RFC 7386) on plain values. Neither changes its input.

import { sameJson } from "../src/json-schema.ts";
import type { JsonPatchOperation } from "../src/kube-api.ts";
import { unprocessable } from "./api-errors.ts";
import { copyOf, isObject } from "./json.ts";

export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return copyOf(patch);
  const merged = isObject(target) ? { ...target } : {};
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete merged[field];
    else if (value !== undefined) merged[field] = applyMergePatch(merged[field], value);
  }
  return merged;
}

export function applyJsonPatch(target: unknown, operations: readonly JsonPatchOperation[]): unknown {
  let document = copyOf(target);
  for (const operation of operations) document = applyOperation(document, operation);
  return document;
}

function applyOperation(document: unknown, { op, path, from, value }: JsonPatchOperation): unknown {
  switch (op) {
    case "add":
      return write(document, path, value, "add");
    case "replace":
      read(document, path);
      return write(document, path, value, "replace");
    case "remove":
      return remove(document, path);
    case "move": {
      const moved = read(document, from ?? "");
      return write(remove(document, from ?? ""), path, moved, "add");
    }
    case "copy":
      return write(document, path, copyOf(read(document, from ?? "")), "add");
    case "test":
      if (!sameJson(read(document, path) ?? null, value ?? null)) {
        throw unprocessable(`testing value ${path} failed: test failed`);
      }
      return document;
  }
}

function read(document: unknown, path: string): unknown {
  let value = document;
  for (const segment of segmentsOf(path)) {
    if (Array.isArray(value) && isIndex(segment, value.length - 1)) value = value[Number(segment)];
    else if (isObject(value) && Object.hasOwn(value, segment)) value = value[segment];
    else throw missing(path);
  }
  return value;
}

function write(document: unknown, path: string, value: unknown, op: "add" | "replace"): unknown {
  const { parent, last } = parentOf(document, path);
  if (last === undefined) return value;
  if (Array.isArray(parent)) {
    if (last !== "-" && !isIndex(last, parent.length)) throw missing(path);
    const index = last === "-" ? parent.length : Number(last);
    parent.splice(index, op === "replace" ? 1 : 0, value);
  } else {
    parent[last] = value;
  }
  return document;
}

function remove(document: unknown, path: string): unknown {
  read(document, path);
  const { parent, last } = parentOf(document, path);
  if (last === undefined) return undefined;
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete parent[last];
  return document;
}

function parentOf(
  document: unknown,
  path: string,
): { parent: unknown[] | Record<string, unknown>; last: string | undefined } {
  const segments = segmentsOf(path);
  const last = segments.at(-1);
  if (last === undefined) return { parent: [], last };
  const parent = read(document, path.slice(0, path.lastIndexOf("/")));
  if (!Array.isArray(parent) && !isObject(parent)) throw missing(path);
  return { parent, last };
}

function segmentsOf(path: string): readonly string[] {
  if (path === "") return [];
  if (!path.startsWith("/")) throw missing(path);
  return path
    .slice(1)
    .split("/")
    .map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
}

const isIndex = (segment: string, max: number): boolean => /^(0|[1-9]\d*)$/.test(segment) && Number(segment) <= max;

const missing = (path: string): Error =>
  unprocessable(`the server rejected our request due to an error in our request: doc is missing path: "${path}"`);
