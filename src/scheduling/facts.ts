// What a task says of itself, read once for as long as it is the same object. Most tasks of a long queue only wait, and a
// plan that looked into each of them at every step would do little else. Does not know the moment.
import { expectationOf } from "./estimate.ts";
import type { Constraints, Task } from "./model.ts";
import type { Ranks } from "./order/chain.ts";
import { hasStarted, type Idle, type Queued, standingAnyTime } from "./queue.ts";
import { type Amounts, requestText } from "./resources.ts";

/** What a shard asks for and where it may run: one object for all tasks that say the same. */
export class Ask {
  readonly request: Amounts;
  readonly constraints: Constraints;
  private words: string | undefined;

  constructor(request: Amounts, constraints: Constraints) {
    this.request = request;
    this.constraints = constraints;
  }

  /** The request, as a list for a sentence. */
  get text(): string {
    this.words ??= requestText(this.request);
    return this.words;
  }
}

export interface Facts {
  readonly task: Task;
  readonly key: string;
  readonly uid: string;
  readonly pool: string;
  readonly created: number;
  readonly priority: number;
  readonly ask: Ask;
  /** Where it stands in its queue, if that is the same at any moment; `places` and all. */
  readonly standing: Queued | Idle | undefined;
  /** Something of it runs, waits for a moment, or is left out for a while. */
  readonly moves: boolean;
  readonly likelyMs: number;
  readonly waitingSince: number;
  readonly minParallelism: number;
  readonly hasStarted: boolean;
  /** Where it stood in its line when the last plan was made, which is where it is likely to stand again; -1: nowhere. */
  place: number;
  /** By what it stood there. */
  ranks: Ranks;
}

const none: Ranks = [];

export function factsOf(task: Task, ask: Ask, place = -1): Facts {
  const { key, uid, pool, created, priority, active, backingOff, blocked, excludedNodes } = task;
  return {
    task,
    key,
    uid,
    pool,
    created,
    priority,
    ask,
    standing: standingAnyTime(task),
    moves: active.length > 0 || backingOff.length > 0 || excludedNodes.length > 0 || blocked !== undefined,
    likelyMs: expectationOf(task).likelyMs,
    waitingSince: task.waitingSince ?? created,
    minParallelism: task.minParallelism ?? 1,
    hasStarted: hasStarted(task),
    place,
    ranks: none,
  };
}
