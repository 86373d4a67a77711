import type { KubeObject } from "@dsl/kube-operator";
import { describe, expect, test } from "vitest";
import { attemptJob } from "../../src/engine/job.ts";
import { nativeEngine } from "../../src/engine/native.ts";
import { aJob, aPlacement, aStoredJob, aTask, contextOf, itemsOf } from "./builders.ts";

const context = contextOf(aTask());

test("a Job is named by task, shard and attempt, and runs one Pod once", () => {
  const job = attemptJob(context, aPlacement({ shard: 12, attempt: 2 }));
  expect(job.metadata).toMatchObject({ name: "squares-5f0c1e-12-2", namespace: "lab" });
  expect(job.spec).toMatchObject({ completions: 1, parallelism: 1, backoffLimit: 0, podReplacementPolicy: "Failed" });
  expect(job.spec).not.toHaveProperty("ttlSecondsAfterFinished");
});

test("the task controls it, and our finalizer holds it until its outcome is recorded", () => {
  expect(attemptJob(context, aPlacement()).metadata).toMatchObject({
    finalizers: ["kube-pool.dev/record"],
    ownerReferences: [
      {
        kind: "PooledTask",
        name: "squares",
        uid: context.task.metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  });
});

test("nothing of the task's own labels and annotations is copied: tools prune by them", () => {
  const { labels, annotations } = attemptJob(context, aPlacement()).metadata;
  expect(Object.keys({ ...labels, ...annotations }).every((key) => key.startsWith("kube-pool.dev/"))).toBe(true);
});

test("it says which items it runs, so that its end can be read from it alone", () => {
  const items = [...itemsOf(["a", "b"], 4), ...itemsOf(["c"], 9)];
  const job = attemptJob(contextOf(aTask({ chunk: { size: 10, mode: "Each" } })), aPlacement({ items }));
  expect(job.metadata.annotations?.["kube-pool.dev/item-indexes"]).toBe("4-5,9");
});

test("the same placement gives the same object, to the letter", () => {
  const twice = [0, 1].map(() => JSON.stringify(attemptJob(contextOf(aTask()), aPlacement())));
  expect(twice[0]).toBe(twice[1]);
});

describe("what holds the name already", () => {
  const intended = attemptJob(context, aPlacement());
  const found = aStoredJob();
  const altered = (metadata: object): KubeObject => ({ ...found, metadata: { ...found.metadata, ...metadata } });
  const [owner] = found.metadata.ownerReferences ?? [];

  test("is the same when owner and hash are", () => {
    expect(nativeEngine.existing(found, intended)).toBe("Same");
  });

  test("is altered when it was made from another node or template for the same task", () => {
    expect(nativeEngine.existing(found, attemptJob(context, aPlacement({ node: "node-2" })))).toBe("Altered");
    expect(nativeEngine.existing(altered({ annotations: {} }), intended)).toBe("Altered");
  });

  test("is earlier when it belongs to a task that had this name before", () => {
    expect(nativeEngine.existing(altered({ ownerReferences: [{ ...owner, uid: "older" }] }), intended)).toBe("Earlier");
  });

  test("is foreign when no task of this name controls it, whatever its labels say", () => {
    expect(nativeEngine.existing(altered({ ownerReferences: [] }), intended)).toBe("Foreign");
    expect(nativeEngine.existing(altered({ ownerReferences: [{ ...owner, controller: false }] }), intended)).toBe(
      "Foreign",
    );
    expect(nativeEngine.existing(altered({ ownerReferences: [{ ...owner, kind: "CronJob" }] }), intended)).toBe(
      "Foreign",
    );
    expect(nativeEngine.existing(altered({ ownerReferences: [{ ...owner, name: "other" }] }), intended)).toBe(
      "Foreign",
    );
  });
});

test("a stop deletes this very Job, which stays until its Pod has ended", () => {
  expect(nativeEngine.stop(aJob())).toMatchObject({
    kind: "delete",
    key: { namespace: "lab", name: "squares-5f0c1e-3-1" },
    uid: "job-uid",
    propagation: "Foreground",
  });
});

test("a release takes our finalizer from this very Job, at its place, or nothing", () => {
  const job = { ...aJob(), finalizers: ["foregroundDeletion", "kube-pool.dev/record"] };
  expect(nativeEngine.release(job)).toMatchObject({
    patch: {
      operations: [
        { op: "test", path: "/metadata/uid", value: "job-uid" },
        { op: "test", path: "/metadata/finalizers/1", value: "kube-pool.dev/record" },
        { op: "remove", path: "/metadata/finalizers/1" },
      ],
    },
  });
  expect(nativeEngine.release({ ...job, finalizers: [] })).toBeUndefined();
});
