// How long shards last, as far as anybody knows. Nothing is ever endless: an unknown that blocks everybody, or frees
// everybody, is worse than a wrong guess that is corrected.
import { unknownShardMs } from "./learned.ts";
import type { ActiveShard, Expectation, Task } from "./model.ts";

export function expectationOf({ expected }: Task): Expectation {
  if (expected === undefined) return { likelyMs: unknownShardMs };
  const { likelyMs, limitMs } = expected;
  return limitMs === undefined ? expected : { likelyMs: Math.min(likelyMs, limitMs), limitMs };
}

/** What is left of a task: its open shards at their likely length, those that run less what they have had. */
export function remainingWorkMs(task: Task, waiting: number, now: number): number {
  const { likelyMs } = expectationOf(task);
  const running = task.active.map(({ since }) => Math.max(0, likelyMs - (now - since)));
  return waiting * likelyMs + running.reduce((a, b) => a + b, 0);
}

/**
 * When a running shard's place is expected to be free: at its limit; without one at its likely end, and past that at
 * twice what it has had. One that stops is on its way out.
 */
export function expectedEnd(task: Task, { state, since, deadline }: ActiveShard, now: number): number {
  if (state === "Stopping") return now;
  const { likelyMs, limitMs } = expectationOf(task);
  const limit = Math.min(deadline ?? Number.POSITIVE_INFINITY, since + (limitMs ?? Number.POSITIVE_INFINITY));
  if (Number.isFinite(limit)) return Math.max(limit, now);
  return since + likelyMs > now ? since + likelyMs : now + Math.max(1, now - since);
}
