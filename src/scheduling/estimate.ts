// How long shards last, as far as anybody knows. Nothing is ever endless: an unknown that blocks everybody, or frees
// everybody, is worse than a wrong guess that is corrected.
import { unknownShardMs } from "./learned.ts";
import type { ActiveShard, Expectation, Task } from "./model.ts";

export function expectationOf({ expected }: Pick<Task, "expected">): Expectation {
  if (expected === undefined) return { likelyMs: unknownShardMs };
  const { likelyMs, limitMs } = expected;
  return limitMs === undefined ? expected : { likelyMs: Math.min(likelyMs, limitMs), limitMs };
}

/** Of a shard that has been started. */
export function expectationOfShard(task: Pick<Task, "expected">, { expected }: ActiveShard): Expectation {
  return expectationOf(expected === undefined ? task : { expected });
}

/**
 * How long a task will take on so many places: those that run less what they have had, then one shard after the other on
 * each. None of the three can be undercut: the last that runs, all work evenly, the place that must take one more round.
 */
export function timeLeftMs(task: Task, waiting: number, places: number, startMs: number, now: number): number {
  const left = task.active.map((shard) => {
    const { likelyMs } = expectationOfShard(task, shard);
    return Math.max(0, likelyMs + (shard.state === "Starting" ? startMs : 0) - (now - shard.since));
  });
  const shardMs = startMs + expectationOf(task).likelyMs;
  const sum = left.reduce((a, b) => a + b, waiting * shardMs);
  const longest = left.reduce((a, b) => Math.max(a, b), 0);
  const shortest = left.length < places ? 0 : left.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const rounds = Math.ceil(waiting / places) * shardMs;
  return Math.max(longest, sum / places, rounds === 0 ? 0 : shortest + rounds);
}

/**
 * When a running shard's place is expected to be free: at its limit; without one at its likely end, and past that at
 * twice what it has had. One that stops is on its way out.
 */
export function expectedEnd(task: Task, shard: ActiveShard, now: number): number {
  const { state, since, deadline } = shard;
  if (state === "Stopping") return now;
  const { likelyMs, limitMs } = expectationOfShard(task, shard);
  const limit = Math.min(deadline ?? Number.POSITIVE_INFINITY, since + (limitMs ?? Number.POSITIVE_INFINITY));
  if (Number.isFinite(limit)) return Math.max(limit, now);
  return since + likelyMs > now ? since + likelyMs : now + Math.max(1, now - since);
}
