// A snapshot of a few objects of each kind that a plan knows: a pool below another, nodes that are nearly full, what runs,
// what waits in front, who passes, who may not, and a gang.
import type { Node, Pool, Snapshot, Task } from "./model.ts";

const since = 1_700_000_000_000;
const gi = 2 ** 30;

const pool: Pool = {
  name: "root",
  uid: "root",
  created: since,
  order: ["Priority", "FirstCome"],
  placement: "BinPack",
  backfill: { policy: "Easy", candidates: "ShortestFirst" },
  maxWaitMs: 86_400_000,
};

function node(name: string): Node {
  const allocatable = { cpu: 5500, memory: 16 * gi, pods: 110 };
  return {
    name,
    labels: {},
    taints: [],
    ready: true,
    cordoned: false,
    allocatable,
    foreign: { cpu: 250, memory: gi, pods: 3 },
  };
}

/** `cpus` a shard, so many seconds long; the nodes of what runs. */
function task(name: string, of: string, cpus: number, seconds: number, shards: number, ...on: readonly string[]): Task {
  const request = { cpu: 1000 * cpus, memory: gi, pods: 1 };
  return {
    key: `team/${name}`,
    namespace: "team",
    name,
    uid: name,
    pool: of,
    created: since + seconds,
    priority: cpus,
    request,
    constraints: { nodeSelector: {}, tolerations: [] },
    ...(shards === 2 && { minParallelism: shards }),
    waiting: [{ start: on.length, end: on.length + shards }],
    backingOff: [],
    active: on.map((to, shard) => ({ shard, attempt: 1, node: to, request, state: "Running", since: since + shard })),
    expected: { likelyMs: 1000 * seconds, limitMs: 2000 * seconds },
    excludedNodes: [],
  };
}

export const small: Snapshot = {
  pools: [
    pool,
    { ...pool, name: "below", uid: "below", parent: "root", limit: { cpu: 8000 }, reservation: { cpu: 2000 } },
  ],
  nodes: [node("node-1"), node("node-2")],
  tasks: [
    task("runs", "root", 1, 60, 0, "node-1", "node-2"),
    task("runs-below", "below", 1, 90, 0, "node-1", "node-2"),
    task("waits", "root", 4, 60, 1),
    task("waits-below", "below", 4, 60, 1),
    task("passes", "root", 1, 5, 3),
    task("gang", "below", 2, 5, 2),
    task("delays", "root", 1, 600, 3),
  ],
};
export const smallNow: number = since + 30_000;
