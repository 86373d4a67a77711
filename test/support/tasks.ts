// Builders of PooledTasks as users write them. Each call gives a new object that a test may change.
import type { PodTemplate } from "../../src/api/template.ts";

export interface WrittenTask {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** The template of the smallest task, with further fields of its container. */
export function aTemplate(container: Record<string, unknown> = {}): PodTemplate {
  return { spec: { containers: [{ name: "main", image: "busybox:1.35", command: ["true"], ...container }] } };
}

/** The smallest task, with further fields of its spec. */
export function aWrittenTask(name: string, spec: Record<string, unknown> = {}): WrittenTask {
  return {
    apiVersion: "kube-pool.dev/v1alpha1",
    kind: "PooledTask",
    metadata: { name },
    spec: { poolRef: { name: "lab" }, items: { range: { end: 3 } }, template: aTemplate(), ...spec },
  };
}
