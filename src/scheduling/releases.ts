// When places are expected to be free again. Does not know what waits for them.
import { expectationOf, expectedEnd } from "./estimate.ts";
import { Heap } from "./heap.ts";
import type { Held, Ledger, NodeRoom, Request } from "./ledger.ts";
import type { ActiveShard, Task } from "./model.ts";
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
  private readonly held: readonly Held[];
  private readonly nodes: Tree["nodes"];
  /** By index of what is held, like all below: when its place is expected to be free. */
  private readonly ends: Float64Array;
  /** Those that end first, as far as anybody has asked: what is waited for is mostly found early. */
  private readonly first: number[] = [];
  /** The others. */
  private readonly later: Heap<number>;
  private readonly known: Release[] = [];
  private byTask: ReadonlyMap<Task | undefined, readonly number[]> | undefined;

  constructor({ nodes }: Tree, { held }: Ledger, now: number) {
    this.now = now;
    this.held = held;
    this.nodes = nodes;
    const ends = Float64Array.from(held, ({ task, active }) => expectedEnd(task, active, now));
    this.ends = ends;
    this.later = new Heap((a, b) => (ends[a] ?? 0) < (ends[b] ?? 0));
    for (let i = 0; i < held.length; i += 1) this.later.push(i);
  }

  /**
   * One after the other in time, each task first running on its own places those of its shards that `again` counts: a
   * place that a task in front fills again is not free for the one behind. What is on its way out is free at once.
   */
  *inTime(
    decided: readonly Release[],
    again: ReadonlyMap<Task, number>,
    leaving: ReadonlySet<ActiveShard>,
  ): Generator<Release, undefined> {
    const isMoved = ({ task, active }: Held): boolean => again.has(task) || leaving.has(active);
    const movesAny = again.size > 0 || leaving.size > 0;
    const moved = [
      ...this.leavingNow(leaving).filter(({ task }) => !again.has(task)),
      ...decided.filter(({ task }) => !again.has(task)),
      ...this.refills(decided, again, leaving).map(({ release, until }): Release => ({ ...release, at: until })),
    ].sort(byTime);
    let next = 0;
    for (let i = 0; ; i += 1) {
      const index = this.indexAt(i);
      const held = this.held[index];
      if (held === undefined) break;
      if (movesAny && isMoved(held)) continue;
      const at = this.ends[index] ?? 0;
      for (let other = moved[next]; other !== undefined && other.at < at; other = moved[next]) {
        yield other;
        next += 1;
      }
      yield this.releaseOf(index);
    }
    yield* moved.slice(next);
  }

  /** The places of tasks that fill them again, those included that they fill no more. */
  refills(
    decided: readonly Release[],
    again: ReadonlyMap<Task, number>,
    leaving: ReadonlySet<ActiveShard>,
  ): readonly Refill[] {
    if (again.size === 0) return [];
    this.byTask ??= Map.groupBy(this.held.keys(), (index) => this.held[index]?.task);
    const decidedBy = Map.groupBy(decided, ({ task }) => task);
    const refills: Refill[] = [];
    for (const [task, count] of again) {
      const running = (this.byTask.get(task) ?? []).map((index): Release => {
        const release = this.releaseOf(index);
        return release.active && leaving.has(release.active) ? { ...release, at: this.now } : release;
      });
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

  private leavingNow(leaving: ReadonlySet<ActiveShard>): readonly Release[] {
    if (leaving.size === 0) return [];
    return this.held.flatMap(({ active }, index): Release[] =>
      leaving.has(active) ? [{ ...this.releaseOf(index), at: this.now }] : [],
    );
  }

  /** Which of those held is the next to end after so many; -1 after the last. */
  private indexAt(place: number): number {
    if (place === this.first.length) this.first.push(this.later.pop() ?? -1);
    return this.first[place] ?? -1;
  }

  private releaseOf(index: number): Release {
    let release = this.known[index];
    if (release === undefined) {
      const { task, active, room, request } = this.held[index] as Held;
      const at = this.ends[index] ?? this.now;
      release = { at, task, shard: active.shard, active, room, node: this.nodes.get(task.pool), request };
      this.known[index] = release;
    }
    return release;
  }
}

function byTime(a: Release, b: Release): number {
  return a.at - b.at;
}
