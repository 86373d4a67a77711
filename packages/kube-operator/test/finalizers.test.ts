import { beforeEach, describe, expect, test } from "vitest";
import { addFinalizer, hasFinalizer, removeFinalizer } from "../src/finalizers.ts";
import { isInvalid, type Patch } from "../src/kube-api.ts";
import { type KubeObject, keyOf, type Resource } from "../src/object.ts";
import { type MemoryKubeApi, manualClock, memoryKubeApi } from "../testing/index.ts";

const configMaps: Resource = { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true };
const key = { namespace: "default", name: "a" };
const ours = "example.dev/ours";
const theirs = "example.dev/theirs";

let api: MemoryKubeApi;
beforeEach(() => {
  api = memoryKubeApi({ clock: manualClock() });
});

function aConfigMap(finalizers?: readonly string[]): Promise<KubeObject> {
  const metadata = { ...key, ...(finalizers && { finalizers }) };
  return api.create(configMaps, { apiVersion: "v1", kind: "ConfigMap", metadata });
}

async function send(object: KubeObject, patch: Patch | undefined): Promise<readonly string[] | undefined> {
  if (patch === undefined) throw new Error("there is nothing to send");
  return (await api.patch(configMaps, keyOf(object), patch)).metadata.finalizers;
}

describe("adding", () => {
  test("the first one makes the list", async () => {
    const object = await aConfigMap();
    expect(await send(object, addFinalizer(object, ours))).toEqual([ours]);
  });

  test("a further one leaves the others in their place", async () => {
    const object = await aConfigMap([theirs]);
    expect(await send(object, addFinalizer(object, ours))).toEqual([theirs, ours]);
  });

  test("one that is there needs no patch", async () => {
    const object = await aConfigMap([ours]);
    expect(hasFinalizer(object, ours)).toBe(true);
    expect(addFinalizer(object, ours)).toBeUndefined();
  });

  test("an object that is being deleted takes none", async () => {
    const object = await aConfigMap([theirs]);
    const dying = await api.delete(configMaps, keyOf(object));
    expect(dying?.metadata.deletionTimestamp).toBeDefined();
    expect(dying && addFinalizer(dying, ours)).toBeUndefined();
  });

  test.each([
    ["into an empty list", undefined],
    ["beside others", ["example.dev/first"]],
  ])("what another adds in between %s is not overwritten", async (_, before) => {
    const stale = await aConfigMap(before);
    await send(stale, addFinalizer(stale, theirs));
    await expect(send(stale, addFinalizer(stale, ours))).rejects.toSatisfy(isInvalid);
    expect((await api.get(configMaps, key)).metadata.finalizers).toContain(theirs);
  });
});

describe("removing", () => {
  test("only the named one goes", async () => {
    const object = await aConfigMap([theirs, ours]);
    expect(await send(object, removeFinalizer(object, ours))).toEqual([theirs]);
  });

  test("one that is not there needs no patch", async () => {
    expect(removeFinalizer(await aConfigMap([theirs]), ours)).toBeUndefined();
  });

  test("a list that has shifted in between loses nothing of others", async () => {
    const stale = await aConfigMap([theirs, ours, "example.dev/last"]);
    await send(stale, removeFinalizer(stale, theirs));
    await expect(send(stale, removeFinalizer(stale, ours))).rejects.toSatisfy(isInvalid);
    expect((await api.get(configMaps, key)).metadata.finalizers).toEqual([ours, "example.dev/last"]);
  });

  test("the next object of the same name is not touched", async () => {
    const former = await aConfigMap([ours]);
    await send(former, removeFinalizer(former, ours));
    await api.delete(configMaps, key);
    await aConfigMap([ours]);
    await expect(send(former, removeFinalizer(former, ours))).rejects.toSatisfy(isInvalid);
  });
});
