// When places are expected to be free again: of what runs, of what this plan has started, and of what has a place kept. Does
// not know whose turn it is.
import type { Contender } from "./contender.ts";
import { expectationOf } from "./estimate.ts";
import type { NodeRoom } from "./ledger.ts";
import type { Task } from "./model.ts";
import type { Preemption } from "./preemption.ts";
import { type Freeing, type Refill, Release, type Releases } from "./releases.ts";
import type { PoolNode } from "./tree.ts";

export class ExpectedEnds {
  private readonly started: Release[] = [];
  private readonly askRunning: () => Releases;
  private running: Releases | undefined;
  private readonly preemption: Preemption;

  /** `running` is asked for only where somebody wants to know. */
  constructor(running: () => Releases, preemption: Preemption) {
    this.askRunning = running;
    this.preemption = preemption;
  }

  /** A shard has started. */
  add(release: Release): void {
    this.started.push(release);
  }

  /** The tasks of `again` fill their own places again before these free: so many shards of each. */
  releases(again: ReadonlyMap<Task, number> = new Map()): Freeing {
    this.running ??= this.askRunning();
    return this.running.freeing(this.decided(), again, this.preemption.leavers);
  }

  refills(again: ReadonlyMap<Task, number>): readonly Refill[] {
    this.running ??= this.askRunning();
    return this.running.refills(this.decided(), again, this.preemption.leavers);
  }

  /** What has started in this plan, or has a place kept. */
  private decided(): readonly Release[] {
    if (this.preemption.claimants.size === 0) return this.started;
    const decided = [...this.started];
    for (const [each, node] of this.preemption.claimants) {
      for (const [i, room] of each.claims.entries()) decided.push(keptFor(each, node, room, -1 - i));
    }
    return decided;
  }
}

/** Its shard is about to start, and is expected to end as if it had: time alone moves no place. */
function keptFor(contender: Contender, node: PoolNode, room: NodeRoom, shard: number): Release {
  const release = releaseOf(contender, node, room, shard);
  const { now } = contender.contest;
  const waitedMs = now - (contender.claimedSince ?? now);
  return release.movedTo(release.at - waitedMs > now ? release.at - waitedMs : now + Math.max(1, waitedMs));
}

export function releaseOf({ contest, task, shape }: Contender, node: PoolNode, room: NodeRoom, shard: number): Release {
  const { likelyMs, limitMs } = expectationOf(task);
  return new Release(contest.now + (limitMs ?? likelyMs), task, shard, room, node, shape.request);
}
