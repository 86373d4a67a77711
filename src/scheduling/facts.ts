// What a task says of itself, read once for as long as it is the same object. Most tasks of a long queue only wait, and a
// plan that looked into each of them at every step would do little else. Does not know the moment.
import { expectationOf } from "./estimate.ts";
import type { Constraints, Task } from "./model.ts";
import type { Ranks } from "./order/chain.ts";
import { hasStarted, type Idle, type Queued, standingAnyTime } from "./queue.ts";
import { type Amounts, requestText } from "./resources.ts";

const none: Ranks = [];

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

/** A class, as all of which there are many: `NodeRoom` says why. */
export class Facts {
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
  ranks: Ranks = none;

  constructor(task: Task, ask: Ask, place = -1) {
    const { active, backingOff, blocked, excludedNodes } = task;
    this.task = task;
    this.key = task.key;
    this.uid = task.uid;
    this.pool = task.pool;
    this.created = task.created;
    this.priority = task.priority;
    this.ask = ask;
    this.standing = standingAnyTime(task);
    this.moves = active.length > 0 || backingOff.length > 0 || excludedNodes.length > 0 || blocked !== undefined;
    this.likelyMs = expectationOf(task).likelyMs;
    this.waitingSince = task.waitingSince ?? task.created;
    this.minParallelism = task.minParallelism ?? 1;
    this.hasStarted = hasStarted(task);
    this.place = place;
  }
}
