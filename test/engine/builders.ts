// Tasks and placements in short, and what Kubernetes makes of them: Jobs and Pods as the API server would show them.
import type { KubeObject } from "@dsl/kube-operator";
import type { PooledTask, PooledTaskSpec } from "../../src/api/pooled-task.ts";
import type { Container, PodSpec, PodTemplate } from "../../src/api/template.ts";
import type { AttemptState, EndedAttempt, Placement, Surroundings, TaskContext } from "../../src/engine/engine.ts";
import { attemptJob } from "../../src/engine/job.ts";
import type { JobView } from "../../src/engine/job-views.ts";
import { observeAttempt } from "../../src/engine/observe-attempt.ts";
import type { PodView } from "../../src/engine/pod-views.ts";
import { createProjections } from "../../src/engine/views.ts";

export const noon = Date.UTC(2026, 0, 1, 12);
export const atSeconds = (seconds: number): string => new Date(noon + seconds * 1000).toISOString().replace(".000", "");

export interface TaskTraits {
  readonly chunk?: PooledTaskSpec["chunk"];
  readonly container?: Partial<Container>;
  readonly pod?: Partial<PodSpec>;
  readonly metadata?: PodTemplate["metadata"];
}

export function aTask({ chunk = { size: 1, mode: "Each" }, container, pod, metadata }: TaskTraits = {}): PooledTask {
  return {
    apiVersion: "kube-pool.dev/v1alpha1",
    kind: "PooledTask",
    metadata: {
      name: "squares",
      namespace: "lab",
      uid: "5f0c1e8a-0000-4000-8000-000000000001",
      resourceVersion: "10",
      creationTimestamp: atSeconds(0),
      labels: { "app.kubernetes.io/instance": "gitops" },
      annotations: { "argocd.argoproj.io/tracking-id": "x" },
    },
    spec: {
      poolRef: { name: "lab" },
      items: { range: { start: 0, end: 100, step: 1 } },
      chunk,
      template: {
        ...(metadata !== undefined && { metadata }),
        spec: { containers: [{ name: "square", image: "busybox:1.35", command: ["sh"], ...container }], ...pod },
      },
    } as PooledTaskSpec,
  };
}

export function contextOf(
  task: PooledTask,
  defaultRequests: TaskContext["defaultRequests"] = { cpu: "1" },
): TaskContext {
  return { task, child: `${task.metadata.name}-${task.metadata.uid.slice(0, 6)}`, pool: "lab", defaultRequests };
}

export function aPlacement(traits: Partial<Placement> = {}): Placement {
  return { shard: 3, attempt: 1, node: "node-1", items: [{ index: 3, text: "3" }], ...traits };
}

/** Items with texts of their own, numbered from `first`. */
export function itemsOf(texts: readonly string[], first = 0): Placement["items"] {
  return texts.map((text, position) => ({ index: first + position, text }));
}

// ---- what the cluster shows

const projections = createProjections();

export interface JobTraits extends TaskTraits {
  readonly items?: Placement["items"];
  readonly finished?: "Complete" | "Failed";
  readonly deleting?: boolean;
  readonly resourceVersion?: string;
}

export function aStoredJob({ items, finished, deleting, resourceVersion = "20", ...task }: JobTraits = {}): KubeObject {
  const { metadata, ...manifest } = attemptJob(contextOf(aTask(task)), aPlacement(items && { items }));
  return {
    ...manifest,
    metadata: {
      ...metadata,
      uid: "job-uid",
      resourceVersion,
      creationTimestamp: atSeconds(0),
      ...(deleting && { deletionTimestamp: atSeconds(50) }),
    },
    ...(finished && { status: { conditions: [{ type: finished, status: "True" }] } }),
  } as KubeObject;
}

export function aJob(traits: JobTraits = {}): JobView {
  const view = projections.job(aStoredJob(traits));
  if (view === undefined) throw new Error("the Job is not ours");
  return view;
}

export interface PodTraits {
  readonly uid?: string;
  readonly phase?: string;
  readonly created?: number;
  /** The deletion was asked for at this second; the grace period is 30 s. */
  readonly deletionAsked?: number;
  /** At this second the API server was told to remove it at once. */
  readonly removed?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly conditions?: readonly object[];
  /** `state` of the main container. */
  readonly state?: object;
  readonly initContainerStatuses?: readonly object[];
  readonly sidecars?: number;
  readonly node?: string;
}

export function aStoredPod(traits: PodTraits = {}): KubeObject {
  const {
    phase = "Pending",
    created = 1,
    deletionAsked,
    removed,
    reason,
    message,
    conditions,
    state,
    sidecars = 0,
  } = traits;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "squares-5f0c1e-3-1-abcde",
      namespace: "lab",
      uid: traits.uid ?? "pod-uid",
      resourceVersion: "30",
      creationTimestamp: atSeconds(created),
      labels: { "kube-pool.dev/task-uid": "5f0c1e8a-0000-4000-8000-000000000001" },
      annotations: { "kubectl.kubernetes.io/default-container": "square" },
      ownerReferences: [
        { apiVersion: "batch/v1", kind: "Job", name: "squares-5f0c1e-3-1", uid: "job-uid", controller: true },
      ],
      ...(deletionAsked !== undefined && {
        deletionTimestamp: atSeconds(deletionAsked + 30),
        deletionGracePeriodSeconds: 30,
      }),
      ...(removed !== undefined && { deletionTimestamp: atSeconds(removed), deletionGracePeriodSeconds: 0 }),
    },
    spec: {
      nodeName: traits.node ?? "node-1",
      containers: [{ name: "square", resources: { requests: { cpu: "250m" } } }],
      initContainers: Array.from({ length: sidecars }, (_, n) => ({ name: `side-${n}`, restartPolicy: "Always" })),
    },
    status: {
      phase,
      ...(reason && { reason }),
      ...(message && { message }),
      ...(conditions && { conditions }),
      ...(state && { containerStatuses: [{ name: "square", state }] }),
      ...(traits.initContainerStatuses && { initContainerStatuses: traits.initContainerStatuses }),
    },
  } as unknown as KubeObject;
}

export function aPod(traits: PodTraits = {}): PodView {
  return projections.pod(aStoredPod(traits));
}

/** A container that ran from second 10 to second 40. */
export function terminated(exitCode: number, message = "", more: object = {}): object {
  const reason = exitCode === 0 ? "Completed" : "Error";
  return { terminated: { exitCode, reason, message, startedAt: atSeconds(10), finishedAt: atSeconds(40), ...more } };
}

export function ended(exitCode: number, message = "", more: PodTraits = {}): PodView {
  return aPod({ phase: exitCode === 0 ? "Succeeded" : "Failed", state: terminated(exitCode, message), ...more });
}

export function observe(
  job: JobView,
  pods: readonly PodView[],
  surroundings: Partial<Surroundings> = {},
): AttemptState {
  return observeAttempt(job, pods, {
    form: "Single",
    now: noon + 60_000,
    podsSeenUpTo: 100,
    isLost: () => false,
    ...surroundings,
  });
}

export function observeEnd(
  job: JobView,
  pods: readonly PodView[],
  surroundings: Partial<Surroundings> = {},
): EndedAttempt {
  const state = observe(job, pods, surroundings);
  if (state.state !== "Ended") throw new Error(`the attempt has not ended: ${JSON.stringify(state)}`);
  return state;
}
