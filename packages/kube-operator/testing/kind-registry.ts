// The kinds that the API server in memory serves: the built-in ones, and those that definitions add while it runs.
import { apiVersionOf, type KubeObject, type Resource } from "../src/object.ts";
import { noSuchResource } from "./api-errors.ts";
import { builtinKinds, type Kind } from "./builtin-kinds.ts";
import { kindsOfDefinition } from "./custom-kinds.ts";
import type { JsonObject } from "./json.ts";

type KindName = Pick<Resource, "group" | "version" | "plural">;

const nameOf = ({ group, version, plural }: KindName): string => [group, version, plural].join("/");

export class KindRegistry {
  readonly #kinds = new Map<string, Kind>();

  constructor() {
    for (const kind of builtinKinds) this.#kinds.set(nameOf(kind.resource), kind);
  }

  /** Throws the server's 404 for a kind that is not served. */
  get(resource: KindName): Kind {
    const kind = this.find(resource);
    if (kind === undefined) throw noSuchResource();
    return kind;
  }

  find(resource: KindName): Kind | undefined {
    return this.#kinds.get(nameOf(resource));
  }

  define(definition: JsonObject): void {
    for (const kind of kindsOfDefinition(definition)) this.#kinds.set(nameOf(kind.resource), kind);
  }

  /** Says which kinds are no longer served. */
  undefine(definition: JsonObject): readonly Kind[] {
    const kinds = kindsOfDefinition(definition);
    for (const { resource } of kinds) this.#kinds.delete(nameOf(resource));
    return kinds;
  }
}

/** The object as another served version names it. */
export function asVersion<T extends KubeObject>(resource: Resource<T>, object: KubeObject): T {
  const apiVersion = apiVersionOf(resource);
  return (object.apiVersion === apiVersion ? object : { ...object, apiVersion }) as T;
}
