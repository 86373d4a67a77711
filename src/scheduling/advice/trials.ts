// Asks the planner what a change would bring: it runs forward with the change and without it, and the waits of what starts
// are compared. Does not know any change.
import type { Snapshot, Task } from "../model.ts";
import { planPool } from "../plan.ts";
import { openShards } from "../queue.ts";
import { runForward } from "../run-forward.ts";
import { type Found, isWorth, leastSavedMs, type Saved } from "./recommendation.ts";

/** So many changes are run forward at most, for all advice together. */
const runsMax = 12;

interface Started {
  readonly task: string;
  readonly count: number;
  readonly waitMs: number;
}

/** What starts, in time. */
interface Course {
  readonly started: readonly Started[];
  /** Nothing of these tasks would start after that. */
  readonly isWhole: boolean;
}

const none: ReadonlySet<string> = new Set();

export class Trials {
  /** Those whose shards count. */
  readonly tasks: ReadonlySet<string>;
  private readonly snapshot: Snapshot;
  private readonly open: number;
  private readonly now: number;
  private readonly base: Course;
  private runsLeft = runsMax;

  private constructor(snapshot: Snapshot, tasks: ReadonlySet<string>, open: number, now: number, base: Course) {
    this.snapshot = snapshot;
    this.tasks = tasks;
    this.open = open;
    this.now = now;
    this.base = base;
  }

  static *of(snapshot: Snapshot, waiting: readonly Task[], now: number): Generator<undefined, Trials> {
    const tasks = new Set(waiting.map(({ key }) => key));
    const open = waiting.reduce((sum, task) => sum + openShards(task), 0);
    const base = yield* courseOf(snapshot, tasks, open, open, now, none);
    return new Trials(snapshot, tasks, open, now, base);
  }

  /** Else no change could save what is worth it. */
  get waitsLong(): boolean {
    const { started, isWhole } = this.base;
    return (isWhole && countOf(started) < this.open) || started.some(({ waitMs }) => waitMs >= leastSavedMs);
  }

  /**
   * What is saved of the waits of `tasks`; undefined where that is not worth it, or all together wait the longer for it.
   * Shards that start `again`, as `task/shard`, do not count.
   */
  *savedBy(
    changed: Snapshot,
    tasks: ReadonlySet<string> = this.tasks,
    again: ReadonlySet<string> = none,
  ): Generator<undefined, Found | undefined> {
    const course = yield* this.run(changed, again);
    if (course === undefined || this.isWorse(course)) return undefined;
    const saved = compared(this.base, course, tasks);
    return isWorth(saved) ? { before: this.snapshot, changed, tasks, again, saved } : undefined;
  }

  /** All together do not wait the longer for it. */
  *isNoWorse(changed: Snapshot): Generator<undefined, boolean> {
    const course = yield* this.run(changed, none);
    return course !== undefined && !this.isWorse(course);
  }

  private *run(changed: Snapshot, again: ReadonlySet<string>): Generator<undefined, Course | undefined> {
    if (this.runsLeft === 0) return undefined;
    this.runsLeft -= 1;
    const wanted = this.base.isWhole ? this.open : countOf(this.base.started);
    return yield* courseOf(changed, this.tasks, wanted, this.open, this.now, again);
  }

  private isWorse(course: Course): boolean {
    const { beforeMs, afterMs } = compared(this.base, course, this.tasks);
    const isCutOff = course.isWhole && countOf(course.started) < countOf(this.base.started);
    return isCutOff || afterMs > beforeMs;
  }
}

/** Until so many of the tasks' shards have started as are `wanted`; `open` is all that there are. */
function* courseOf(
  snapshot: Snapshot,
  tasks: ReadonlySet<string>,
  wanted: number,
  open: number,
  now: number,
  again: ReadonlySet<string>,
): Generator<undefined, Course> {
  yield;
  const run = runForward(snapshot, planPool(snapshot, now), now);
  const started: Started[] = [];
  let total = 0;
  for (;;) {
    const step = run.next();
    if (step.done) return { started, isWhole: step.value };
    const { at, starts } = step.value;
    const counted = starts.filter(({ task, shard }) => tasks.has(task) && !again.has(`${task}/${shard}`));
    for (const [task, ofTask] of Map.groupBy(counted, (each) => each.task)) {
      started.push({ task, count: ofTask.length, waitMs: at - now });
    }
    total += counted.length;
    if (total >= wanted) return { started, isWhole: total >= open };
    yield;
  }
}

/** By the first shards of the tasks that start, as many in both: whichever they are, since places go to who comes next. */
function compared(before: Course, after: Course, tasks: ReadonlySet<string>): Saved {
  const [had, has] = [startedOf(before, tasks), startedOf(after, tasks)];
  const shards = Math.min(countOf(had), countOf(has));
  return {
    shards,
    beforeMs: meanWait(had, shards),
    afterMs: meanWait(has, shards),
    more: before.isWhole ? Math.max(0, countOf(has) - countOf(had)) : 0,
  };
}

function startedOf({ started }: Course, tasks: ReadonlySet<string>): readonly Started[] {
  return started.filter(({ task }) => tasks.has(task));
}

function countOf(started: readonly Started[]): number {
  return started.reduce((sum, { count }) => sum + count, 0);
}

function meanWait(started: readonly Started[], shards: number): number {
  let left = shards;
  let sum = 0;
  for (const { count, waitMs } of started) {
    const counted = Math.min(left, count);
    sum += counted * waitMs;
    left -= counted;
  }
  return shards === 0 ? 0 : sum / shards;
}
