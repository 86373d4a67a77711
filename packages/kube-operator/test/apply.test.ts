import { beforeEach, expect, test } from "vitest";
import { type AppliedFields, apply, hasFields } from "../src/apply.ts";
import type { KubeObject, Resource } from "../src/object.ts";
import { createStore, type Store } from "../src/store.ts";
import { type MemoryKubeApi, manualClock, memoryKubeApi } from "../testing/index.ts";

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}
const configMaps: Resource<ConfigMap> = {
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  namespaced: true,
};
const key = { namespace: "default", name: "a" };

let api: MemoryKubeApi;
let store: Store<ConfigMap>;
beforeEach(() => {
  api = memoryKubeApi({ clock: manualClock() });
  store = createStore({ resource: configMaps });
});

const applied = (data: Record<string, string>, withStore = true): Promise<ConfigMap> => {
  const fields: AppliedFields = { metadata: key, data };
  return apply(api, configMaps, fields, { fieldManager: "test", ...(withStore && { store }) });
};

test("what is applied is in the store at once, before any event", async () => {
  await applied({ a: "1" });
  expect(store.get(key)?.data).toEqual({ a: "1" });
});

test("nothing is sent when the store shows the fields in place", async () => {
  await applied({ a: "1" });
  api.fail(() => "reset");
  await expect(applied({ a: "1" })).resolves.toMatchObject({ data: { a: "1" } });
  await expect(applied({ a: "2" })).rejects.toThrow();
});

test("fields of others stay, and a field of ours that others changed is taken back", async () => {
  await applied({ a: "1" });
  await api.patch(configMaps, key, { type: "merge", body: { data: { a: "theirs", b: "theirs" } } });
  await applied({ a: "1" }, false);
  expect((await api.get(configMaps, key)).data).toEqual({ a: "1", b: "theirs" });
});

test("a field that is no longer sent is removed", async () => {
  await applied({ a: "1", b: "1" }, false);
  await applied({ a: "1" }, false);
  expect((await api.get(configMaps, key)).data).toEqual({ a: "1" });
});

test.each([
  ["the same", { a: 1 }, { a: 1 }, true],
  ["more than asked for", { a: 1, b: { c: 2 } }, { b: { c: 2 } }, true],
  ["a default within a list", { list: [{ a: 1, port: 80 }] }, { list: [{ a: 1 }] }, true],
  ["an undefined field", {}, { a: undefined }, true],
  ["a missing field", { a: 1 }, { b: 1 }, false],
  ["another value", { a: { b: 1 } }, { a: { b: 2 } }, false],
  ["a longer list", { list: [1, 2] }, { list: [1] }, false],
  ["a value in place of an object", { a: 1 }, { a: { b: 1 } }, false],
])("%s: %j has %j is %s", (_, object, fields, expected) => {
  expect(hasFields(object, fields)).toBe(expected);
});
