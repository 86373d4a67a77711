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

/** A place that its task takes again at once when it frees, until then. */
export interface Refill {
  readonly release: Release;
  readonly until: number;
}

/** Of all that runs; what has been decided in this plan comes with each question. */
export class Releases {
  private readonly now: number;
  private readonly running: readonly Release[];
  private byTask: ReadonlyMap<Task, readonly Release[]> | undefined;

  constructor({ tasks }: Snapshot, { nodes }: Tree, ledger: Ledger, now: number) {
    this.now = now;
    const running: Release[] = [];
    for (const task of tasks) {
      const node = nodes.get(task.pool);
      for (const active of task.active) {
        const { shard } = active;
        const room = ledger.roomNamed(active.node);
        const at = expectedEnd(task, active, now);
        running.push({ at, task, shard, active, room, node, request: ledger.requestOf(active.request) });
      }
    }
    this.running = running.sort(byTime);
  }

  /**
   * One after the other in time, each task first running on its own places those of its shards that `again` counts: a
   * place that a task in front fills again is not free for the one behind. What is on its way out is free at once.
   */
  *inTime(
    decided: readonly Release[],
    again: ReadonlyMap<Task, number>,
    isLeaving: (shard: ActiveShard) => boolean,
  ): Generator<Release, undefined> {
    const isOnItsWay = ({ active }: Release): boolean => active !== undefined && isLeaving(active);
    const atOnce = this.running.filter((release) => isOnItsWay(release) && !again.has(release.task));
    const moved = [
      ...atOnce.map((release): Release => ({ ...release, at: this.now })),
      ...decided.filter(({ task }) => !again.has(task)),
      ...this.refills(decided, again, isLeaving).map(({ release, until }): Release => ({ ...release, at: until })),
    ].sort(byTime);
    let next = 0;
    for (const release of this.running) {
      if (again.has(release.task) || isOnItsWay(release)) continue;
      for (let other = moved[next]; other !== undefined && other.at < release.at; other = moved[next]) {
        yield other;
        next += 1;
      }
      yield release;
    }
    yield* moved.slice(next);
  }

  /** The places of tasks that fill them again, those included that they fill no more. */
  refills(
    decided: readonly Release[],
    again: ReadonlyMap<Task, number>,
    isLeaving: (shard: ActiveShard) => boolean,
  ): readonly Refill[] {
    if (again.size === 0) return [];
    this.byTask ??= Map.groupBy(this.running, ({ task }) => task);
    const decidedBy = Map.groupBy(decided, ({ task }) => task);
    const refills: Refill[] = [];
    for (const [task, count] of again) {
      const running = (this.byTask.get(task) ?? []).map(
        (release): Release => (release.active && isLeaving(release.active) ? { ...release, at: this.now } : release),
      );
      const own = [...running, ...(decidedBy.get(task) ?? [])];
      const { likelyMs, limitMs } = expectationOf(task);
      // The places that free first run one more; among equals the order must not be that of the input.
      own.sort((a, b) => a.at - b.at || a.shard - b.shard);
      own.forEach((release, i) => {
        const rounds = Math.floor(count / own.length) + (i < count % own.length ? 1 : 0);
        refills.push({ release, until: release.at + rounds * (limitMs ?? likelyMs) });
      });
    }
    return refills;
  }
}

function byTime(a: Release, b: Release): number {
  return a.at - b.at;
}
