// What it costs to follow changes, by themselves: a recorded stream goes through the runtime's own parts, from bytes to
// the store, in this process. Over a connection the kernel and Node's streams come on top.
import { createStore, type KubeObject, type Resource } from "@dsl/kube-operator";
import { linesOf } from "../packages/kube-operator/src/lines.ts";
import type { PodView } from "../src/engine/pod-views.ts";
import { createProjections } from "../src/engine/views.ts";
import { aPod } from "./many-pods.ts";

const pods: Resource = { group: "", version: "v1", kind: "Pod", plural: "pods", namespaced: true };

/** Events a second of CPU time, garbage collection included. */
export async function replayedPerCpuSecond(events: number, objects: number): Promise<number> {
  const recorded = Array.from({ length: 2 * events }, (_, index) => eventOf(index, objects));
  const project = createProjections();
  const store = createStore<PodView>({
    resource: pods,
    indexes: { node: (pod) => pod.node, job: (pod) => pod.attempt?.job },
  });
  const follow = async (part: readonly Buffer[]): Promise<void> => {
    for await (const line of linesOf(chunks(part))) store.set(project.pod(JSON.parse(line).object as KubeObject));
  };
  // An operator lives long: the first half is the compiler's. The second is newer, so that nothing of it is passed over.
  await follow(recorded.slice(0, events));
  const before = process.cpuUsage();
  await follow(recorded.slice(events));
  const { user, system } = process.cpuUsage(before);
  return Math.round((1e6 * events) / (user + system));
}

/** As the API server sends it. */
function eventOf(index: number, objects: number): Buffer {
  const pod = aPod(index % objects, index % 2 === 0 ? "Running" : "Succeeded");
  const metadata = {
    ...pod.metadata,
    uid: `00000000-0000-4000-9000-${String(index % objects).padStart(12, "0")}`,
    resourceVersion: String(index + 1),
    creationTimestamp: "2026-01-01T00:00:00Z",
  };
  return Buffer.from(`${JSON.stringify({ type: "MODIFIED", object: { ...pod, metadata } })}\n`);
}

async function* chunks(recorded: readonly Buffer[]): AsyncIterable<Buffer> {
  yield* recorded;
}
