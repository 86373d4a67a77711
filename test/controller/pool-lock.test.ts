import type { KubeApi } from "@dsl/kube-operator";
import { expect, test } from "vitest";
import { PoolLock } from "../../src/controller/pool-lock.ts";
import type { WritableStores } from "../../src/controller/stores.ts";
import { aPool } from "./builders.ts";

test("what an operator before it has opened as objects is claimed as texts, which are all that the server takes now", async () => {
  const start = { namespace: "a", task: "t", taskUid: "u", shard: 0, attempt: 1, node: "n1", request: { cpu: "1" } };
  const pool = { ...aPool("lab"), status: { queue: { term: "before", openStarts: [start] } } };
  const written: unknown[] = [];
  const api = {
    get: async () => pool,
    list: async () => ({ items: [], resourceVersion: "1" }),
    async patch(_: unknown, __: unknown, { operations }: { readonly operations: readonly { value?: unknown }[] }) {
      written.push(operations.at(-1)?.value);
      return pool;
    },
  } as unknown as KubeApi;
  const stores = {
    pools: { get: () => pool, list: () => [pool] },
    rounds: { size: 0 },
    learnPool() {},
  } as unknown as WritableStores;
  await new PoolLock(api, stores, "now").claim("lab");
  expect(written).toEqual([{ queue: { term: "now", openStarts: ["a/t u 0/1 n1 cpu=1"] } }]);
});
