// When places are expected to be free again. Does not know what waits for them.
import { expectationOf, expectedEnd } from "./estimate.ts";
import type { Ledger, NodeRoom, Request } from "./ledger.ts";
import type { ActiveShard, Snapshot, Task } from "./model.ts";
import type { PoolNode, Tree } from "./tree.ts";

/** One place that a shard holds, and when it is expected to give it back. */
export interface Release {
  readonly at: number;
  readonly task: Task;
  readonly shard: number;
  /** The running shard; absent for one that has only been decided. */
  readonly active?: ActiveShard;
  /** Absent for a shard on a vanished node: it gives back only what limits count. */
  readonly room: NodeRoom | undefined;
  readonly node: PoolNode | undefined;
  readonly request: Request;
}

/** Sorted in time. */
export function runningReleases({ tasks }: Snapshot, { nodes }: Tree, ledger: Ledger, now: number): Release[] {
  const releases: Release[] = [];
  for (const task of tasks) {
    const node = nodes.get(task.pool);
    for (const active of task.active) {
      const { shard } = active;
      const room = ledger.roomNamed(active.node);
      const at = expectedEnd(task, active, now);
      releases.push({ at, task, shard, active, room, node, request: ledger.requestOf(active.request) });
    }
  }
  return releases.sort((a, b) => a.at - b.at);
}

/**
 * In time, each task first running on its own places those of its shards that `waiting` counts: a place that
 * a task in front fills again is not free for the one behind.
 */
export function inTime(releases: readonly Release[], waiting: ReadonlyMap<Task, number>): readonly Release[] {
  const inTurn = releases.filter(({ task }) => !waiting.has(task));
  const again = Map.groupBy(
    releases.filter(({ task }) => waiting.has(task)),
    ({ task }) => task,
  );
  for (const [task, own] of again) {
    const count = waiting.get(task) ?? 0;
    const { likelyMs, limitMs } = expectationOf(task);
    // The places that free first run one more; among equals the order must not be that of the input.
    own.sort((a, b) => a.at - b.at || a.shard - b.shard);
    own.forEach((release, i) => {
      const rounds = Math.floor(count / own.length) + (i < count % own.length ? 1 : 0);
      inTurn.push({ ...release, at: release.at + rounds * (limitMs ?? likelyMs) });
    });
  }
  return inTurn.sort((a, b) => a.at - b.at);
}
