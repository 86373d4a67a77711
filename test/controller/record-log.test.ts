import type { KubeApi, KubeObject } from "@dsl/kube-operator";
import { manualClock, memoryKubeApi } from "@dsl/kube-operator/testing";
import { expect, test } from "vitest";
import { type RecordLine, recordsKey, segmentBytes } from "../../src/api/records.ts";
import { configMaps, NameTaken, RecordLog } from "../../src/controller/record-log.ts";
import { attempt, failure, success } from "./builders.ts";

const task: KubeObject = {
  apiVersion: "kube-pool.dev/v1alpha1",
  kind: "PooledTask",
  metadata: {
    name: "work",
    namespace: "lab",
    uid: "task-uid",
    resourceVersion: "1",
    creationTimestamp: "2026-01-01T00:00:00Z",
  },
};

const aServer = (): KubeApi => memoryKubeApi({ clock: manualClock(), namespaces: ["lab"] });
const aLog = (api: KubeApi): RecordLog => new RecordLog(api, task, "work-abc");
const long = (item: number): RecordLine[] => [success(item, "x".repeat(segmentBytes / 3)), attempt(item, "Succeeded")];

test("what was appended is read back in order, by another process too", async () => {
  const api = aServer();
  const log = aLog(api);
  await log.load();
  await log.append([[success(0), attempt(0, "Succeeded")]]);
  await log.append([[success(1)], [attempt(1, "Succeeded")]]);
  expect(await aLog(api).load()).toEqual([success(0), attempt(0, "Succeeded"), success(1), attempt(1, "Succeeded")]);
});

test("a full segment is sealed, and the next one goes on", async () => {
  const api = aServer();
  const log = aLog(api);
  await log.load();
  for (const item of [0, 1, 2, 3, 4]) await log.append([long(item)]);
  expect(log.segments).toBe(3);
  const [first, last] = await Promise.all(
    [0, 2].map((n) => api.get(configMaps, { namespace: "lab", name: `work-abc-results-${n}` })),
  );
  expect([first?.immutable, last?.immutable]).toEqual([true, undefined]);
  const again = aLog(api);
  expect((await again.load()).filter(({ kind }) => kind === "item")).toHaveLength(5);
  await again.append([[success(9)]]);
  expect(again.segments).toBe(3);
});

test("what is recorded at once takes few segments, though a megabyte of it", async () => {
  const api = aServer();
  const log = aLog(api);
  await log.load();
  await log.append(Array.from({ length: 24 }, (_, item) => long(item)));
  expect(log.segments).toBe(2);
  expect((await aLog(api).load()).filter(({ kind }) => kind === "item")).toHaveLength(24);
});

test("the lines of one group never stand in two segments", async () => {
  const api = aServer();
  const log = aLog(api);
  await log.load();
  const group = (from: number): RecordLine[] => Array.from({ length: 12 }, (_, n) => long(from + n)).flat();
  await log.append([group(0), group(12)]);
  const second = await api.get(configMaps, { namespace: "lab", name: "work-abc-results-1" });
  expect(second.data?.[recordsKey]?.split("\n")[0]).toContain('"item":12');
});

test("a group that no ConfigMap could hold is written in parts", async () => {
  const api = aServer();
  const log = aLog(api);
  await log.load();
  const lines = Array.from({ length: 20_000 }, (_, item) => failure(item));
  await log.append([lines]);
  expect(log.segments).toBeGreaterThan(1);
  const sizes = await Promise.all(
    Array.from({ length: log.segments }, async (_, n) => {
      const { data } = await api.get(configMaps, { namespace: "lab", name: `work-abc-results-${n}` });
      return data?.[recordsKey]?.length ?? 0;
    }),
  );
  expect(Math.max(...sizes)).toBeLessThan(1_000_000);
  expect(await aLog(api).load()).toHaveLength(lines.length);
});

test("of two writers the second is refused, and nothing is recorded twice", async () => {
  const api = aServer();
  const [one, other] = [aLog(api), aLog(api)];
  await one.load();
  await one.append([[success(0)]]);
  await other.load();
  await one.append([[success(1)]]);
  await expect(other.append([[success(1)]])).rejects.toThrow(/modified/);
  expect(await aLog(api).load()).toEqual([success(0), success(1)]);
});

test("a ConfigMap of somebody else under the name of a segment is not read, and not written", async () => {
  const api = aServer();
  const theirs = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "work-abc-results-0", namespace: "lab" } };
  await api.create(configMaps, theirs);
  await expect(aLog(api).load()).rejects.toThrow(NameTaken);
});

test("lines that somebody broke are left out, the others count", async () => {
  const api = aServer();
  const log = aLog(api);
  await log.load();
  await log.append([[success(0)]]);
  const key = { namespace: "lab", name: "work-abc-results-0" };
  const { data } = await api.get(configMaps, key);
  await api.patch(configMaps, key, {
    type: "merge",
    body: { data: { [recordsKey]: `not a line\n${data?.[recordsKey]}{"item":-1}\n` } },
  });
  expect(await aLog(api).load()).toEqual([success(0)]);
});
