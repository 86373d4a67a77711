// The lock of a pool's capacity: its status, written by compare and swap under the leader's term. Whoever wants to start
// something claims the pool first; a former leader's next write fails.
import {
  isConflict,
  isNotFound,
  type JsonPatchOperation,
  type KubeApi,
  type KubeObject,
  keyOf,
  listAll,
} from "@dsl/kube-operator";
import { labels } from "../api/labels.ts";
import { type OpenStart, openStartsOf, openStartText } from "../api/open-starts.ts";
import { parentOf, type ResourcePool, type ResourcePoolStatus, resourcePools } from "../api/resource-pool.ts";
import { jobs } from "../engine/job.ts";
import { pods } from "../engine/managed.ts";
import { treesOf } from "./observed/pools.ts";
import { ignoring } from "./sender.ts";
import type { WritableStores } from "./stores.ts";

const poolsPerList = 100;

/** Another operator leads: this one must not write any more. */
export class LeadershipLost extends Error {
  constructor(holder: string) {
    super(`${holder} leads now`);
    this.name = "LeadershipLost";
  }
}

export class PoolLock {
  readonly #api: KubeApi;
  readonly #stores: WritableStores;
  /** Names this operator's time of leadership in each pool's status. */
  readonly #term: string;
  /** UIDs of the pools whose status carries our term. */
  readonly #claimed = new Set<string>();

  constructor(api: KubeApi, stores: WritableStores, term: string) {
    this.#api = api;
    this.#stores = stores;
    this.#term = term;
  }

  /**
   * Before the first plan of a root: takes it over from whoever led before, and learns what was under way. The term is
   * written first, so that what the former leader still decides fails; only then are its Jobs listed, live, since our
   * own copy may be older than its last writes.
   */
  async claim(root: string): Promise<void> {
    const cached = this.#stores.pools.get({ name: root });
    if (cached === undefined) return;
    if (this.#claimed.has(cached.metadata.uid)) return this.#checkTerm(cached);
    await ignoring(isNotFound, async () => {
      const pool = await this.#api.get(resourcePools, { name: root });
      await this.#patchPoolStatus(pool, asWritten(pool));
      for (const labelSelector of selectorsOf(treesOf(this.#stores).poolsOf(root))) {
        for (const job of (await listAll(this.#api, jobs, { labelSelector })).items) this.#stores.learnJob(job);
        // Pods that are attempts by themselves; of others, their Jobs tell enough.
        if (this.#stores.rounds.size > 0)
          for (const pod of (await listAll(this.#api, pods, { labelSelector })).items) this.#stores.learnPod(pod);
      }
      this.#claimed.add(pool.metadata.uid);
    });
  }

  /** Of a pool that is gone. */
  forget(uid: string): void {
    this.#claimed.delete(uid);
  }

  async writeOpenStarts(pool: ResourcePool, openStarts: readonly OpenStart[]): Promise<void> {
    await this.write(pool, (status) => ({
      ...status,
      queue: { ...status.queue, openStarts: openStarts.map(openStartText) },
    }));
  }

  /** Compare and swap, under our term; a pool that another operator claimed since ends our leadership. */
  async write(pool: ResourcePool, change: (status: ResourcePoolStatus) => ResourcePoolStatus): Promise<void> {
    let current = this.#stores.pools.get(keyOf(pool)) ?? pool;
    for (let attempt = 1; ; attempt++) {
      this.#checkTerm(current);
      try {
        return await this.#patchPoolStatus(current, change(current.status ?? {}));
      } catch (error) {
        if (!isConflict(error) || attempt === 3) throw error;
        current = await this.#api.get(resourcePools, keyOf(pool));
        if (current.metadata.uid !== pool.metadata.uid) throw error;
      }
    }
  }

  /**
   * The watch may have brought another's claim already: then writing over it would be no conflict. A child that we have
   * not written to yet still carries the term of who led before; who leads now stands in its root, claimed first.
   */
  #checkTerm(pool: ResourcePool): void {
    const holder = pool.status?.queue?.term;
    const isTakenOver = parentOf(pool) === undefined || this.#claimed.has(pool.metadata.uid);
    if (holder !== undefined && holder !== this.#term && isTakenOver) throw new LeadershipLost(holder);
  }

  async #patchPoolStatus(pool: ResourcePool, status: ResourcePoolStatus): Promise<void> {
    const operations = [
      { op: "test", path: "/metadata/uid", value: pool.metadata.uid },
      versionOf(pool),
      { op: "add", path: "/status", value: { ...status, queue: { ...status.queue, term: this.#term } } },
    ] as const;
    this.#stores.learnPool(
      await this.#api.patch(resourcePools, keyOf(pool), { type: "json", operations }, { subresource: "status" }),
    );
    if (parentOf(pool) !== undefined) this.#claimed.add(pool.metadata.uid);
  }
}

/** As this operator writes it: one before it may have written open starts as objects, which the server takes no more. */
function asWritten(pool: ResourcePool): ResourcePoolStatus {
  const { status = {} } = pool;
  if (status.queue?.openStarts === undefined) return status;
  return { ...status, queue: { ...status.queue, openStarts: openStartsOf(pool).map(openStartText) } };
}

/** The Jobs of a tree, a hundred pools a request: addresses must not grow without end. */
function selectorsOf(pools: readonly ResourcePool[]): readonly string[] {
  const names = pools.map(({ metadata }) => metadata.name);
  const selectors: string[] = [];
  for (let start = 0; start < names.length; start += poolsPerList) {
    selectors.push(`${labels.pool} in (${names.slice(start, start + poolsPerList).join(",")})`);
  }
  return selectors;
}

/** Not a test: setting the version makes the server compare, and answer 409 where another was faster. */
export function versionOf({ metadata }: KubeObject): JsonPatchOperation {
  return { op: "replace", path: "/metadata/resourceVersion", value: metadata.resourceVersion };
}
