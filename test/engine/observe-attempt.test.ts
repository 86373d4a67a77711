import { describe, expect, test } from "vitest";
import { aJob, aPod, atSeconds, ended, itemsOf, noon, observe, observeEnd, terminated } from "./builders.ts";

const seconds = (count: number): number => noon + count * 1000;
const each = { chunk: { size: 10, mode: "Each" }, items: itemsOf(["a", "b", "c", "d"], 4) } as const;
const whole = { chunk: { size: 10, mode: "Whole" }, items: itemsOf(["a", "b", "c"], 4) } as const;
const asEach = { form: "Each" } as const;
const asWhole = { form: "Whole" } as const;

describe("before it ends, an attempt", () => {
  test("is starting while it has no Pod, with Kubernetes' words on why", () => {
    const words = 'pods "x" is forbidden: exceeded quota';
    expect(observe(aJob(), [], { createFailure: words })).toMatchObject({
      state: "Starting",
      waitingFor: words,
      node: "node-1",
    });
    expect(observe(aJob(), [])).not.toHaveProperty("waitingFor");
  });

  test("tells since when the Kubernetes scheduler refuses its Pod, and why", () => {
    const refused = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message: "0/1 nodes",
      lastTransitionTime: atSeconds(5),
    };
    expect(observe(aJob(), [aPod({ node: "", conditions: [refused] })])).toMatchObject({
      state: "Starting",
      refusedSince: seconds(5),
      waitingFor: "Unschedulable: 0/1 nodes",
      node: "node-1",
    });
  });

  test("tells why its container waits, or an init container before it", () => {
    const pulling = { waiting: { reason: "ImagePullBackOff", message: "Back-off pulling image" } };
    const words = { waitingFor: "ImagePullBackOff: Back-off pulling image" };
    expect(observe(aJob(), [aPod({ state: pulling })])).toMatchObject(words);
    const behind = {
      state: { waiting: { reason: "PodInitializing" } },
      initContainerStatuses: [{ name: "i", state: pulling }],
    };
    expect(observe(aJob(), [aPod(behind)])).toMatchObject(words);
  });

  test("runs from the start of its container until its Pod has ended, also while a sidecar is still ending", () => {
    const running = aPod({ phase: "Running", state: { running: { startedAt: atSeconds(10) } } });
    expect(observe(aJob(), [running])).toMatchObject({ state: "Running", start: seconds(10), pod: "pod-uid" });
    expect(observe(aJob(), [aPod({ phase: "Running", state: terminated(0) })])).toMatchObject({
      state: "Running",
      start: seconds(10),
    });
    expect(observe(aJob({ deleting: true }), [running])).toMatchObject({ state: "Running", stopping: true });
  });

  test("holds what its Job asks for, then what its Pod was given", () => {
    expect(observe(aJob(), []).request).toEqual({ cpu: 1000, pods: 1 });
    expect(observe(aJob(), [aPod()]).request).toEqual({ cpu: 250, pods: 1 });
  });

  test("is told by its first Pod, if the Job controller made two", () => {
    const second = ended(0, "2", { uid: "a", created: 5 });
    const first = aPod({ uid: "b", created: 1 });
    expect(observe(aJob(), [second, first])).toMatchObject({ state: "Starting", pod: "b" });
    expect(observe(aJob(), [ended(0, "", { uid: "b" }), ended(0, "", { uid: "a" })])).toMatchObject({ pod: "a" });
  });

  test("waits for Pods that the store may not have seen, before it counts as lost", () => {
    const job = aJob({ finished: "Complete", resourceVersion: "20" });
    expect(observe(job, [], { podsSeenUpTo: 19 }).state).toBe("Starting");
    expect(observe(job, [], { podsSeenUpTo: 20 })).toMatchObject({ state: "Ended", outcome: "Lost", handedBack: [3] });
  });
});

describe("a single item", () => {
  test("succeeds with its result and times", () => {
    expect(observeEnd(aJob(), [ended(0, "9\n")])).toMatchObject({
      outcome: "Succeeded",
      exit: 0,
      start: seconds(10),
      end: seconds(40),
      outcomes: [{ item: 3, start: seconds(10), ms: 30_000, exit: 0, result: "9" }],
      handedBack: [],
    });
  });

  test("lacks a result where none was written", () => {
    expect(observeEnd(aJob(), [ended(0)]).outcomes).toEqual([{ item: 3, start: seconds(10), ms: 30_000, exit: 0 }]);
  });

  test("says that its result is cut, at the limit of its Pod", () => {
    expect(observeEnd(aJob(), [ended(0, "x".repeat(3072), { sidecars: 3 })]).outcomes[0]?.truncated).toBe(true);
    expect(observeEnd(aJob(), [ended(0, "x".repeat(3072))]).outcomes[0]).not.toHaveProperty("truncated");
  });

  test("fails with exit status, reason and last words", () => {
    const end = observeEnd(aJob(), [ended(3, "no such input\n")]);
    expect(end).toMatchObject({ outcome: "Failed", exit: 3, reason: "Error", message: "no such input" });
    expect(end.outcomes).toMatchObject([{ item: 3, exit: 3, reason: "Error", message: "no such input", ms: 30_000 }]);
  });

  test("that runs out of memory fails by its own fault, and in words", () => {
    const state = terminated(137, "", { reason: "OOMKilled" });
    const oom = { type: "DisruptionTarget", status: "True", reason: "TerminationByKubelet" };
    const end = observeEnd(aJob(), [aPod({ phase: "Failed", state, conditions: [oom] })]);
    expect(end.outcomes).toMatchObject([
      { reason: "OOMKilled", message: expect.stringContaining("more memory than its limit") },
    ]);
  });

  test("fails where an init container failed, and says which", () => {
    const initContainerStatuses = [{ name: "fetch", state: terminated(1, "no route") }];
    const pod = aPod({ phase: "Failed", state: { waiting: { reason: "PodInitializing" } }, initContainerStatuses });
    const end = observeEnd(aJob(), [pod]);
    expect(end).toMatchObject({ outcome: "Failed", message: "init container fetch: no route" });
    expect(end).not.toHaveProperty("exit");
    expect(end).not.toHaveProperty("start");
  });
});

describe("what is not the program's fault costs no retry", () => {
  const notCounted = { outcome: "Lost", outcomes: [], handedBack: [3] };

  test.each([
    ["Evicted", "The node was low on resource: memory."],
    ["NodeLost", ""],
    ["Preempting", ""],
    ["OutOfcpu", ""],
    ["OutOfpods", ""],
    ["UnexpectedAdmissionError", ""],
    ["NodeAffinity", ""],
    ["NodeShutdown", ""],
    ["Terminated", ""],
  ])("a Pod that ends as %s", (reason, message) => {
    expect(observeEnd(aJob(), [ended(137, "", { reason, message })])).toMatchObject({ ...notCounted, reason });
    expect(observeEnd(aJob(), [aPod({ phase: "Failed", reason, message })])).toMatchObject({
      ...notCounted,
      reason,
      interrupted: [],
    });
  });

  test("a Pod that the cluster ends", () => {
    const conditions = [{ type: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI" }];
    expect(observeEnd(aJob(), [ended(143, "", { conditions })])).toMatchObject({
      ...notCounted,
      reason: "EvictionByEvictionAPI",
    });
  });

  test("a container that the kubelet lost sight of", () => {
    const state = terminated(137, "", { reason: "ContainerStatusUnknown", startedAt: null, finishedAt: null });
    expect(observeEnd(aJob(), [aPod({ phase: "Failed", state })])).toMatchObject(notCounted);
  });

  test("a Pod that somebody deleted", () => {
    expect(observeEnd(aJob(), [ended(143, "", { deletionAsked: 20 })])).toMatchObject({
      ...notCounted,
      reason: "PodDeleted",
    });
  });

  test("a Pod that is gone before it ended", () => {
    const pod = {
      ...aPod({ phase: "Running", state: { running: { startedAt: atSeconds(10) } } }),
      gone: true,
    } as const;
    expect(observeEnd(aJob(), [pod])).toMatchObject({ ...notCounted, start: seconds(10), interrupted: [3] });
  });

  test("a Pod that is being deleted on a node that does not answer", () => {
    const pod = aPod({ phase: "Running", deletionAsked: 20, state: { running: { startedAt: atSeconds(10) } } });
    expect(observe(aJob(), [pod]).state).toBe("Running");
    expect(observeEnd(aJob(), [pod], { isLost: (node) => node === "node-1" })).toMatchObject({
      ...notCounted,
      reason: "NodeLost",
    });
  });

  test("but an eviction for a limit of its own would come again anywhere, and counts", () => {
    for (const message of [
      "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ",
      'Usage of EmptyDir volume "scratch" exceeds the limit "1Gi". ',
      'Container square exceeded its local ephemeral storage limit "1Gi". ',
    ]) {
      const pod = aPod({ phase: "Failed", reason: "Evicted", message });
      expect(observeEnd(aJob(), [pod])).toMatchObject({
        outcome: "Failed",
        reason: "Evicted",
        message,
        outcomes: [{ item: 3 }],
      });
    }
  });
});

describe("an attempt whose Pod is being removed, though we did not stop it", () => {
  test("was told to stop if a signal ended it, and has its own end else", () => {
    for (const exit of [137, 143]) {
      expect(observeEnd(aJob(), [ended(exit, "", { removed: 42 })])).toMatchObject({ outcome: "Lost" });
    }
    expect(observeEnd(aJob(), [ended(1, "", { removed: 42 })])).toMatchObject({ outcome: "Failed" });
    expect(observeEnd(aJob(), [ended(0, "9", { removed: 42 })])).toMatchObject({ outcome: "Succeeded" });
  });
});

describe("an attempt that we stop", () => {
  const stopped = { outcome: "Stopped", outcomes: [], handedBack: [3], interrupted: [3] };

  test("does not count, however its program answers the signal", () => {
    for (const exit of [0, 1, 137, 143]) {
      expect(observeEnd(aJob({ deleting: true }), [ended(exit, "half", { deletionAsked: 20 })])).toMatchObject(stopped);
    }
  });

  test("counts if it had ended before", () => {
    const late = { deletionAsked: 41 };
    expect(observeEnd(aJob({ deleting: true }), [ended(0, "9", late)])).toMatchObject({ outcome: "Succeeded" });
    expect(observeEnd(aJob({ deleting: true }), [ended(1, "", late)])).toMatchObject({ outcome: "Failed" });
    // In the same second nobody can tell.
    expect(observeEnd(aJob({ deleting: true }), [ended(0, "9", { deletionAsked: 40 })])).toMatchObject(stopped);
  });

  test("does not count when all that is left to see is a Pod that is being removed after its end", () => {
    for (const exit of [0, 1, 137, 143]) {
      expect(observeEnd(aJob({ deleting: true }), [ended(exit, "half", { removed: 42 })])).toMatchObject(stopped);
    }
  });

  test("has ended when its Pod is gone", () => {
    expect(observe(aJob({ deleting: true }), [], { podsSeenUpTo: 0 }).state).toBe("Starting");
    expect(observeEnd(aJob({ deleting: true }), [])).toMatchObject({
      outcome: "Stopped",
      handedBack: [3],
      interrupted: [],
    });
  });
});

describe("several items, each with a run of its own", () => {
  test("have their own times, from the start of the container on", () => {
    const end = observeEnd(aJob(each), [ended(0, "#1\n1000+20=A\n>B1\n2000=B2\n5+30\n7=D\n.\n")], asEach);
    expect(end).toMatchObject({ outcome: "Succeeded", handedBack: [] });
    expect(end.outcomes).toEqual([
      { item: 4, start: seconds(10) + 20, ms: 1000, exit: 0, result: "A" },
      { item: 5, start: seconds(10) + 1020, ms: 2000, exit: 0, result: "B1\nB2" },
      { item: 6, start: seconds(10) + 3050, ms: 5, exit: 0 },
      { item: 7, start: seconds(10) + 3055, ms: 7, exit: 0, result: "D" },
    ]);
  });

  test("fail one by one", () => {
    const end = observeEnd(aJob(each), [ended(1, "#1\n1=A\n1!3=bad\n1!137\n1=D\n.\n")], asEach);
    expect(end).toMatchObject({
      outcome: "Failed",
      reason: "ItemsFailed",
      message: "2 of the 4 items that it ran failed",
    });
    expect(end.outcomes.map(({ result, reason, exit }) => [result ?? reason, exit])).toEqual([
      ["A", 0],
      ["Error", 3],
      ["Error", 137],
      ["D", 0],
    ]);
    expect(end.outcomes[2]?.message).toMatch(/signal 9/);
  });

  test("are handed back where there was no room for them", () => {
    expect(observeEnd(aJob(each), [ended(0, "#1\n1=A\n.\n")], asEach)).toMatchObject({
      outcomes: [{ item: 4 }],
      handedBack: [5, 6, 7],
      interrupted: [],
    });
  });

  test("count as far as they came when the container dies; the one that it was running failed, the rest was not run", () => {
    const pod = aPod({ phase: "Failed", state: terminated(137, "#1\n1=A\n", { reason: "OOMKilled" }) });
    expect(observeEnd(aJob(each), [pod], asEach)).toMatchObject({
      outcome: "Failed",
      outcomes: [
        { item: 4, result: "A" },
        { item: 5, exit: 137, reason: "OOMKilled", message: expect.stringContaining("memory") },
      ],
      handedBack: [6, 7],
    });
  });

  test("count as far as they came when the attempt is stopped or its node fails", () => {
    const message = "#1\n1=A\n1!2=bad\n";
    const outcomes = [
      { item: 4, result: "A" },
      { item: 5, reason: "Error" },
    ];
    const stopped = observeEnd(aJob({ ...each, deleting: true }), [ended(143, message, { deletionAsked: 20 })], asEach);
    expect(stopped).toMatchObject({ outcome: "Stopped", outcomes, handedBack: [6, 7], interrupted: [6] });
    const evicted = observeEnd(aJob(each), [ended(137, message, { reason: "NodeShutdown" })], asEach);
    expect(evicted).toMatchObject({ outcome: "Lost", outcomes, handedBack: [6, 7] });
  });

  test("all fail where none could ever run: no shell, no scratch space, a failed init container", () => {
    const four = (end: { outcomes: readonly object[] }) => expect(end.outcomes).toHaveLength(4);
    const noShell = terminated(128, 'exec: "/bin/sh": no such file', { reason: "StartError" });
    four(observeEnd(aJob(each), [aPod({ phase: "Failed", state: noShell })], asEach));
    four(observeEnd(aJob(each), [ended(73, "kube-pool: cannot create files in /kube-pool/scratch\n")], asEach));
    const initContainerStatuses = [{ name: "fetch", state: terminated(1) }];
    four(observeEnd(aJob(each), [aPod({ phase: "Failed", initContainerStatuses })], asEach));
  });

  test("fail rather than run for ever where a container ends well without records", () => {
    expect(observeEnd(aJob(each), [ended(0, "")], asEach)).toMatchObject({
      outcome: "Failed",
      reason: "RecordsMissing",
      outcomes: [{ item: 4 }, { item: 5 }, { item: 6 }, { item: 7 }],
    });
  });
});

describe("several items in one run", () => {
  test("have a line each, and equal parts of the time", () => {
    expect(observeEnd(aJob(whole), [ended(0, "a\n\nc\n")], asWhole)).toMatchObject({
      outcome: "Succeeded",
      outcomes: [
        { item: 4, ms: 10_000, result: "a" },
        { item: 5, ms: 10_000, result: "" },
        { item: 6, ms: 10_000, result: "c" },
      ],
    });
  });

  test("all fail where the number of lines is another", () => {
    expect(observeEnd(aJob(whole), [ended(0, "a\n")], asWhole)).toMatchObject({
      outcome: "Failed",
      reason: "ResultCountMismatch",
      outcomes: [4, 5, 6].map((item) => ({
        item,
        reason: "ResultCountMismatch",
        message: expect.stringContaining("1 results for 3 items"),
      })),
    });
  });

  test("all fail, or are all handed back, with their container", () => {
    expect(observeEnd(aJob(whole), [ended(2, "oops")], asWhole).outcomes).toMatchObject(
      [4, 5, 6].map((item) => ({ item, message: "oops" })),
    );
    expect(observeEnd(aJob(whole), [ended(137, "", { reason: "NodeLost" })], asWhole)).toMatchObject({
      handedBack: [4, 5, 6],
      interrupted: [4, 5, 6],
    });
  });
});
