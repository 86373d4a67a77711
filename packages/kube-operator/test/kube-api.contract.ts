// What every KubeApi does, as tests: run on the API server in memory and on a real one, so that the former stays true.
// Each test works in a namespace of its own, on a kind of its own.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  ApiError,
  isAlreadyExists,
  isConflict,
  isInvalid,
  isNotFound,
  type KubeApi,
  listAll,
  type WatchEvent,
} from "../src/kube-api.ts";
import {
  controllerReference,
  type KubeObject,
  type Manifest,
  type ObjectKey,
  type ObjectMeta,
  type Resource,
} from "../src/object.ts";

export interface ContractTarget {
  readonly api: KubeApi;
  /** Called while a test waits for something that the server does by itself. */
  readonly wait: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

interface Gadget extends KubeObject {
  readonly spec: {
    readonly size: number;
    readonly colour?: string;
    readonly mode?: string;
    readonly parts?: readonly { readonly name: string; readonly count?: number; readonly note?: string }[];
    readonly words?: readonly string[];
  };
  readonly status?: { readonly phase?: string };
}

const gadgets: Resource<Gadget> = {
  group: "contract.kube-operator.test",
  version: "v1",
  kind: "Gadget",
  plural: "gadgets",
  namespaced: true,
};
const namespaces: Resource = { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false };
const configMaps: Resource = { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true };
const pods: Resource = { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true };
const jobs: Resource = { group: "batch", version: "v1", kind: "Job", plural: "jobs", namespaced: true };
const definitions: Resource = {
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  namespaced: false,
};

const gadgetDefinition: Manifest = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "gadgets.contract.kube-operator.test" },
  spec: {
    group: gadgets.group,
    scope: "Namespaced",
    names: { kind: "Gadget", listKind: "GadgetList", plural: "gadgets", singular: "gadget" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        selectableFields: [{ jsonPath: ".spec.colour" }],
        schema: {
          openAPIV3Schema: {
            type: "object",
            required: ["spec"],
            properties: {
              spec: {
                type: "object",
                required: ["size"],
                properties: {
                  size: { type: "integer", minimum: 1, maximum: 100 },
                  colour: { type: "string", enum: ["red", "green", "blue"] },
                  mode: { type: "string", default: "Calm", maxLength: 8, pattern: "^[A-Z]" },
                  words: { type: "array", "x-kubernetes-list-type": "set", items: { type: "string" } },
                  parts: {
                    type: "array",
                    maxItems: 3,
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    items: {
                      type: "object",
                      required: ["name"],
                      properties: { name: { type: "string" }, count: { type: "integer" }, note: { type: "string" } },
                    },
                  },
                },
              },
              status: { type: "object", properties: { phase: { type: "string" } } },
            },
          },
        },
      },
    ],
  },
};

type GadgetSpec = Gadget["spec"] & { readonly [field: string]: unknown };

export function kubeApiContract(name: string, start: () => Promise<ContractTarget>): void {
  describe(`the contract of KubeApi, kept by ${name}`, () => {
    let target: ContractTarget;
    let api: KubeApi;
    let namespace = "";
    let count = 0;

    beforeAll(async () => {
      target = await start();
      api = target.api;
      await api.create(definitions, gadgetDefinition);
      await eventually(() => api.list(gadgets));
    });
    afterAll(() => target?.stop());
    beforeEach(async () => {
      count += 1;
      namespace = `contract-${count}`;
      await api.create(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    });

    const key = (gadget = "one"): ObjectKey => ({ namespace, name: gadget });

    const gadget = (metadata: Partial<ObjectMeta> = {}, spec: Partial<GadgetSpec> = {}): Manifest => ({
      apiVersion: "contract.kube-operator.test/v1",
      kind: "Gadget",
      metadata: { name: "one", namespace, ...metadata },
      spec: { size: 1, ...spec },
    });

    const applied = (spec: Record<string, unknown>): Manifest => ({ ...gadget(), spec });

    const configMap = (metadata: Partial<ObjectMeta> = {}): Manifest => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "one", namespace, ...metadata },
    });

    /** Repeats until the check neither throws nor says false. */
    async function eventually(check: () => Promise<unknown>): Promise<void> {
      let reason: unknown;
      for (let attempt = 0; attempt < 300; attempt += 1) {
        try {
          if ((await check()) !== false) return;
          reason = new Error("the condition did not come true");
        } catch (error) {
          reason = error;
        }
        await target.wait();
      }
      throw reason;
    }

    const isGone = (resource: Resource, gadgetKey: ObjectKey): Promise<boolean> =>
      api.get(resource, gadgetKey).then(
        () => false,
        (error) => isNotFound(error) || Promise.reject(error),
      );

    /** Reads a watch until `enough` events have come, bookmarks not counted unless asked for. */
    async function eventsOf(
      options: Parameters<KubeApi["watch"]>[1],
      isEnough: (events: readonly WatchEvent<Gadget>[]) => boolean,
      then: () => Promise<unknown> = async () => {},
    ): Promise<readonly WatchEvent<Gadget>[]> {
      const stop = new AbortController();
      const events: WatchEvent<Gadget>[] = [];
      const changes = then();
      for await (const event of api.watch(gadgets, { namespace, ...options, signal: stop.signal })) {
        events.push(event);
        if (isEnough(events)) stop.abort();
      }
      await changes;
      return events;
    }

    const textOf = (event: WatchEvent<Gadget>): string =>
      event.type === "ERROR"
        ? `ERROR ${event.status.code}`
        : `${event.type} ${event.object.metadata.name ?? ""}`.trim();

    const failureOf = async (promise: Promise<unknown>): Promise<ApiError> => {
      const outcome = await promise.then(
        () => undefined,
        (error: unknown) => error,
      );
      if (outcome instanceof ApiError) return outcome;
      throw new Error(`an ApiError was expected, not ${String(outcome)}`);
    };

    describe("create", () => {
      test("a created object has uid, version, generation 1 and a time, and no status yet", async () => {
        const created = await api.create(gadgets, { ...gadget(), status: { phase: "Done" } });
        expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
        expect(created.metadata.resourceVersion).toMatch(/^[1-9]\d*$/);
        expect(created.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        expect(created.metadata.generation).toBe(1);
        expect(created.status).toBeUndefined();
        expect(await api.get(gadgets, key())).toEqual(created);
      });

      test("a name that is taken is AlreadyExists, which is not a conflict", async () => {
        await api.create(gadgets, gadget());
        const failure = await failureOf(api.create(gadgets, gadget()));
        expect([isAlreadyExists(failure), isConflict(failure)]).toEqual([true, false]);
        expect(failure.message).toBe('gadgets.contract.kube-operator.test "one" already exists');
      });

      test("a namespace that does not exist is not found", async () => {
        const failure = await failureOf(api.create(gadgets, gadget({ namespace: "nowhere" })));
        expect([isNotFound(failure), failure.message]).toEqual([true, 'namespaces "nowhere" not found']);
      });

      test("a name that is no DNS name is invalid", async () => {
        const failure = await failureOf(api.create(gadgets, gadget({ name: "Not_A_Name" })));
        expect([isInvalid(failure), failure.status.details?.causes?.[0]?.field]).toEqual([true, "metadata.name"]);
      });

      test("a label value with a space is invalid", async () => {
        expect(isInvalid(await failureOf(api.create(gadgets, gadget({ labels: { a: "b c" } }))))).toBe(true);
      });

      test("an object of a namespaced kind without a namespace is refused before it is sent", async () => {
        const { namespace: _, ...metadata } = gadget().metadata;
        await expect(async () => api.create(gadgets, { ...gadget(), metadata })).rejects.toThrow(TypeError);
      });

      test("a dry run answers as a create does, and stores nothing", async () => {
        const created = await api.create(gadgets, gadget(), { dryRun: true });
        expect(created.spec.mode).toBe("Calm");
        expect(await isGone(gadgets, key())).toBe(true);
      });
    });

    describe("the schema of a custom resource", () => {
      test("a default is filled in", async () => {
        expect((await api.create(gadgets, gadget())).spec.mode).toBe("Calm");
      });

      test("an unknown field is an error that names it", async () => {
        const failure = await failureOf(api.create(gadgets, gadget({}, { sise: 2 })));
        expect(failure.status.code).toBe(400);
        expect(failure.message).toContain('unknown field "spec.sise"');
      });

      test("an unknown field is dropped when that was asked for", async () => {
        const created = await api.create(gadgets, gadget({}, { sise: 2 }), { fieldValidation: "Ignore" });
        expect(created.spec).toEqual({ size: 1, mode: "Calm" });
      });

      const bad: readonly [string, Record<string, unknown>, string][] = [
        ["a value outside the enum", { size: 1, colour: "pink" }, "spec.colour"],
        ["a number below its minimum", { size: 0 }, "spec.size"],
        ["a number above its maximum", { size: 101 }, "spec.size"],
        ["a required field that is missing", { colour: "red" }, "spec.size"],
        ["a string where a number belongs", { size: "1" }, "spec.size"],
        ["a string that is too long", { size: 1, mode: "Exuberant" }, "spec.mode"],
        ["a string that does not match", { size: 1, mode: "calm" }, "spec.mode"],
        [
          "a list that is too long",
          { size: 1, parts: ["a", "b", "c", "d"].map((part) => ({ name: part })) },
          "spec.parts",
        ],
        ["a key that stands twice", { size: 1, parts: [{ name: "a" }, { name: "a" }] }, "spec.parts[1]"],
        ["a member that stands twice", { size: 1, words: ["a", "a"] }, "spec.words[1]"],
      ];
      test.each(bad)("%s is invalid, and the cause names the field", async (_, spec, field) => {
        const failure = await failureOf(api.create(gadgets, { ...gadget(), spec }));
        expect(isInvalid(failure)).toBe(true);
        expect(failure.status.details?.causes?.map((cause) => cause.field)).toEqual([field]);
      });
    });

    describe("read", () => {
      test("an object that does not exist is not found, by its kind and name", async () => {
        const failure = await failureOf(api.get(gadgets, key("nobody")));
        expect(isNotFound(failure)).toBe(true);
        expect(failure.message).toBe('gadgets.contract.kube-operator.test "nobody" not found');
      });

      test("a kind that is not served is not found", async () => {
        expect(isNotFound(await failureOf(api.list({ ...gadgets, plural: "gizmos" })))).toBe(true);
      });

      test("pages of a list are read at one version, in the order of names", async () => {
        for (const part of ["c", "a", "b"]) await api.create(gadgets, gadget({ name: part }));
        const first = await api.list(gadgets, { namespace, limit: 2 });
        expect([first.items.map((item) => item.metadata.name), first.remainingItemCount]).toEqual([["a", "b"], 1]);
        await api.create(gadgets, gadget({ name: "d" }));
        const second = await api.list(gadgets, { namespace, limit: 2, continue: first.continue ?? "" });
        expect(second.items.map((item) => item.metadata.name)).toEqual(["c"]);
        expect([second.resourceVersion, second.continue]).toEqual([first.resourceVersion, undefined]);
        const all = await listAll(api, gadgets, { namespace }, 3);
        expect(all.items.map((item) => item.metadata.name)).toEqual(["a", "b", "c", "d"]);
        expect(all.items[0]).toMatchObject({ kind: "Gadget", apiVersion: "contract.kube-operator.test/v1" });
      });

      test("selectors choose by labels and by fields", async () => {
        await api.create(gadgets, gadget({ name: "a", labels: { tier: "one", new: "yes" } }, { colour: "red" }));
        await api.create(gadgets, gadget({ name: "b", labels: { tier: "two" } }, { colour: "blue" }));
        await api.create(gadgets, gadget({ name: "c" }));
        const names = async (selectors: { labelSelector?: string; fieldSelector?: string }): Promise<string> =>
          (await api.list(gadgets, { namespace, ...selectors })).items.map((item) => item.metadata.name).join("");
        expect(await names({ labelSelector: "tier=one" })).toBe("a");
        expect(await names({ labelSelector: "tier!=one" })).toBe("bc");
        expect(await names({ labelSelector: "tier in (one, two),!new" })).toBe("b");
        expect(await names({ labelSelector: "tier notin (one)" })).toBe("bc");
        expect(await names({ labelSelector: "tier" })).toBe("ab");
        expect(await names({ fieldSelector: "metadata.name=b" })).toBe("b");
        expect(await names({ fieldSelector: "spec.colour!=red" })).toBe("bc");
        const failure = await failureOf(api.list(gadgets, { namespace, fieldSelector: "spec.size=1" }));
        expect(failure.status.code).toBe(400);
      });

      test("the server says its version", async () => {
        expect(await api.request("GET", "/version")).toMatchObject({ major: "1" });
      });

      test("the log of a Pod that does not exist is not found", async () => {
        const reading = async (): Promise<void> => {
          for await (const _ of api.log(key("nobody"))) throw new Error("no log was expected");
        };
        expect(isNotFound(await failureOf(reading()))).toBe(true);
      });
    });

    describe("built-in kinds", () => {
      test("items of a list say what they are, as single objects do", async () => {
        const created = await api.create(configMaps, configMap());
        const { items } = await api.list(configMaps, { namespace, fieldSelector: "metadata.name=one" });
        expect(items[0]).toMatchObject({ apiVersion: "v1", kind: "ConfigMap" });
        expect(items[0]?.metadata.uid).toBe(created.metadata.uid);
      });

      test("a PUT of a ConfigMap needs no version, and it counts no generations", async () => {
        await api.create(configMaps, configMap());
        const replaced = await api.replace(configMaps, configMap({ labels: { a: "b" } }));
        expect([replaced.metadata.labels, replaced.metadata.generation]).toEqual([{ a: "b" }, undefined]);
      });

      test("a Pod that no kubelet has is gone as soon as it is deleted", async () => {
        const pod: Manifest = {
          apiVersion: "v1",
          kind: "Pod",
          metadata: { name: "one", namespace },
          spec: { containers: [{ name: "main", image: "a:1" }], schedulerName: "nobody" },
        };
        // A new namespace gets its service account a little later.
        await eventually(() => api.create(pods, pod));
        expect(await api.get(pods, key())).toMatchObject({ status: { phase: "Pending" } });
        expect(await api.delete(pods, key())).toBeUndefined();
        expect(await isGone(pods, key())).toBe(true);
      });

      test("a Pod that a kubelet has is given time to stop", async () => {
        const pod: Manifest = {
          apiVersion: "v1",
          kind: "Pod",
          metadata: { name: "one", namespace },
          spec: { containers: [{ name: "main", image: "a:1" }], nodeName: "somewhere" },
        };
        await eventually(() => api.create(pods, pod));
        const held = await api.delete(pods, key(), { gracePeriodSeconds: 60 });
        expect(held?.metadata).toMatchObject({ deletionGracePeriodSeconds: 60 });
        expect(await isGone(pods, key())).toBe(false);
        expect(await api.delete(pods, key(), { gracePeriodSeconds: 0 })).toBeUndefined();
        expect(await isGone(pods, key())).toBe(true);
      });
    });

    describe("update", () => {
      test("a PUT of an outdated version is a conflict, and changes nothing", async () => {
        const old = await api.create(gadgets, gadget());
        await api.patch(gadgets, key(), { type: "merge", body: { spec: { size: 2 } } });
        const failure = await failureOf(api.replace(gadgets, { ...old, spec: { size: 3 } }));
        expect([isConflict(failure), isAlreadyExists(failure)]).toEqual([true, false]);
        expect((await api.get(gadgets, key())).spec.size).toBe(2);
      });

      test("a PUT of a custom resource without a version is invalid", async () => {
        await api.create(gadgets, gadget());
        expect(isInvalid(await failureOf(api.replace(gadgets, gadget({}, { size: 2 }))))).toBe(true);
      });

      test("a PUT of what does not exist is not found", async () => {
        expect(isNotFound(await failureOf(api.replace(gadgets, gadget({ resourceVersion: "1" }))))).toBe(true);
      });

      test("the generation counts changes of the desired state, not of labels or status", async () => {
        const { metadata } = await api.create(gadgets, gadget());
        const labelled = await api.patch(gadgets, key(), { type: "merge", body: { metadata: { labels: { a: "b" } } } });
        const observed = await api.patch(
          gadgets,
          key(),
          { type: "merge", body: { status: { phase: "Busy" } } },
          { subresource: "status" },
        );
        const changed = await api.patch(gadgets, key(), { type: "merge", body: { spec: { size: 2 } } });
        expect(
          [metadata, labelled.metadata, observed.metadata, changed.metadata].map((meta) => meta.generation),
        ).toEqual([1, 1, 1, 2]);
      });

      test("the status endpoint writes the status only, and the main endpoint never does", async () => {
        const created = await api.create(gadgets, gadget());
        const observed = await api.replace(
          gadgets,
          { ...created, spec: { size: 9 }, status: { phase: "Busy" } },
          { subresource: "status" },
        );
        expect([observed.spec.size, observed.status]).toEqual([1, { phase: "Busy" }]);
        const replaced = await api.replace(gadgets, { ...observed, spec: { size: 2 }, status: { phase: "Done" } });
        expect([replaced.spec.size, replaced.status]).toEqual([2, { phase: "Busy" }]);
      });

      test("a write that changes nothing makes no new version", async () => {
        const created = await api.create(gadgets, gadget());
        const patched = await api.patch(gadgets, key(), { type: "merge", body: { spec: { size: 1 } } });
        expect(patched.metadata.resourceVersion).toBe(created.metadata.resourceVersion);
      });

      test("a dry run of a patch changes nothing", async () => {
        await api.create(gadgets, gadget());
        const tried = await api.patch(gadgets, key(), { type: "merge", body: { spec: { size: 2 } } }, { dryRun: true });
        expect([tried.spec.size, (await api.get(gadgets, key())).spec.size]).toEqual([2, 1]);
      });

      test("a merge patch removes with null, and replaces lists as a whole", async () => {
        await api.create(gadgets, gadget({}, { colour: "red", words: ["a", "b"] }));
        const body = { spec: { colour: null, words: ["c"] } };
        const patched = await api.patch(gadgets, key(), { type: "merge", body });
        expect(patched.spec).toEqual({ size: 1, mode: "Calm", words: ["c"] });
      });

      test("a merge patch that names an outdated version is a conflict", async () => {
        const { metadata } = await api.create(gadgets, gadget());
        await api.patch(gadgets, key(), { type: "merge", body: { spec: { size: 2 } } });
        const body = { metadata: { resourceVersion: metadata.resourceVersion }, spec: { size: 3 } };
        expect(isConflict(await failureOf(api.patch(gadgets, key(), { type: "merge", body })))).toBe(true);
      });

      test("a JSON patch does its operations in order, or none of them", async () => {
        await api.create(gadgets, gadget({}, { words: ["a", "b"] }));
        const patched = await api.patch(gadgets, key(), {
          type: "json",
          operations: [
            { op: "test", path: "/spec/size", value: 1 },
            { op: "replace", path: "/spec/size", value: 2 },
            { op: "add", path: "/spec/words/1", value: "between" },
            { op: "add", path: "/metadata/labels", value: { "a/b": "c" } },
            { op: "replace", path: "/metadata/labels/a~1b", value: "d" },
            { op: "remove", path: "/spec/words/0" },
          ],
        });
        expect(patched.spec).toMatchObject({ size: 2, words: ["between", "b"] });
        expect(patched.metadata.labels).toEqual({ "a/b": "d" });
        const failing = api.patch(gadgets, key(), {
          type: "json",
          operations: [
            { op: "replace", path: "/spec/size", value: 3 },
            { op: "test", path: "/spec/mode", value: "Wild" },
          ],
        });
        expect(isInvalid(await failureOf(failing))).toBe(true);
        expect((await api.get(gadgets, key())).spec.size).toBe(2);
      });

      test("a JSON patch that removes what is not there is invalid", async () => {
        await api.create(gadgets, gadget());
        const patch = { type: "json", operations: [{ op: "remove", path: "/spec/colour" }] } as const;
        expect(isInvalid(await failureOf(api.patch(gadgets, key(), patch)))).toBe(true);
      });

      test("a patch of what does not exist is not found", async () => {
        const patching = api.patch(gadgets, key("nobody"), { type: "merge", body: {} });
        expect(isNotFound(await failureOf(patching))).toBe(true);
      });
    });

    describe("server-side apply", () => {
      const apply = (spec: Record<string, unknown>, fieldManager: string, force?: true): Promise<Gadget> =>
        api.patch(gadgets, key(), { type: "apply", body: applied(spec), ...(force && { force }) }, { fieldManager });

      test("creates what is missing, and applying the same again makes no new version", async () => {
        const first = await apply({ size: 1 }, "alice");
        const second = await apply({ size: 1 }, "alice");
        expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
      });

      test("removes what its manager no longer applies, and keeps what others wrote", async () => {
        await apply({ size: 1, colour: "red" }, "alice");
        await apply({ mode: "Wild" }, "bob", true);
        expect((await apply({ size: 1 }, "alice")).spec).toEqual({ size: 1, mode: "Wild" });
      });

      test("another manager's field with another value is a conflict that names manager and field", async () => {
        await apply({ size: 1 }, "alice");
        const failure = await failureOf(apply({ size: 2 }, "bob"));
        expect(isConflict(failure)).toBe(true);
        expect(failure.status.details?.causes).toEqual([
          {
            reason: "FieldManagerConflict",
            message: expect.stringContaining('conflict with "alice"'),
            field: ".spec.size",
          },
        ]);
        expect((await apply({ size: 2 }, "bob", true)).spec.size).toBe(2);
      });

      test("what two managers agree on is shared, and stays when one of them lets go", async () => {
        await apply({ size: 1, colour: "red" }, "alice");
        await apply({ size: 1, colour: "red" }, "bob");
        expect((await apply({ size: 1 }, "alice")).spec.colour).toBe("red");
      });

      test("a field that was patched belongs to who patched it", async () => {
        await apply({ size: 1 }, "alice");
        await api.patch(gadgets, key(), { type: "merge", body: { spec: { size: 5 } } }, { fieldManager: "carol" });
        expect(isConflict(await failureOf(apply({ size: 1 }, "alice")))).toBe(true);
      });

      test("lists merge by their keys: each manager keeps its own items", async () => {
        await apply({ size: 1, parts: [{ name: "a", count: 1 }] }, "alice");
        await apply(
          {
            parts: [
              { name: "b", count: 2 },
              { name: "a", note: "bob's" },
            ],
          },
          "bob",
        );
        expect((await api.get(gadgets, key())).spec.parts).toEqual([
          { name: "b", count: 2 },
          { name: "a", count: 1, note: "bob's" },
        ]);
        expect((await apply({ size: 1 }, "alice")).spec.parts).toEqual([
          { name: "b", count: 2 },
          { name: "a", note: "bob's" },
        ]);
      });

      test("an apply to the status leaves the rest alone", async () => {
        await apply({ size: 1 }, "alice");
        const body: Manifest = { ...gadget(), spec: { size: 7 }, status: { phase: "Busy" } };
        const observed = await api.patch(
          gadgets,
          key(),
          { type: "apply", body },
          { fieldManager: "observer", subresource: "status" },
        );
        expect([observed.spec.size, observed.status]).toEqual([1, { phase: "Busy" }]);
      });
    });

    describe("watch", () => {
      test("from a version on, each change comes once and in order", async () => {
        const { resourceVersion } = await api.list(gadgets, { namespace });
        const events = await eventsOf(
          { resourceVersion },
          (all) => all.some((event) => event.type === "DELETED"),
          async () => {
            await api.create(gadgets, gadget());
            await api.patch(gadgets, key(), { type: "merge", body: { spec: { size: 2 } } });
            await api.delete(gadgets, key());
          },
        );
        expect(events.filter((event) => event.type !== "BOOKMARK").map(textOf)).toEqual([
          "ADDED one",
          "MODIFIED one",
          "DELETED one",
        ]);
      });

      test("changes from before the watch began are told too, and a deletion has a version of its own", async () => {
        const { resourceVersion } = await api.list(gadgets, { namespace });
        const created = await api.create(gadgets, gadget());
        await api.delete(gadgets, key());
        const events = await eventsOf({ resourceVersion }, (all) => all.some((event) => event.type === "DELETED"));
        const [added, deleted] = events.filter((event) => event.type !== "BOOKMARK");
        expect([added, deleted].map((event) => event && textOf(event))).toEqual(["ADDED one", "DELETED one"]);
        const versionOf = (event: WatchEvent<Gadget> | undefined): number =>
          event === undefined || event.type === "ERROR" ? Number.NaN : Number(event.object.metadata.resourceVersion);
        expect(versionOf(added)).toBe(Number(created.metadata.resourceVersion));
        expect(versionOf(deleted)).toBeGreaterThan(versionOf(added));
      });

      test("initial events end with a bookmark that says so", async () => {
        await api.create(gadgets, gadget({ name: "a" }));
        await api.create(gadgets, gadget({ name: "b" }));
        const events = await eventsOf(
          { sendInitialEvents: true, resourceVersionMatch: "NotOlderThan" },
          (all) => all.at(-1)?.type === "BOOKMARK",
        );
        expect(events.map(textOf).slice(0, 2).sort()).toEqual(["ADDED a", "ADDED b"]);
        const last = events.at(-1);
        expect(last?.type === "BOOKMARK" && last.object.metadata.annotations).toMatchObject({
          "k8s.io/initial-events-end": "true",
        });
      });

      test("for who watches a selection, an object comes when it enters and goes when it leaves", async () => {
        const { resourceVersion } = await api.list(gadgets, { namespace });
        const label = (value: string) =>
          api.patch(gadgets, key(), { type: "merge", body: { metadata: { labels: { on: value } } } });
        const events = await eventsOf(
          { resourceVersion, labelSelector: "on=yes" },
          (all) => all.some((event) => event.type === "DELETED"),
          async () => {
            await api.create(gadgets, gadget());
            await label("yes");
            await api.patch(gadgets, key(), { type: "merge", body: { spec: { size: 2 } } });
            await label("no");
          },
        );
        expect(events.filter((event) => event.type !== "BOOKMARK").map(textOf)).toEqual([
          "ADDED one",
          "MODIFIED one",
          "DELETED one",
        ]);
      });

      test("a watch that is already aborted is empty", async () => {
        const events: unknown[] = [];
        for await (const event of api.watch(gadgets, { signal: AbortSignal.abort() })) events.push(event);
        expect(events).toEqual([]);
      });

      test("a watch of a kind that is not served is not found", async () => {
        const watching = async (): Promise<void> => {
          for await (const _ of api.watch({ ...gadgets, plural: "gizmos" })) throw new Error("no event was expected");
        };
        expect(isNotFound(await failureOf(watching()))).toBe(true);
      });

      test("a list at a version that the server has not reached is refused, with advice to try again", async () => {
        const failure = await failureOf(api.list(gadgets, { resourceVersion: "999999999999" }));
        expect([failure.status.code, failure.status.details?.causes?.[0]?.reason]).toEqual([
          504,
          "ResourceVersionTooLarge",
        ]);
      });
    });

    describe("delete", () => {
      test("leaves nothing behind, and the same name later is another object", async () => {
        const first = await api.create(gadgets, gadget());
        expect(await api.delete(gadgets, key())).toBeUndefined();
        expect(isNotFound(await failureOf(api.delete(gadgets, key())))).toBe(true);
        expect((await api.create(gadgets, gadget())).metadata.uid).not.toBe(first.metadata.uid);
      });

      test("an object of another uid or version stays", async () => {
        const { metadata } = await api.create(gadgets, gadget());
        const otherUid = "00000000-0000-4000-a000-000000000000";
        expect(isConflict(await failureOf(api.delete(gadgets, key(), { uid: otherUid })))).toBe(true);
        await api.patch(gadgets, key(), { type: "merge", body: { spec: { size: 2 } } });
        const { uid, resourceVersion } = metadata;
        expect(isConflict(await failureOf(api.delete(gadgets, key(), { uid, resourceVersion })))).toBe(true);
        expect(await api.delete(gadgets, key(), { uid })).toBeUndefined();
      });

      test("a finalizer holds an object until it is removed, and no other can be added meanwhile", async () => {
        const created = await api.create(gadgets, gadget({ finalizers: ["contract.test/a", "contract.test/b"] }));
        const held = await api.delete(gadgets, key());
        expect(held?.metadata.deletionTimestamp).toBeDefined();
        expect(held?.metadata.generation).toBe(2);
        const finalizers = (names: readonly string[]) =>
          api.patch(gadgets, key(), { type: "merge", body: { metadata: { finalizers: names } } });
        expect(isInvalid(await failureOf(finalizers(["contract.test/a", "contract.test/c"])))).toBe(true);
        expect((await finalizers(["contract.test/b"])).metadata.uid).toBe(created.metadata.uid);
        expect(await isGone(gadgets, key())).toBe(false);
        await finalizers([]);
        expect(await isGone(gadgets, key())).toBe(true);
      });

      test("a held object that is deleted again keeps its deletion time", async () => {
        await api.create(gadgets, gadget({ finalizers: ["contract.test/a"] }));
        const first = await api.delete(gadgets, key());
        const second = await api.delete(gadgets, key());
        expect(second?.metadata.deletionTimestamp).toBe(first?.metadata.deletionTimestamp);
      });
    });

    // Who manages a Job by `spec.managedBy` writes its status, and the server judges what it says.
    describe("a Job that somebody manages", () => {
      const start = "2026-01-01T12:00:00Z";
      const held = (...types: readonly string[]): object[] =>
        types.map((type) => ({ type, status: "True", lastTransitionTime: start, lastProbeTime: start }));
      const job = (): Promise<KubeObject> =>
        api.create(jobs, {
          apiVersion: "batch/v1",
          kind: "Job",
          metadata: { name: "one", namespace },
          spec: {
            managedBy: "contract.test/tests",
            completionMode: "Indexed",
            completions: 3,
            parallelism: 3,
            template: { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "none" }] } },
          },
        });
      const tell = (status: object): Promise<KubeObject> =>
        api.patch(jobs, key(), { type: "merge", body: { status } }, { subresource: "status" });

      test("has the labels in its template by which its Pods are found", async () => {
        const { metadata, spec } = (await job()) as KubeObject & {
          readonly spec: { readonly template: { readonly metadata: { readonly labels: object } } };
        };
        expect(spec.template.metadata.labels).toMatchObject({
          "batch.kubernetes.io/controller-uid": metadata.uid,
          "batch.kubernetes.io/job-name": "one",
        });
      });

      test("is told its end and let go by one write to its status", async () => {
        const { metadata } = await job();
        const finalizers = ["contract.test/first", "contract.test/held"];
        const held = await api.patch(jobs, key(), { type: "merge", body: { metadata: { finalizers } } });
        const operations = [
          { op: "replace", path: "/metadata/resourceVersion", value: held.metadata.resourceVersion },
          { op: "add", path: "/status", value: { startTime: start, failed: 1 } },
          { op: "test", path: "/metadata/finalizers/1", value: "contract.test/held" },
          { op: "remove", path: "/metadata/finalizers/1" },
          { op: "add", path: "/spec/suspend", value: true },
        ] as const;
        const told = await api.patch(jobs, key(), { type: "json", operations }, { subresource: "status" });
        expect(told).toMatchObject({ metadata: { uid: metadata.uid, generation: 1 }, status: { failed: 1 } });
        expect(told.metadata.finalizers).toEqual(["contract.test/first"]);
        expect(told).not.toHaveProperty("spec.suspend", true);
        await api.patch(jobs, key(), { type: "merge", body: { metadata: { finalizers: null } } });
      });

      test("may run, pause and complete", async () => {
        await job();
        await tell({
          startTime: start,
          active: 2,
          ready: 1,
          terminating: 1,
          failed: 1,
          completedIndexes: "0",
          succeeded: 1,
        });
        await tell({ active: 0, ready: 0, conditions: held("Suspended") });
        const conditions = held("SuccessCriteriaMet", "Complete");
        const over = { active: 0, terminating: 0, completionTime: start, completedIndexes: "0-2", succeeded: 3 };
        await tell({ ...over, uncountedTerminatedPods: {}, conditions });
        expect(await failureOf(tell({ conditions: [] }))).toSatisfy(isInvalid);
      });

      test.each<[string, object]>([
        ["more ready Pods than active ones", { active: 1, ready: 2 }],
        ["indexes out of order", { completedIndexes: "2,0" }],
        ["an index that it does not have", { completedIndexes: "0-3" }],
        ["failed indexes without a limit per index", { failedIndexes: "1" }],
        [
          "an end without the word before it",
          { startTime: start, completionTime: start, conditions: held("Complete") },
        ],
        ["a failure without the word before it", { startTime: start, conditions: held("Failed") }],
        [
          "an end with Pods that run",
          {
            startTime: start,
            completionTime: start,
            active: 1,
            conditions: held("SuccessCriteriaMet", "Complete"),
          },
        ],
        ["an end without a start", { conditions: held("FailureTarget", "Failed") }],
        ["an end without its time", { startTime: start, conditions: held("SuccessCriteriaMet", "Complete") }],
        ["the time of an end that is none", { startTime: start, completionTime: start }],
        ["two ends", { startTime: start, conditions: held("SuccessCriteriaMet", "FailureTarget") }],
      ])("is not told of %s", async (_, status) => {
        await job();
        expect(await failureOf(tell(status))).toSatisfy(isInvalid);
      });

      test.each<[string, object, object]>([
        ["another start", { startTime: start }, { startTime: "2026-01-01T12:00:01Z" }],
        ["fewer failures", { failed: 2 }, { failed: 1 }],
      ])("is not told of %s later", async (_, before, after) => {
        await job();
        await tell(before);
        expect(await failureOf(tell(after))).toSatisfy(isInvalid);
      });
    });

    // Owners are of a built-in kind: a garbage collector learns of a new kind within half a minute only.
    describe("owners", () => {
      const owner = (): Promise<KubeObject> => api.create(configMaps, configMap());
      const child = (of: KubeObject, metadata: Partial<ObjectMeta> = {}): Promise<KubeObject> =>
        api.create(configMaps, configMap({ name: "child", ownerReferences: [controllerReference(of)], ...metadata }));

      test("what an owner leaves behind is collected", async () => {
        await child(await owner());
        await api.delete(configMaps, key());
        await eventually(() => isGone(configMaps, key("child")));
      });

      test("what is created for an owner that is gone is collected", async () => {
        const gone = await owner();
        await api.delete(configMaps, key());
        await child(gone);
        await eventually(() => isGone(configMaps, key("child")));
      });

      test("what has another owner left stays, and no longer names the one that is gone", async () => {
        const first = await owner();
        const second = await api.create(configMaps, configMap({ name: "two" }));
        const { controller: _, ...reference } = controllerReference(second);
        await child(first, { ownerReferences: [controllerReference(first), reference] });
        await api.delete(configMaps, key());
        await eventually(async () => (await api.get(configMaps, key("child"))).metadata.ownerReferences?.length === 1);
      });

      test("in a foreground deletion the owner goes after its dependents", async () => {
        await child(await owner(), { finalizers: ["contract.test/hold"] });
        const held = await api.delete(configMaps, key(), { propagation: "Foreground" });
        expect(held?.metadata.finalizers).toEqual(["foregroundDeletion"]);
        await eventually(
          async () => (await api.get(configMaps, key("child"))).metadata.deletionTimestamp !== undefined,
        );
        expect(await isGone(configMaps, key())).toBe(false);
        await api.patch(configMaps, key("child"), { type: "merge", body: { metadata: { finalizers: null } } });
        await eventually(() => isGone(configMaps, key()));
      });

      test("an orphaning deletion leaves the dependents, without the owner", async () => {
        await child(await owner());
        await api.delete(configMaps, key(), { propagation: "Orphan" });
        await eventually(() => isGone(configMaps, key()));
        expect((await api.get(configMaps, key("child"))).metadata.ownerReferences ?? []).toEqual([]);
      });

      test("a namespace goes with all that is in it", async () => {
        await api.create(configMaps, configMap());
        await api.delete(namespaces, { name: namespace });
        await eventually(() => isGone(namespaces, { name: namespace }));
        expect(await isGone(configMaps, key())).toBe(true);
      });
    });
  });
}
