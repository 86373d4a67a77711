// Sends what an engine wants written. The answer becomes visible in the stores at once, and what somebody else did first
// is no error.
import { isConflict, isNotFound, type KubeApi, type KubeObject } from "@dsl/kube-operator";
import type { Write } from "../engine/engine.ts";
import type { WritableStores } from "./stores.ts";

export class Sender {
  readonly #api: KubeApi;
  readonly #stores: WritableStores;

  constructor(api: KubeApi, stores: WritableStores) {
    this.#api = api;
    this.#stores = stores;
  }

  /** Tells whether what was to be deleted is gone. */
  async send(write: Write): Promise<"Gone" | undefined> {
    let left: KubeObject | undefined;
    try {
      left = await this.#request(write);
    } catch (error) {
      // A conflict means to a delete that somebody else bears the name now; a patch has to be sent again.
      if (isNotFound(error) || (isConflict(error) && write.kind === "delete")) return undefined;
      throw error;
    }
    if (left === undefined) return "Gone";
    this.#stores.learn(left);
    return undefined;
  }

  #request(write: Write): Promise<KubeObject | undefined> {
    switch (write.kind) {
      case "create":
        return this.#api.create(write.resource, write.manifest);
      case "patch":
        return this.#api.patch(write.resource, write.key, write.patch);
      case "delete":
        return this.#api.delete(write.resource, write.key, { uid: write.uid, propagation: write.propagation });
    }
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
