import { expect, test } from "vitest";
import { type Change, createStore, type Store, type StoreOptions } from "../src/store.ts";

interface Thing {
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
  readonly colours: readonly string[];
}

const things = { group: "", version: "v1", kind: "Thing", plural: "things", namespaced: true } as const;

const thing = (name: string, version: number, colours: readonly string[] = [], uid = `uid-of-${name}`): Thing => ({
  metadata: { namespace: "ns", name, uid, resourceVersion: `${version}` },
  colours,
});

const key = (name: string) => ({ namespace: "ns", name });

function aStore(options: Partial<StoreOptions<Thing>> = {}): { store: Store<Thing>; changes: string[] } {
  const store = createStore<Thing>({ resource: things, indexes: { colour: (object) => object.colours }, ...options });
  const changes: string[] = [];
  store.onChange((change) => changes.push(textOf(change)));
  return { store, changes };
}

function textOf({ type, object, old, initial }: Change<Thing>): string {
  const { name, resourceVersion } = object.metadata;
  const before = old === undefined ? "" : `${old.metadata.resourceVersion}→`;
  return `${type} ${name} ${before}${resourceVersion}${initial ? " initial" : ""}`;
}

const names = (objects: readonly Thing[]): readonly string[] => objects.map((object) => object.metadata.name);

test("a first list adds its objects, and only after it has the store synced", async () => {
  const { store, changes } = aStore();
  expect(store.hasSynced).toBe(false);
  await store.replaceAll([thing("a", 1), thing("b", 2)], "5");
  expect(changes).toEqual(["add a 1 initial", "add b 2 initial"]);
  expect({ synced: store.hasSynced, version: store.resourceVersion, size: store.size }).toEqual({
    synced: true,
    version: "5",
    size: 2,
  });
});

test("a second list is told as the adds, updates and deletes that lead to it", async () => {
  const { store, changes } = aStore();
  await store.replaceAll([thing("kept", 1), thing("changed", 2), thing("gone", 3)], "5");
  changes.length = 0;
  await store.replaceAll([thing("kept", 1), thing("changed", 8), thing("new", 7)], "9");
  expect(changes).toEqual(["update changed 2→8", "add new 7", "delete gone 3→3"]);
});

test("the same name with a new uid is a delete and an add", () => {
  const { store, changes } = aStore();
  store.set(thing("a", 1, ["red"], "first"));
  store.set(thing("a", 4, ["blue"], "second"));
  expect(changes).toEqual(["add a 1", "delete a 1→1", "add a 4"]);
  expect([store.countBy("colour", "red"), store.countBy("colour", "blue")]).toEqual([0, 1]);
});

test("versions compare as numbers, so that 10 is newer than 9", () => {
  const { store } = aStore();
  store.set(thing("a", 9));
  store.set(thing("a", 10));
  store.set(thing("a", 9));
  expect(store.get(key("a"))?.metadata.resourceVersion).toBe("10");
});

test("an own write is visible at once, and its event later is no second change", () => {
  const { store, changes } = aStore();
  store.set(thing("a", 1));
  store.learn(thing("a", 3));
  store.set(thing("a", 2));
  store.set(thing("a", 3));
  expect(changes).toEqual(["add a 1", "update a 1→3"]);
});

test("an own write does not move the version that the store has followed the server to", () => {
  const { store } = aStore();
  store.set(thing("a", 1));
  store.learn(thing("b", 7));
  expect(store.resourceVersion).toBe("1");
  store.advance("4");
  store.advance("2");
  expect(store.resourceVersion).toBe("4");
});

test("the late answer of a write does not bring a deleted object back", () => {
  const { store } = aStore();
  store.set(thing("a", 1));
  store.remove(thing("a", 5));
  store.learn(thing("a", 3));
  expect(store.get(key("a"))).toBeUndefined();
});

test("after an own delete, events that are still under way do not bring the object back", () => {
  const { store, changes } = aStore();
  store.set(thing("a", 1));
  store.forget(key("a"), "uid-of-a");
  store.set(thing("a", 2));
  store.remove(thing("a", 3));
  expect(changes).toEqual(["add a 1", "delete a 1→1"]);
});

test("an own delete of a former bearer of the name leaves the present one", () => {
  const { store } = aStore();
  store.set(thing("a", 4, [], "second"));
  store.forget(key("a"), "first");
  store.remove(thing("a", 3, [], "first"));
  expect(store.get(key("a"))?.metadata.uid).toBe("second");
});

test("an object that left the selection may come back with a newer version", () => {
  const { store, changes } = aStore();
  store.set(thing("a", 1));
  store.remove(thing("a", 2));
  store.set(thing("a", 3));
  expect(changes).toEqual(["add a 1", "delete a 1→2", "add a 3"]);
});

test("a list that an own create came too late for does not remove what was created", async () => {
  const { store } = aStore();
  await store.replaceAll([], "5");
  store.learn(thing("mine", 8));
  await store.replaceAll([], "7");
  expect(names(store.list())).toEqual(["mine"]);
});

test("indexes follow each change, and an object may stand under several values", () => {
  const { store } = aStore();
  store.set(thing("a", 1, ["red", "blue"]));
  store.set(thing("b", 2, ["red"]));
  store.set(thing("a", 3, ["blue", "green"]));
  expect(names(store.byIndex("colour", "red"))).toEqual(["b"]);
  expect(names(store.byIndex("colour", "blue"))).toEqual(["a"]);
  store.remove(thing("a", 4, ["blue"]));
  expect(["red", "blue", "green"].map((colour) => store.countBy("colour", colour))).toEqual([1, 0, 0]);
});

test("an index that does not exist is an error, not an empty answer", () => {
  expect(() => aStore().store.byIndex("shape", "round")).toThrow('the store of things has no index "shape"');
});

test("a handler that throws hurts neither the store nor the other handlers", () => {
  const errors: unknown[] = [];
  const { store } = aStore({ onHandlerError: (error) => errors.push(error) });
  const heard: string[] = [];
  store.onChange(() => {
    throw new Error("broken");
  });
  store.onChange((change) => heard.push(textOf(change)));
  store.set(thing("a", 1));
  expect(heard).toEqual(["add a 1"]);
  expect(errors).toEqual([new Error("broken")]);
  expect(store.size).toBe(1);
});

test("a handler that comes late is told what is there already, and one that leaves hears nothing more", () => {
  const { store } = aStore();
  store.set(thing("a", 1));
  const heard: string[] = [];
  const leave = store.onChange((change) => heard.push(textOf(change)));
  store.set(thing("a", 2));
  leave();
  store.set(thing("a", 3));
  expect(heard).toEqual(["add a 1 initial", "update a 1→2"]);
});

test("a mass deletion does not fill the memory with tombstones, and the last ones hold", async () => {
  const { store } = aStore();
  const many = Array.from({ length: 11_000 }, (_, index) => thing(`t${index}`, index + 1));
  await store.replaceAll(many, "11000");
  await store.replaceAll([], "12000");
  store.learn(thing("t10999", 11_500));
  expect(store.size).toBe(0);
});
