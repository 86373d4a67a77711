// The REST paths of an API server → the verbs of KubeApi. Serves `request` of the in-memory API and its HTTP server.
import type {
  DeleteOptions,
  JsonPatchOperation,
  KubeApi,
  ListOptions,
  Patch,
  RequestOptions,
  WatchOptions,
  WriteOptions,
} from "../src/kube-api.ts";
import type { KubeObject, Manifest, ObjectKey, Resource } from "../src/object.ts";
import { badRequest, noSuchResource } from "./api-errors.ts";
import { isObject } from "./json.ts";

/** What the routes need to know beside the verbs. */
export interface RoutedApi extends KubeApi {
  resourceAt(group: string, version: string, plural: string): Resource | undefined;
}

/** What a path addresses. */
export interface Route {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly query: URLSearchParams;
}

export function routeOf(api: RoutedApi, path: string): Route | undefined {
  const url = new URL(path, "http://server");
  const parts = url.pathname.split("/").filter(Boolean).map(decodeURIComponent);
  const [root, ...below] = parts;
  if (root !== "api" && root !== "apis") return undefined;
  const [group = "", version = "", ...rest] = root === "api" ? ["", ...below] : below;
  // namespaces/<name>/<plural>/… is inside a namespace; namespaces/<name>/status is the namespace itself.
  const isInside = rest[0] === "namespaces" && rest.length >= 3 && rest[2] !== "status" && rest[2] !== "finalize";
  const namespace = isInside ? rest[1] : undefined;
  const [plural = "", name, subresource] = isInside ? rest.slice(2) : rest;
  const resource = api.resourceAt(group, version, plural);
  return resource && { resource, namespace, name, subresource, query: url.searchParams };
}

/** Anything but a watch or a log. Answers as the server does: lists are lists, deletions a Status or an object. */
export async function restRequest(
  api: RoutedApi,
  method: string,
  path: string,
  body: unknown,
  options: RequestOptions,
  contentType?: string,
): Promise<unknown> {
  const special = await specialAnswer(api, method, path, body);
  if (special !== undefined) return special;
  const route = routeOf(api, path);
  if (route === undefined) throw noSuchResource();
  const { resource, name, subresource } = route;
  if (name === undefined) {
    if (method === "GET") return listBody(api, route, options);
    if (method === "POST") return api.create(resource, manifestOf(body, route), writeOptions(route, options));
    throw badRequest(`${method} on a collection is not served here`);
  }
  const key = keyAt(route, name);
  switch (method) {
    case "GET":
      return api.get(resource, key, { ...options, ...(subresource !== undefined && { subresource }) });
    case "PUT":
      return api.replace(resource, manifestOf(body, route), writeOptions(route, options));
    case "PATCH":
      return api.patch(resource, key, patchOf(body, route, contentType), writeOptions(route, options));
    case "DELETE":
      return deletionBody(await api.delete(resource, key, deleteOptions(body, options)), key);
    default:
      throw noSuchResource();
  }
}

async function specialAnswer(api: RoutedApi, method: string, path: string, body: unknown): Promise<unknown> {
  const [plain = ""] = path.split("?");
  if (method === "GET" && plain === "/version") return { major: "1", minor: "36", gitVersion: "v1.36.0-memory" };
  if (method === "GET" && ["/healthz", "/livez", "/readyz"].includes(plain)) return "ok";
  if (method === "POST" && plain.endsWith("/selfsubjectaccessreviews")) {
    return { ...(isObject(body) ? body : {}), status: { allowed: true } };
  }
  const eviction = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/eviction$/.exec(plain);
  const pods = api.resourceAt("", "v1", "pods");
  if (method === "POST" && eviction !== null && pods !== undefined) {
    const [, namespace = "", name = ""] = eviction;
    await api.delete(pods, { namespace, name });
    return successBody({ name });
  }
  return undefined;
}

export function keyAt({ namespace }: Route, name: string): ObjectKey {
  return namespace === undefined ? { name } : { namespace, name };
}

export function listOptions({ query, namespace }: Route): ListOptions {
  const limit = query.get("limit");
  return {
    ...(namespace !== undefined && { namespace }),
    ...present(query, ["labelSelector", "fieldSelector", "continue", "resourceVersion"]),
    ...(limit !== null && { limit: Number(limit) }),
  };
}

export function watchOptions({ query, namespace }: Route): WatchOptions {
  const timeout = query.get("timeoutSeconds");
  const initial = query.get("sendInitialEvents");
  return {
    ...(namespace !== undefined && { namespace }),
    ...present(query, ["labelSelector", "fieldSelector", "resourceVersion"]),
    ...(query.get("resourceVersionMatch") === "NotOlderThan" && { resourceVersionMatch: "NotOlderThan" as const }),
    ...(initial !== null && { sendInitialEvents: initial === "true" }),
    ...(timeout !== null && { timeoutSeconds: Number(timeout) }),
  };
}

function writeOptions({ query, subresource }: Route, options: RequestOptions): WriteOptions {
  const validation = query.get("fieldValidation");
  return {
    ...options,
    ...present(query, ["fieldManager"]),
    ...(subresource !== undefined && { subresource }),
    ...(query.get("dryRun") === "All" && { dryRun: true }),
    ...((validation === "Strict" || validation === "Ignore") && { fieldValidation: validation }),
    ...((validation === null || validation === "Warn") && { fieldValidation: "Warn" as const }),
  };
}

function deleteOptions(body: unknown, options: RequestOptions): DeleteOptions {
  const { preconditions, propagationPolicy, gracePeriodSeconds } = isObject(body) ? body : {};
  const { uid, resourceVersion } = isObject(preconditions) ? preconditions : {};
  return {
    ...options,
    ...(typeof uid === "string" && { uid }),
    ...(typeof resourceVersion === "string" && { resourceVersion }),
    ...((propagationPolicy === "Background" ||
      propagationPolicy === "Foreground" ||
      propagationPolicy === "Orphan") && {
      propagation: propagationPolicy,
    }),
    ...(typeof gracePeriodSeconds === "number" && { gracePeriodSeconds }),
  };
}

function patchOf(body: unknown, { query }: Route, contentType?: string): Patch {
  switch (contentType ?? (Array.isArray(body) ? "application/json-patch+json" : "application/merge-patch+json")) {
    case "application/json-patch+json":
      return { type: "json", operations: body as readonly JsonPatchOperation[] };
    case "application/merge-patch+json":
      return { type: "merge", body };
    case "application/apply-patch+yaml":
      return { type: "apply", body: body as Manifest, force: query.get("force") === "true" };
    default:
      throw badRequest(`the body of the request was in an unknown format: ${contentType}`);
  }
}

/** The namespace of the URL counts, and the body may leave it out. */
function manifestOf(body: unknown, { namespace }: Route): Manifest {
  if (!isObject(body)) throw badRequest("the request has no object");
  const metadata = isObject(body.metadata) ? body.metadata : {};
  if (namespace !== undefined && metadata.namespace !== undefined && metadata.namespace !== namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  return { ...body, metadata: { ...metadata, ...(namespace !== undefined && { namespace }) } } as Manifest;
}

async function listBody(api: RoutedApi, route: Route, options: RequestOptions): Promise<unknown> {
  const { resource } = route;
  const page = await api.list(resource, { ...listOptions(route), ...options });
  const { items, resourceVersion, remainingItemCount } = page;
  return {
    kind: `${resource.kind}List`,
    apiVersion: resource.group === "" ? resource.version : `${resource.group}/${resource.version}`,
    metadata: {
      resourceVersion,
      ...(page.continue !== undefined && { continue: page.continue }),
      ...(remainingItemCount !== undefined && { remainingItemCount }),
    },
    items,
  };
}

const deletionBody = (held: KubeObject | undefined, { name }: ObjectKey): unknown => held ?? successBody({ name });

const successBody = (details: { readonly name: string }): unknown => ({
  kind: "Status",
  apiVersion: "v1",
  status: "Success",
  details,
});

function present<Name extends string>(query: URLSearchParams, names: readonly Name[]): { [K in Name]?: string } {
  const found: { [K in Name]?: string } = {};
  for (const name of names) {
    const value = query.get(name);
    if (value !== null) found[name] = value;
  }
  return found;
}
