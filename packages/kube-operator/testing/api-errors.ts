// The refusals of an API server, in its own words as far as readers of messages would notice.
import { ApiError, type Status } from "../src/kube-api.ts";
import type { Resource } from "../src/object.ts";

export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

type Details = NonNullable<Status["details"]>;

function refusal(code: number, reason: string, message: string, details?: Details): ApiError {
  return new ApiError({ code, reason, message, ...(details !== undefined && { details }) });
}

const qualified = (name: string, group: string): string => (group === "" ? name : `${name}.${group}`);
const naming = ({ plural }: Resource, name: string): Details => ({ name, kind: plural });
const quoted = (resource: Resource, name: string): string => `${qualified(resource.plural, resource.group)} "${name}"`;

export const notFound = (resource: Resource, name: string): ApiError =>
  refusal(404, "NotFound", `${quoted(resource, name)} not found`, naming(resource, name));

export const noSuchResource = (): ApiError =>
  refusal(404, "NotFound", "the server could not find the requested resource");

export const alreadyExists = (resource: Resource, name: string): ApiError =>
  refusal(409, "AlreadyExists", `${quoted(resource, name)} already exists`, naming(resource, name));

export const conflict = (resource: Resource, name: string, why: string): ApiError =>
  refusal(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${quoted(resource, name)}: ${why}`,
    naming(resource, name),
  );

export const modifiedMeanwhile =
  "the object has been modified; please apply your changes to the latest version and try again";

export const applyConflict = (causes: readonly Cause[]): ApiError =>
  refusal(
    409,
    "Conflict",
    `Apply failed with ${causes.length} conflict${causes.length === 1 ? "" : "s"}: ${causes
      .map(({ message, field }) => `${message}: ${field}`)
      .join(", ")}`,
    { causes },
  );

export const invalid = (resource: Resource, name: string, causes: readonly Cause[]): ApiError => {
  const list = causes.map(({ field, message }) => `${field}: ${message}`);
  const text = list.length === 1 ? list[0] : `[${list.join(", ")}]`;
  return refusal(422, "Invalid", `${qualified(resource.kind, resource.group)} "${name}" is invalid: ${text}`, {
    name,
    kind: resource.kind,
    causes,
  });
};

export const unprocessable = (message: string): ApiError => refusal(422, "Invalid", message);

export const forbidden = (resource: Resource, name: string, why: string): ApiError =>
  refusal(403, "Forbidden", `${quoted(resource, name)} is forbidden: ${why}`, naming(resource, name));

export const badRequest = (message: string): ApiError => refusal(400, "BadRequest", message);

export const expired = (message: string): ApiError => refusal(410, "Expired", message);

/** A version that this server has not reached yet. */
export const tooLargeVersion = (asked: string, current: number): ApiError =>
  refusal(504, "Timeout", `Too large resource version: ${asked}, current: ${current}`, {
    retryAfterSeconds: 1,
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
  });
