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

export function runningReleases({ tasks }: Snapshot, { nodes }: Tree, ledger: Ledger, now: number): Release[] {
  return tasks.flatMap((task) => {
    const node = nodes.get(task.pool);
    return task.active.map((shard): Release => {
      const room = ledger.roomNamed(shard.node);
      const at = expectedEnd(task, shard, now);
      return { at, task, shard: shard.shard, active: shard, room, node, request: ledger.requestOf(shard.request) };
    });
  });
}

/**
 * In time, each task first running on its own places those of its waiting shards that `waitingOf` counts: a place that
 * a task in front fills again is not free for the one behind.
 */
export function inTime(releases: readonly Release[], waitingOf: (task: Task) => number): readonly Release[] {
  const extended = [...Map.groupBy(releases, ({ task }) => task)].flatMap(([task, own]) => {
    const waiting = waitingOf(task);
    if (waiting === 0) return own;
    const { likelyMs, limitMs } = expectationOf(task);
    // The places that free first run one more; among equals the order must not be that of the input.
    own.sort((a, b) => a.at - b.at || a.shard - b.shard);
    return own.map((release, i) => {
      const rounds = Math.floor(waiting / own.length) + (i < waiting % own.length ? 1 : 0);
      return { ...release, at: release.at + rounds * (limitMs ?? likelyMs) };
    });
  });
  return extended.sort((a, b) => a.at - b.at);
}
