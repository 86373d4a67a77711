// The Kubernetes scheduler, which binds Pods to the nodes that they require while there is room, and what befalls the
// Pods of nodes that do not answer or are gone. Does not run anything.

import { amountOf } from "../../src/api/amount.ts";
import { podRequest } from "../../src/api/request.ts";
import {
  isOver,
  later,
  nodes,
  pods,
  type SimulatedNode,
  type SimulatedPod,
  timestamp,
  type World,
} from "./simulated-cluster-world.ts";

const bindMs = 5;
const retryMs = 1000;
/** Pods tolerate for so long that their node does not answer, unless they say otherwise. */
const evictAfterMs = 300_000;
const collectMs = 2000;

export function runScheduler(world: World): void {
  const bind = async (pod: SimulatedPod): Promise<void> => {
    const current = world.pods.get(pod.metadata);
    if (current?.metadata.uid !== pod.metadata.uid || current.metadata.deletionTimestamp !== undefined) return;
    if (current.spec.nodeName !== undefined || isOver(current)) return;
    const admitted = world.nodes.list().filter((node) => admits(node, current));
    const node = admitted.find((each) => hasRoom(world, each, current));
    if (node === undefined) {
      const message = `0/${world.nodes.list().length} nodes are available: ${admitted.length} Insufficient cpu.`;
      await refuse(world, current, message);
      later(world, retryMs, () => bind(pod));
      return;
    }
    await world.api.patch(pods, pod.metadata, {
      type: "merge",
      body: { metadata: { uid: pod.metadata.uid }, spec: { nodeName: node.metadata.name } },
    });
  };
  world.pods.onChange((change, pod) => {
    if (change === "ADDED" && pod.spec.nodeName === undefined) later(world, bindMs, () => bind(pod));
  });
}

async function refuse({ api, clock }: World, pod: SimulatedPod, message: string): Promise<void> {
  if (pod.status?.conditions?.some(({ type }) => type === "PodScheduled")) return;
  const lastTransitionTime = timestamp(clock.now());
  const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message, lastTransitionTime }];
  await api.patch(pods, pod.metadata, { type: "merge", body: { status: { conditions } } }, { subresource: "status" });
}

function admits(node: SimulatedNode, pod: SimulatedPod): boolean {
  const isReady = node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
  if (!isReady || node.spec?.unschedulable === true) return false;
  const [wanted] =
    JSON.stringify(pod.spec.affinity ?? {})
      .match(/"metadata\.name","operator":"In","values":\["([^"]+)"/)
      ?.slice(1) ?? [];
  return wanted === undefined || wanted === node.metadata.name;
}

export function podsOn(world: Pick<World, "pods">, node: string): readonly SimulatedPod[] {
  return world.pods.list().filter((pod) => pod.spec.nodeName === node && !isOver(pod));
}

function hasRoom(world: World, { metadata, status }: SimulatedNode, pod: SimulatedPod): boolean {
  const request = podRequest(pod.spec);
  const held = podsOn(world, metadata.name).map(({ spec }) => podRequest(spec));
  return Object.entries(request).every(([resource, amount]) => {
    const used = held.reduce((sum, each) => sum + (each[resource] ?? 0), 0);
    return used + amount <= amountOf(resource, status?.allocatable?.[resource] ?? 0);
  });
}

/** Evicts from nodes that do not answer, and collects the Pods of nodes that are gone. */
export function runNodeLifecycle(world: World): void {
  world.nodes.onChange((change, node) => {
    const { name } = node.metadata;
    if (change === "DELETED") {
      for (const pod of podsOn(world, name)) later(world, collectMs, () => collect(world, pod));
    } else if (!isAnswering(node)) {
      for (const pod of podsOn(world, name)) {
        later(world, evictAfterMs, async () => {
          const now = world.nodes.get({ name });
          if (now === undefined || !isAnswering(now)) await world.api.delete(pods, pod.metadata);
        });
      }
    }
  });
}

export function isAnswering({ status }: SimulatedNode): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === "Ready" && is !== "Unknown") === true;
}

async function collect({ api, clock }: World, pod: SimulatedPod): Promise<void> {
  const condition = {
    type: "DisruptionTarget",
    status: "True",
    reason: "DeletionByPodGC",
    lastTransitionTime: timestamp(clock.now()),
  };
  const body = { status: { phase: "Failed", conditions: [condition] } };
  await api.patch(pods, pod.metadata, { type: "merge", body }, { subresource: "status" });
  await api.delete(pods, pod.metadata, { gracePeriodSeconds: 0 });
}

export async function addNode(
  { api }: World,
  name: string,
  size: Readonly<Record<string, number | string>>,
  labels = {},
): Promise<void> {
  const allocatable = Object.fromEntries(
    Object.entries({ pods: 110, ...size }).map(([resource, amount]) => [resource, `${amount}`]),
  );
  const metadata = { name, labels: { "kubernetes.io/hostname": name, ...labels } };
  await api.create(nodes, { apiVersion: "v1", kind: "Node", metadata });
  await setReady(api, name, "True", { allocatable });
}

export async function setReady(
  api: World["api"],
  name: string,
  status: "True" | "Unknown",
  more: object = {},
  nowMs = 0,
): Promise<void> {
  const conditions = [{ type: "Ready", status, lastTransitionTime: timestamp(nowMs) }];
  await api.patch(
    nodes,
    { name },
    { type: "merge", body: { status: { conditions, ...more } } },
    { subresource: "status" },
  );
}
