// The kubelets: they run the containers of bound Pods, by a program that the test gives, and stop them when they are
// deleted. A program is a function of one item; this file turns its answers into what a container leaves behind.
import { indexesOf } from "../../src/engine/item-indexes.ts";
import { isAnswering } from "./simulated-cluster-nodes.ts";
import { isOver, later, pods, type SimulatedPod, timestamp, type World } from "./simulated-cluster-world.ts";

const startMs = 300;
const stopMs = 200;
/** Of a container for its records. */
const roomBytes = 4096;

export interface ItemRun {
  readonly item: string;
  readonly index: number;
  readonly task: string;
  readonly shard: number;
  readonly attempt: number;
  readonly node: string;
}

export interface ItemEnd {
  readonly result?: string;
  readonly exit?: number;
  readonly stderr?: string;
  readonly ms?: number;
  /** The container is killed while it runs this item, for want of memory. */
  readonly kills?: true;
}

export type Program = (run: ItemRun) => ItemEnd;

/** What examples/first-map computes. */
export const squares: Program = ({ item }) => ({ result: `${BigInt(item) ** 2n}` });

export interface KubeletTraits {
  readonly program: () => Program;
  /** Images that cannot be pulled. */
  readonly badImages: ReadonlySet<string>;
}

interface Run extends ItemEnd {
  readonly endsAfterMs: number;
}

interface Ending {
  readonly exit: number;
  readonly reason: string;
  readonly message: string;
}

export function runKubelets(world: World, { program, badImages }: KubeletTraits): void {
  const startedAt = new Map<string, number>();
  const plans = new Map<string, readonly Run[]>();

  const alive = (pod: SimulatedPod): SimulatedPod | undefined => {
    const current = world.pods.get(pod.metadata);
    const node = world.nodes.get({ name: pod.spec.nodeName ?? "" });
    const isHere = current?.metadata.uid === pod.metadata.uid && !isOver(current);
    return isHere && node !== undefined && isAnswering(node) ? current : undefined;
  };
  const report = (pod: SimulatedPod, phase: string, state: object): Promise<unknown> => {
    const [container] = pod.spec.containers;
    const containerStatuses = [{ name: container?.name, state }];
    return world.api.patch(
      pods,
      pod.metadata,
      { type: "merge", body: { metadata: { uid: pod.metadata.uid }, status: { phase, containerStatuses } } },
      { subresource: "status" },
    );
  };
  const start = async (pod: SimulatedPod): Promise<void> => {
    const current = alive(pod);
    if (current === undefined || current.metadata.deletionTimestamp !== undefined) return;
    const [container] = pod.spec.containers;
    if (container !== undefined && badImages.has(container.image)) {
      const message = `Back-off pulling image "${container.image}"`;
      await report(pod, "Pending", { waiting: { reason: "ImagePullBackOff", message } });
      later(world, 5000, () => start(pod));
      return;
    }
    startedAt.set(pod.metadata.uid, world.clock.now());
    const runs = runsOf(current, program());
    plans.set(pod.metadata.uid, runs);
    await report(pod, "Running", { running: { startedAt: timestamp(world.clock.now()) } });
    later(world, runs.at(-1)?.endsAfterMs ?? 0, async () => {
      const still = alive(pod);
      if (still === undefined || still.metadata.deletionTimestamp !== undefined) return;
      await end(pod, endingOf(pod, runs));
    });
  };
  const end = (pod: SimulatedPod, { exit, reason, message }: Ending): Promise<unknown> =>
    report(pod, exit === 0 ? "Succeeded" : "Failed", {
      terminated: {
        exitCode: exit,
        reason,
        message,
        startedAt: timestamp(startedAt.get(pod.metadata.uid) ?? 0),
        finishedAt: timestamp(world.clock.now()),
      },
    });
  const stop = async (pod: SimulatedPod): Promise<void> => {
    if (alive(pod) === undefined) return;
    const since = startedAt.get(pod.metadata.uid);
    if (since !== undefined) {
      const done = (plans.get(pod.metadata.uid) ?? []).filter(
        (run) => since + run.endsAfterMs <= world.clock.now() - stopMs,
      );
      await end(pod, {
        exit: 143,
        reason: "Error",
        message: formOf(pod) === "Each" && done.length > 0 ? records(done) : "",
      });
    }
    await world.api.delete(pods, pod.metadata, { uid: pod.metadata.uid, gracePeriodSeconds: 0 });
  };

  const taken = new Set<string>();
  const stopping = new Set<string>();
  world.pods.onChange((change, pod) => {
    const { uid, deletionTimestamp } = pod.metadata;
    if (change === "DELETED" || pod.spec.nodeName === undefined || isOver(pod)) return;
    if (deletionTimestamp !== undefined && !stopping.has(uid)) {
      stopping.add(uid);
      later(world, stopMs, () => stop(pod));
    } else if (deletionTimestamp === undefined && !taken.has(uid) && isOfJob(pod)) {
      taken.add(uid);
      later(world, startMs, () => start(pod));
    }
  });
}

function isOfJob({ metadata }: SimulatedPod): boolean {
  return metadata.ownerReferences?.some(({ kind }) => kind === "Job") === true;
}

type Form = "Single" | "Each" | "Whole";

function formOf(pod: SimulatedPod): Form {
  if (variable(pod, "POOL_ITEMS_FILE") !== undefined) return "Whole";
  return variable(pod, "POOL_ITEM") === undefined ? "Each" : "Single";
}

/** As the kubelet expands it. */
function variable(pod: SimulatedPod, name: string): string | undefined {
  const found = pod.spec.containers[0]?.env?.find((each) => each.name === name);
  return found?.value?.replaceAll("$$", "$");
}

function runsOf(pod: SimulatedPod, program: Program): readonly Run[] {
  const form = formOf(pod);
  const lines = (pod.metadata.annotations?.["kube-pool.dev/items"] ?? "").split("\n").slice(0, -1);
  // The wrapper is told the indexes by its ninth word.
  const indexes = indexesOf(pod.spec.containers[0]?.command?.[8] ?? "") ?? [];
  const items =
    form === "Single"
      ? [{ item: variable(pod, "POOL_ITEM") ?? "", index: Number(variable(pod, "POOL_INDEX")) }]
      : lines.map((item, position) => ({ item, index: form === "Each" ? (indexes[position] ?? -1) : position }));
  const about = {
    task: variable(pod, "POOL_TASK") ?? "",
    shard: Number(variable(pod, "POOL_SHARD")),
    attempt: Number(variable(pod, "POOL_ATTEMPT")),
    node: pod.spec.nodeName ?? "",
  };
  const runs: Run[] = [];
  let endsAfterMs = 0;
  for (const item of items) {
    const end = program({ ...about, ...item });
    endsAfterMs += end.ms ?? 1000;
    // Run in vain: its result has no room, so the wrapper ends, and it is handed back with all that follow.
    if (form === "Each" && runs.length > 0 && `${records([...runs, { ...end, endsAfterMs }])}.\n`.length > roomBytes) {
      const last = runs.pop();
      if (last !== undefined) runs.push({ ...last, endsAfterMs });
      break;
    }
    runs.push({ ...end, endsAfterMs });
    if (end.kills) break;
  }
  return runs;
}

function endingOf(pod: SimulatedPod, runs: readonly Run[]): Ending {
  const form = formOf(pod);
  const failed = runs.find(({ exit = 0 }) => exit !== 0);
  if (runs.at(-1)?.kills) {
    const done = runs.slice(0, -1);
    return { exit: 137, reason: "OOMKilled", message: form === "Each" && done.length > 0 ? records(done) : "" };
  }
  if (form === "Each") {
    return {
      exit: failed === undefined ? 0 : 1,
      reason: failed === undefined ? "Completed" : "Error",
      message: `${records(runs)}.\n`,
    };
  }
  if (failed !== undefined) return { exit: failed.exit ?? 1, reason: "Error", message: failed.stderr ?? "" };
  return {
    exit: 0,
    reason: "Completed",
    message: runs.map(({ result }) => (result === undefined ? "" : `${result}\n`)).join(""),
  };
}

/** As the wrapper writes them; see src/engine/wrapper.ts. */
function records(runs: readonly Run[]): string {
  const lines = runs.map(({ result, exit = 0, stderr, ms = 1000 }) => {
    const text = exit === 0 ? result : stderr;
    return `${ms}${exit === 0 ? "" : `!${exit}`}${text === undefined ? "" : `=${text}`}\n`;
  });
  return `#1\n${lines.join("")}`;
}
