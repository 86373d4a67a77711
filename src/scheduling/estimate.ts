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

/** What is left of a task: its open shards at their likely length, those that run less what they have had. */
export function remainingWorkMs(task: Task, waiting: number, now: number): number {
  const running = task.active.map((shard) =>
    Math.max(0, expectationOfShard(task, shard).likelyMs - (now - shard.since)),
  );
  return waiting * expectationOf(task).likelyMs + running.reduce((a, b) => a + b, 0);
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
