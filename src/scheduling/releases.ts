// When places are expected to be free again. Does not know what waits for them.
import { expectationOf, expectedEnd } from "./estimate.ts";
import { Heap } from "./heap.ts";
import type { Ledger, NodeRoom, Request } from "./ledger.ts";
import type { ActiveShard, Task } from "./model.ts";
import type { PoolNode, Tree } from "./tree.ts";

/** One place that a shard holds, and when it is expected to give it back. */
export class Release {
  readonly at: number;
  readonly task: Task;
  readonly shard: number;
  /** Absent for a shard on a vanished node: it gives back only what limits count. */
  readonly room: NodeRoom | undefined;
  readonly node: PoolNode | undefined;
  readonly request: Request;
  /** The running shard; absent for one that has only been decided. */
  readonly active: ActiveShard | undefined;

  constructor(
    at: number,
    task: Task,
    shard: number,
    room: NodeRoom | undefined,
    node: PoolNode | undefined,
    request: Request,
    active?: ActiveShard,
  ) {
    this.at = at;
    this.task = task;
    this.shard = shard;
    this.room = room;
    this.node = node;
    this.request = request;
    this.active = active;
  }

  /** The same place, at another moment. */
  movedTo(at: number): Release {
    return new Release(at, this.task, this.shard, this.room, this.node, this.request, this.active);
  }
}

/** The next, the earliest first; undefined once all have come. */
export type Walk = () => Release | undefined;

/** All that one question counts on to become free. */
export interface Freeing {
  /** In no order, which costs least: who knows the moment that he asks about needs none. */
  readonly all: readonly (readonly Release[])[];
  readonly inTime: () => Walk;
}

/** A place that its task takes again at once when it frees, until then. */
export interface Refill {
  readonly release: Release;
  readonly until: number;
}

/** Of all that runs; what has been decided in this plan comes with each question. */
export class Releases {
  private readonly now: number;
  /** Those of one task stand together. */
  private readonly running: readonly Release[];
  private firstOf: ReadonlyMap<Task, number> | undefined;
  /** In order of time as far as somebody has asked: most questions are of what is free soon. */
  private readonly sorted: Release[] = [];
  private readonly unsorted = new Heap(isEarlier);

  constructor({ nodes }: Tree, { held }: Ledger, now: number) {
    this.now = now;
    this.running = held.map(({ task, active, room, request }): Release => {
      const at = expectedEnd(task, active, now);
      return new Release(at, task, active.shard, room, nodes.get(task.pool), request, active);
    });
  }

  /**
   * Each task first runs on its own places those of its shards that `again` counts: a place that a task in front fills
   * again is not free for the one behind. What is on its way out is free at once.
   */
  freeing(decided: readonly Release[], again: ReadonlyMap<Task, number>, leaving: ReadonlySet<ActiveShard>): Freeing {
    const others = decided.filter(({ task }) => !again.has(task));
    for (const release of leaving.size === 0 ? [] : this.running) {
      if (isAmong(leaving, release) && !again.has(release.task)) others.push(release.movedTo(this.now));
    }
    for (const { release, until } of this.refills(decided, again, leaving)) others.push(release.movedTo(until));
    const stays = (release: Release): boolean => !(again.has(release.task) || isAmong(leaving, release));
    const staying = again.size === 0 && leaving.size === 0 ? this.running : this.running.filter(stays);
    return { all: [staying, others], inTime: () => this.walk(stays, others) };
  }

  private walk(stays: (release: Release) => boolean, others: readonly Release[]): Walk {
    const heap = new Heap(isEarlier);
    for (const other of others) heap.push(other);
    let at = 0;
    return () => {
      let release = this.sorted[at] ?? this.sortOne();
      for (; release !== undefined && !stays(release); release = this.sorted[at] ?? this.sortOne()) at += 1;
      const other = heap.peek();
      if (other !== undefined && !(release && isEarlier(release, other))) return heap.pop();
      at += 1;
      return release;
    };
  }

  private sortOne(): Release | undefined {
    if (this.unsorted.size === 0 && this.sorted.length === 0)
      for (const release of this.running) this.unsorted.push(release);
    const first = this.unsorted.pop();
    if (first !== undefined) this.sorted.push(first);
    return first;
  }

  /** The places of tasks that fill them again, those included that they fill no more. */
  refills(
    decided: readonly Release[],
    again: ReadonlyMap<Task, number>,
    leaving: ReadonlySet<ActiveShard>,
  ): readonly Refill[] {
    if (again.size === 0) return [];
    const decidedBy = Map.groupBy(decided, ({ task }) => task);
    const refills: Refill[] = [];
    for (const [task, count] of again) {
      const running = this.runningOf(task).map((release) => this.withLeaving(release, leaving));
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

  private withLeaving(release: Release, leaving: ReadonlySet<ActiveShard>): Release {
    return isAmong(leaving, release) ? release.movedTo(this.now) : release;
  }

  private runningOf(task: Task): readonly Release[] {
    this.firstOf ??= firstOfEach(this.running);
    const found: Release[] = [];
    const first = this.firstOf.get(task) ?? this.running.length;
    for (let i = first; this.running[i]?.task === task; i += 1) found.push(this.running[i] as Release);
    return found;
  }
}

function isEarlier(a: Release, b: Release): boolean {
  return a.at < b.at;
}

function isAmong(leaving: ReadonlySet<ActiveShard>, { active }: Release): boolean {
  return active !== undefined && leaving.has(active);
}

function firstOfEach(releases: readonly Release[]): ReadonlyMap<Task, number> {
  const first = new Map<Task, number>();
  for (let i = 0; i < releases.length; i += 1) {
    const { task } = releases[i] as Release;
    if (releases[i - 1]?.task !== task) first.set(task, i);
  }
  return first;
}
