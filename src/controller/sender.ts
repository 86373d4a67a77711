// Sends what an engine wants written. The answer becomes visible in the stores at once, and what somebody else did first
// is no error.
import { isConflict, isNotFound, type KubeApi } from "@dsl/kube-operator";
import type { Write } from "../engine/engine.ts";
import type { WritableStores } from "./stores.ts";

export class Sender {
  readonly #api: KubeApi;
  readonly #stores: WritableStores;

  constructor(api: KubeApi, stores: WritableStores) {
    this.#api = api;
    this.#stores = stores;
  }

  async send(write: Write): Promise<void> {
    await ignoring(isGone, async () => {
      switch (write.kind) {
        case "create":
          return this.#stores.learnJob(await this.#api.create(write.resource, write.manifest));
        case "patch":
          return this.#stores.learnJob(await this.#api.patch(write.resource, write.key, write.patch));
        case "delete": {
          const left = await this.#api.delete(write.resource, write.key, {
            uid: write.uid,
            propagation: write.propagation,
          });
          if (left !== undefined) this.#stores.learnJob(left);
        }
      }
    });
  }
}

export function isGone(error: unknown): boolean {
  return isNotFound(error) || isConflict(error);
}

/** Somebody was faster: the next reconcile sees what is there now. */
export async function ignoring(isExpected: (error: unknown) => boolean, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isExpected(error)) throw error;
  }
}
