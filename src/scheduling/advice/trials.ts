// Asks the planner what a change would bring: it runs forward with the change and without it, and the waits of what starts
// are compared. Does not know any change.
import type { Memo } from "../memo.ts";
import type { Snapshot, Task } from "../model.ts";
import { decide } from "../plan.ts";
import { openShards } from "../queue.ts";
import { plansOver, runForward } from "../run-forward.ts";
import { type Found, isWorth, leastSavedMs, mayBeWorth, type Saved } from "./recommendation.ts";

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

/** What all runs have in common. */
interface Asked {
  /** Those whose shards count, and how many they have. */
  readonly tasks: ReadonlySet<string>;
  readonly open: number;
  readonly now: number;
  /** So many ends count as one moment: as many with a change as without it, or the difference would be of the counting. */
  readonly together: number;
  readonly memo: Memo;
}

const none: ReadonlySet<string> = new Set();

export class Trials {
  readonly tasks: ReadonlySet<string>;
  private readonly snapshot: Snapshot;
  private readonly asked: Asked;
  private readonly base: Course;
  private runsLeft = runsMax;

  private constructor(snapshot: Snapshot, asked: Asked, base: Course) {
    this.snapshot = snapshot;
    this.tasks = asked.tasks;
    this.asked = asked;
    this.base = base;
  }

  static *of(snapshot: Snapshot, waiting: readonly Task[], now: number, memo: Memo): Generator<undefined, Trials> {
    const tasks = new Set(waiting.map(({ key }) => key));
    const open = waiting.reduce((sum, task) => sum + openShards(task), 0);
    const running = snapshot.tasks.reduce((sum, { active }) => sum + active.length, 0);
    const together = Math.max(1, Math.ceil(running / plansOver(snapshot.tasks.length)));
    const asked = { tasks, open, now, together, memo };
    const course = yield* courseOf(snapshot, asked, open, none, () => true);
    return new Trials(snapshot, asked, course ?? { started: [], isWhole: false });
  }

  /** Else no change could save what is worth it. */
  get waitsLong(): boolean {
    const { started, isWhole } = this.base;
    return (isWhole && countOf(started) < this.asked.open) || started.some(({ waitMs }) => waitMs >= this.leastMs);
  }

  /** Of a queue that is longer than what is run forward, what is saved of its beginning is the least part. */
  private get leastMs(): number {
    return this.base.isWhole ? leastSavedMs : leastSavedMs / 6;
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
    const course = yield* this.run(changed, again, (started, waitMs) => this.maySave(started, waitMs, tasks));
    if (course === undefined || this.isWorse(course)) return undefined;
    const saved = compared(this.base, course, tasks);
    return isWorth(saved, this.leastMs) ? { before: this.snapshot, changed, tasks, again, saved } : undefined;
  }

  /** All together do not wait the longer for it. */
  *isNoWorse(changed: Snapshot): Generator<undefined, boolean> {
    const course = yield* this.run(changed, none, () => true);
    return course !== undefined && !this.isWorse(course);
  }

  private *run(
    changed: Snapshot,
    again: ReadonlySet<string>,
    goesOn: GoesOn,
  ): Generator<undefined, Course | undefined> {
    if (this.runsLeft === 0) return undefined;
    this.runsLeft -= 1;
    const wanted = this.base.isWhole ? this.asked.open : countOf(this.base.started);
    return yield* courseOf(changed, this.asked, wanted, again, goesOn);
  }

  /**
   * Whether enough would be saved even if all that is still to start did so at once. As shards are added in the order of
   * their starts, what they save less what is asked for falls first, and rises then: at one of its ends it is greatest.
   */
  private maySave(started: readonly Started[], waitMs: number, tasks: ReadonlySet<string>): boolean {
    const mayStartMore = this.base.isWhole && countOf(this.base.started) < this.asked.open;
    if (mayStartMore) return true;
    const had = startedOf(this.base, tasks);
    const has = started.filter(({ task }) => tasks.has(task));
    const [least, most] = [Math.max(1, countOf(has)), countOf(had)];
    if (least >= most) return true;
    const saves = [least, most].map((shards): Saved => {
      const [before, after] = [waitOf(had, shards), waitOf(has, shards, waitMs)];
      return { shards, beforeMs: before / shards, afterMs: after / shards, more: 0 };
    });
    return mayBeWorth(saves, this.leastMs);
  }

  private isWorse(course: Course): boolean {
    const { beforeMs, afterMs } = compared(this.base, course, this.tasks);
    const isCutOff = course.isWhole && countOf(course.started) < countOf(this.base.started);
    return isCutOff || afterMs > beforeMs;
  }
}

/** Asked after each moment, of what has started by then, after so long. */
type GoesOn = (started: readonly Started[], waitMs: number) => boolean;

/** Until so many shards have started as are `wanted`; undefined where it is given up before. */
function* courseOf(
  snapshot: Snapshot,
  { tasks, open, now, together, memo }: Asked,
  wanted: number,
  again: ReadonlySet<string>,
  goesOn: GoesOn,
): Generator<undefined, Course | undefined> {
  yield;
  const first = decide(snapshot, now, memo);
  yield;
  const run = runForward(snapshot, first, now, together, memo);
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
    if (!goesOn(started, at - now)) return undefined;
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
  return shards === 0 ? 0 : waitOf(started, shards) / shards;
}

/** Of the first so many together; of those that have not started yet, `othersMs` each. */
function waitOf(started: readonly Started[], shards: number, othersMs = 0): number {
  let left = shards;
  let sum = 0;
  for (const { count, waitMs } of started) {
    const counted = Math.min(left, count);
    sum += counted * waitMs;
    left -= counted;
  }
  return sum + left * othersMs;
}
