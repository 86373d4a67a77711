import { beforeEach, expect, test } from "vitest";
import { createEventRecorder, type EventObject, type EventRecorder, type EventSubject, events } from "../src/events.ts";
import type { Log } from "../src/log.ts";
import { silentLog } from "../src/log.ts";
import { type ManualClock, type MemoryKubeApi, manualClock, memoryKubeApi } from "../testing/index.ts";

const pod: EventSubject = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { namespace: "default", name: "a", uid: "uid-of-a" },
};
const pulled = { type: "Normal", reason: "Pulled", action: "Pulling", note: "the image is there" } as const;

let clock: ManualClock;
let api: MemoryKubeApi;
let recorder: EventRecorder;
let warnings: number;

beforeEach(() => {
  clock = manualClock(Date.parse("2026-01-01T12:00:00.123Z"));
  api = memoryKubeApi({ clock });
  warnings = 0;
  const log: Log = { ...silentLog, warn: () => void warnings++ };
  recorder = createEventRecorder({
    api,
    clock,
    log,
    reportingController: "example.dev/operator",
    reportingInstance: "operator-0",
  });
});

async function stored(namespace = "default"): Promise<readonly EventObject[]> {
  await recorder.settled();
  return (await api.list(events, { namespace })).items;
}

test("an event says what happened to which object, when, and who tells it", async () => {
  recorder.record(pod, pulled);
  expect(await stored()).toMatchObject([
    {
      ...pulled,
      eventTime: "2026-01-01T12:00:00.123000Z",
      reportingController: "example.dev/operator",
      reportingInstance: "operator-0",
      regarding: { apiVersion: "v1", kind: "Pod", namespace: "default", name: "a", uid: "uid-of-a" },
    },
  ]);
});

test("recording does not wait for the API server", () => {
  api.fail(() => "reset");
  expect(recorder.record(pod, pulled)).toBeUndefined();
});

test("what repeats is one event with a count", async () => {
  for (let i = 0; i < 3; i++) {
    recorder.record(pod, pulled);
    await clock.advance(1000);
  }
  expect(await stored()).toMatchObject([{ series: { count: 3, lastObservedTime: "2026-01-01T12:00:02.123000Z" } }]);
});

test("after ten quiet minutes it is a new event", async () => {
  recorder.record(pod, pulled);
  await clock.advance(600_000);
  recorder.record(pod, pulled);
  expect(await stored()).toHaveLength(2);
});

test("a series whose event has expired begins anew", async () => {
  recorder.record(pod, pulled);
  const [event] = await stored();
  await api.delete(events, { namespace: "default", name: event?.metadata.name ?? "" });
  recorder.record(pod, pulled);
  expect(await stored()).toHaveLength(1);
});

test("more than ten different notes for one reason are told as one", async () => {
  for (let i = 0; i < 14; i++) recorder.record(pod, { ...pulled, note: `image ${i}` });
  const all = await stored();
  expect(all).toHaveLength(11);
  expect(all.filter(({ note }) => note?.startsWith("(combined from similar events): "))).toMatchObject([
    { series: { count: 4 } },
  ]);
});

test("one object sends 25 at once, then one in five minutes; another is not held back", async () => {
  for (let i = 0; i < 40; i++) recorder.record(pod, { ...pulled, reason: `Reason${i}` });
  expect(await stored()).toHaveLength(25);
  recorder.record({ ...pod, metadata: { ...pod.metadata, uid: "other" } }, pulled);
  expect(await stored()).toHaveLength(26);
  await clock.advance(300_000);
  recorder.record(pod, { ...pulled, reason: "Later1" });
  recorder.record(pod, { ...pulled, reason: "Later2" });
  expect(await stored()).toHaveLength(27);
});

test("an event that the API server refuses is logged, and the next one is sent all the same", async () => {
  const recovers = api.fail(() => "reset");
  recorder.record(pod, pulled);
  await recorder.settled();
  recovers();
  recorder.record(pod, { ...pulled, reason: "Started" });
  expect(await stored()).toMatchObject([{ reason: "Started" }]);
  expect(warnings).toBe(1);
});

test("events about cluster-scoped objects are kept in the namespace default", async () => {
  recorder.record({ apiVersion: "v1", kind: "Node", metadata: { name: "n", uid: "u" } }, pulled);
  expect(await stored("default")).toMatchObject([{ regarding: { kind: "Node", name: "n" } }]);
});

test("a note that is too long is cut between characters", async () => {
  recorder.record(pod, { ...pulled, note: "ä".repeat(2000) });
  const [event] = await stored();
  expect(Buffer.byteLength(event?.note ?? "")).toBeLessThanOrEqual(1024);
  expect(event?.note).toMatch(/^ä+…$/);
});

test("the event of an object with a long name has a valid name", async () => {
  recorder.record({ ...pod, metadata: { ...pod.metadata, name: `${"a".repeat(199)}-b${"c".repeat(40)}` } }, pulled);
  const [event] = await stored();
  expect(event?.metadata.name).toMatch(/^a{199}\.[0-9a-f-]{36}$/);
});

test("what is normal is told of a hundred objects and then of one a second, a warning of each", async () => {
  const named = (name: string): EventSubject => ({
    ...pod,
    metadata: { namespace: "default", name, uid: `of-${name}` },
  });
  for (let i = 0; i < 130; i++) recorder.record(named(`a-${i}`), pulled);
  expect(await stored()).toHaveLength(100);
  await clock.advance(3000);
  for (let i = 0; i < 10; i++) recorder.record(named(`b-${i}`), pulled);
  expect(await stored()).toHaveLength(103);
  for (let i = 0; i < 10; i++) recorder.record(named(`c-${i}`), { ...pulled, type: "Warning" });
  expect(await stored()).toHaveLength(113);
});
