// The lists of the API server in memory: pages that are all read at one version.
import type { ListOptions, ListPage } from "../src/kube-api.ts";
import type { KubeObject, Resource } from "../src/object.ts";
import { expired } from "./api-errors.ts";
import type { Kind } from "./builtin-kinds.ts";
import { asVersion } from "./kind-registry.ts";
import { checkReached } from "./memory-watches.ts";
import { selectorOf } from "./selectors.ts";
import type { Storage } from "./storage.ts";

/** What is left of a list, as it was at its first page. */
interface Rest {
  readonly objects: readonly KubeObject[];
  readonly revision: number;
}

export class MemoryLists {
  readonly #storage: Storage;
  readonly #rests = new Map<string, Rest>();
  #count = 0;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  page<T extends KubeObject>(kind: Kind, resource: Resource<T>, options: ListOptions): ListPage<T> {
    const { objects, revision } = options.continue ? this.#rest(options.continue) : this.#first(kind, options);
    const limit = options.limit === undefined || options.limit <= 0 ? objects.length : options.limit;
    const items = objects.slice(0, limit).map((object) => asVersion(resource, object));
    const page = { items, resourceVersion: `${revision}` };
    if (objects.length <= limit) return page;
    this.#count += 1;
    const token = `${this.#count}`;
    this.#rests.set(token, { objects: objects.slice(limit), revision });
    const isSelection = options.labelSelector !== undefined || options.fieldSelector !== undefined;
    return { ...page, continue: token, ...(!isSelection && { remainingItemCount: objects.length - limit }) };
  }

  /** From now on the next page of an older list is gone. */
  compact(): void {
    this.#rests.clear();
  }

  #first(kind: Kind, options: ListOptions): Rest {
    checkReached(this.#storage, options.resourceVersion);
    const isSelected = selectorOf(options, kind.selectableFields);
    const objects = this.#storage.entries(kind).map(({ object }) => object);
    return { objects: objects.filter(isSelected), revision: this.#storage.revision };
  }

  #rest(token: string): Rest {
    const rest = this.#rests.get(token);
    if (rest !== undefined) return rest;
    throw expired("The provided continue parameter is too old to display a consistent list result.");
  }
}
