// The operator's own view of a cluster for one moment: its stores, filled once instead of watched.
import {
  createStore,
  type KubeApi,
  type KubeObject,
  listAll,
  type Resource,
  type Store,
  type Stored,
  type StoreSettings,
} from "@dsl/kube-operator";
import { type Stores, watchedStores } from "../controller/stores.ts";

export async function readStores(api: KubeApi): Promise<Stores> {
  const fills: (() => Promise<void>)[] = [];
  const stores = watchedStores({
    store<T extends Stored = KubeObject>(
      resource: Resource,
      settings: StoreSettings<T> & { readonly project?: (object: KubeObject) => T | undefined } = {},
    ): Store<T> {
      const { project, indexes, labelSelector, fieldSelector } = settings;
      const store = createStore<T>({ resource, ...(indexes && { indexes }) });
      fills.push(async () => {
        const { items, resourceVersion } = await listAll<KubeObject>(api, resource, {
          ...(labelSelector !== undefined && { labelSelector }),
          ...(fieldSelector !== undefined && { fieldSelector }),
        });
        const kept =
          project === undefined ? (items as unknown as readonly T[]) : items.flatMap((each) => project(each) ?? []);
        await store.replaceAll(kept, resourceVersion);
      });
      return store;
    },
  });
  await Promise.all(fills.map((fill) => fill()));
  return stores;
}
