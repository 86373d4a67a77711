// The objects of the managed engine: one Job that attempts share, and a Pod an attempt.
import { controllerOf, type KubeObject } from "@dsl/kube-operator";
import { describe, expect, test } from "vitest";
import { roundJob } from "../../src/engine/job.ts";
import type { RoundView } from "../../src/engine/job-views.ts";
import { attemptPod, managedEngine } from "../../src/engine/managed.ts";
import { type RoundFacts, roundStatus } from "../../src/engine/round-status.ts";
import { attemptPodOf, createProjections } from "../../src/engine/views.ts";
import { aPlacement, aTask, atSeconds, contextOf, itemsOf, noon } from "./builders.ts";

const context = contextOf(aTask({ metadata: { labels: { team: "blue" } } }));
const projections = createProjections();

/** As the server stores it: with its own labels in the template. */
function aRound(status: object = {}, more: object = {}): RoundView {
  const { metadata, spec, ...manifest } = roundJob(context, { number: 0, shards: 5, binding: "Direct", reason: "why" });
  const { template, ...rest } = spec as { readonly template: { readonly metadata: { readonly labels: object } } };
  const labels = { ...template.metadata.labels, "batch.kubernetes.io/controller-uid": "round-uid" };
  const view = projections.round({
    ...manifest,
    metadata: { ...metadata, uid: "round-uid", resourceVersion: "20", creationTimestamp: atSeconds(0), ...more },
    spec: { ...rest, template: { ...template, metadata: { ...template.metadata, labels } } },
    status,
  } as unknown as KubeObject);
  if (view === undefined) throw new Error("the Job is not ours");
  return view;
}

const stored = (pod: ReturnType<typeof attemptPod>): KubeObject =>
  ({
    ...pod,
    metadata: { ...pod.metadata, uid: "pod-uid", resourceVersion: "30", creationTimestamp: atSeconds(1) },
    status: { phase: "Pending" },
  }) as unknown as KubeObject;

describe("the Job that attempts share", () => {
  test("is left to us by kube's Job controller, and asks for as many Pods as there are shards", () => {
    const { metadata, spec } = roundJob(context, { number: 2, shards: 7, binding: "Scheduler", reason: "" });
    expect(metadata).toMatchObject({ name: "squares-5f0c1e-round-2", finalizers: ["kube-pool.dev/record"] });
    expect(spec).toMatchObject({
      managedBy: "kube-pool.dev/operator",
      completionMode: "Indexed",
      completions: 7,
      parallelism: 7,
      template: { spec: { restartPolicy: "Never" } },
    });
  });

  test("remembers how its Pods come to their nodes", () => {
    expect(aRound()).toMatchObject({ round: 0, binding: "Direct", bindingReason: "why", completions: 5 });
  });

  test("is no attempt, and a Job of an attempt is none that attempts share", () => {
    const raw = roundJob(context, { number: 0, shards: 1, binding: "Direct", reason: "" }) as unknown as KubeObject;
    expect(projections.job(raw)).toBeUndefined();
  });
});

describe("the Pod of an attempt", () => {
  const pod = attemptPod(context, aPlacement({ shard: 3, attempt: 2, items: itemsOf(["a"], 3) }), aRound());

  test("is named by task, shard and attempt, and belongs to the Job", () => {
    expect(pod.metadata.name).toBe("squares-5f0c1e-3-2");
    expect(controllerOf({ metadata: pod.metadata })).toMatchObject({ kind: "Job", uid: "round-uid" });
  });

  test("has all labels of the stored Job's template, by which kubectl logs job/… finds it", () => {
    expect(pod.metadata.labels).toMatchObject({
      team: "blue",
      "batch.kubernetes.io/controller-uid": "round-uid",
      "batch.kubernetes.io/job-completion-index": "3",
    });
    expect(pod.metadata.annotations).toMatchObject({ "batch.kubernetes.io/job-completion-index": "3" });
  });

  test("is created on its node, or left one node by affinity", () => {
    const bound = attemptPod(context, aPlacement({ bound: true }), aRound()).spec;
    expect(bound).toMatchObject({ nodeName: "node-1" });
    expect(bound).not.toHaveProperty("affinity");
    expect(pod.spec).not.toHaveProperty("nodeName");
    expect(JSON.stringify(pod.spec)).toContain('"metadata.name","operator":"In","values":["node-1"]');
  });

  test("says by itself what its attempt is; under another name it is foreign", () => {
    const view = projections.pod(stored(pod));
    expect(attemptPodOf(view, aRound())).toMatchObject({
      kind: "Pod",
      shard: 3,
      attempt: 2,
      task: context.task.metadata.uid,
    });
    const renamed = { ...view, metadata: { ...view.metadata, name: "squares-5f0c1e-3-1" } };
    expect(attemptPodOf(renamed, aRound())).toBeUndefined();
  });

  test("that stands there already is ours by the Job's uid", () => {
    const owned = (owner: object): KubeObject => {
      const [reference] = pod.metadata.ownerReferences ?? [];
      return stored({ ...pod, metadata: { ...pod.metadata, ownerReferences: [{ ...reference, ...owner }] as never } });
    };
    expect(managedEngine.existing(owned({}), pod)).toBe("Same");
    expect(managedEngine.existing(owned({ uid: "earlier" }), pod)).toBe("Earlier");
    expect(managedEngine.existing(owned({ kind: "ReplicaSet" }), pod)).toBe("Foreign");
  });
});

describe("the status of the Job", () => {
  const facts: RoundFacts = {
    active: 2,
    ready: 1,
    terminating: 1,
    succeeded: 2,
    completedIndexes: "0-1",
    failed: 1,
    suspended: false,
  };
  const end = (succeeded: boolean): RoundFacts => ({
    ...facts,
    end: { succeeded, reason: succeeded ? "Succeeded" : "ItemsFailed", message: "so it is" },
  });
  const types = (status: unknown): string[] =>
    ((status as { conditions?: { type: string; status: string }[] }).conditions ?? []).map(
      ({ type, status: is }) => `${type}=${is}`,
    );

  test("counts Pods as kube's Job controller does, those that are being stopped apart", () => {
    expect(roundStatus(aRound(), facts, noon)).toEqual({
      startTime: atSeconds(0),
      active: 2,
      ready: 1,
      terminating: 1,
      succeeded: 2,
      completedIndexes: "0-1",
      failed: 1,
      uncountedTerminatedPods: {},
    });
  });

  test("says nothing anew of what is stored so already", () => {
    const status = roundStatus(aRound(), { ...facts, suspended: true }, noon);
    expect(roundStatus(aRound(status), { ...facts, suspended: true }, noon + 60_000)).toEqual(status);
  });

  test("never lets the count of failures fall, since the server would refuse that", () => {
    expect(roundStatus(aRound({ failed: 4 }), facts, noon)).toMatchObject({ failed: 4 });
  });

  test("ends with two conditions, a completion time only on success, and no Pods left", () => {
    const completed = roundStatus(aRound(), end(true), noon + 5000);
    expect(types(completed)).toEqual(["SuccessCriteriaMet=True", "Complete=True"]);
    expect(completed).toMatchObject({ completionTime: atSeconds(5), ready: 0, terminating: 0 });
    expect(completed).not.toHaveProperty("active");
    const failed = roundStatus(aRound(), end(false), noon);
    expect(types(failed)).toEqual(["FailureTarget=True", "Failed=True"]);
    expect(failed).not.toHaveProperty("completionTime");
  });

  test("is final once the Job has finished", () => {
    const round = aRound({ conditions: [{ type: "Complete", status: "True" }] });
    expect(roundStatus(round, facts, noon)).toBeUndefined();
  });

  test("tells of a pause, and of its end", () => {
    const paused = roundStatus(aRound(), { ...facts, suspended: true }, noon);
    expect(types(paused)).toEqual(["Suspended=True"]);
    expect(types(roundStatus(aRound(paused), facts, noon))).toEqual(["Suspended=False"]);
  });
});
