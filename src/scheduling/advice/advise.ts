// What would help a tree of pools: changes that somebody could make, each tried by the planner before it is told. Nothing is
// guessed. Yields between plans, so that whoever asks can rest. Each kind of advice is a file of its own.
import type { Plan, Waiting } from "../decision.ts";
import { withActive, withMemory } from "../forward.ts";
import { Holdings } from "../holdings.ts";
import { Memo } from "../memo.ts";
import type { Snapshot, Task } from "../model.ts";
import { compareText } from "../order/chain.ts";
import { inFront } from "../run-forward.ts";
import type { PoolStatistics } from "../statistics.ts";
import { addNodes } from "./add-nodes.ts";
import { moveShards } from "./move-shards.ts";
import { poolSmallerThanParallelism } from "./parallelism.ts";
import { raiseLimit } from "./raise-limit.ts";
import { type Recommendation, recommendationTypes, type Tried } from "./recommendation.ts";
import { removeNodes } from "./remove-nodes.ts";
import { Trials } from "./trials.ts";

/** What a kind of advice may look at. */
export interface Situation {
  /** Once the plan has been carried out; of long queues the front. */
  readonly snapshot: Snapshot;
  /** All tasks, and all that they have. */
  readonly whole: Snapshot;
  readonly held: Holdings;
  /** Who waits in front, in the order of the queues, and why. */
  readonly front: readonly InFront[];
  readonly trials: Trials;
  /** For all plans that are made of it. */
  readonly memo: Memo;
  /** Of the root; absent where nobody has kept any. */
  readonly statistics: PoolStatistics | undefined;
  readonly now: number;
}

export interface InFront {
  readonly task: Task;
  readonly waiting: Waiting;
}

/** Finds what it has to say, if anything. */
export type AdviceKind = (situation: Situation) => Generator<undefined, readonly Tried[]>;

/** What is tried where somebody waits long, and what else there is to say. */
const againstWaiting: readonly AdviceKind[] = [moveShards, raiseLimit, addNodes];
const anyhow: readonly AdviceKind[] = [removeNodes, poolSmallerThanParallelism];

/** So many tasks of each queue are looked at. */
const frontMax = 20;

/** The most useful first. `plan` is that of the snapshot at `now`. */
export function* advise(...asked: Parameters<typeof tryAdvice>): Generator<undefined, readonly Recommendation[]> {
  return (yield* tryAdvice(...asked)).map(({ found: _, ...words }) => words);
}

export function* tryAdvice(
  snapshot: Snapshot,
  plan: Plan,
  now: number,
  statistics?: PoolStatistics,
): Generator<undefined, readonly Tried[]> {
  if (snapshot.tasks.length === 0) return [];
  const situation = yield* look(snapshot, plan, now, statistics);
  const found: Tried[] = [];
  const kinds = situation.trials.waitsLong ? [...againstWaiting, ...anyhow] : anyhow;
  for (const kind of kinds) found.push(...(yield* kind(situation)));
  return found.sort(
    (a, b) =>
      usefulness(b) - usefulness(a) ||
      recommendationTypes.indexOf(a.type) - recommendationTypes.indexOf(b.type) ||
      compareText(a.pool, b.pool),
  );
}

function* look(
  snapshot: Snapshot,
  plan: Plan,
  now: number,
  statistics: PoolStatistics | undefined,
): Generator<undefined, Situation> {
  const whole = begun(snapshot, plan, now);
  const byKey = new Map(whole.tasks.map((task) => [task.key, task]));
  const inQueue = plan.waiting.filter(({ position }) => position !== undefined && position <= frontMax);
  const never = plan.waiting.filter(({ reason }) => reason === "NeverFits").slice(0, frontMax);
  const front = [...inQueue, ...never].flatMap((waiting): InFront[] => {
    const task = byKey.get(waiting.task);
    return task === undefined ? [] : [{ task, waiting }];
  });
  // Where nobody waits for room, what has its places or waits out a delay has more to start.
  const others = plan.waiting.filter(({ reason }) => reason === "ParallelismReached" || reason === "BackingOff");
  const keys = (front.length > 0 ? front.map(({ waiting }) => waiting) : others).map(({ task }) => task);
  const standing = inFront(whole, plan, keys);
  const memo = new Memo();
  const trials = yield* Trials.of(
    standing,
    keys.flatMap((key) => byKey.get(key) ?? []),
    now,
    memo,
  );
  return { snapshot: standing, whole, held: new Holdings(whole), front, trials, memo, statistics, now };
}

/** What the plan starts runs, and does not wait. */
function begun(snapshot: Snapshot, plan: Plan, now: number): Snapshot {
  const starts = Map.groupBy(
    plan.decisions.filter(({ kind }) => kind === "start"),
    ({ task }) => task,
  );
  const tasks = snapshot.tasks.map((task) => {
    const ofTask = starts.get(task.key);
    return ofTask === undefined ? task : withActive(task, ofTask, now);
  });
  return { ...snapshot, pools: withMemory(snapshot.pools, plan), tasks };
}

/** All the waiting that is saved; a start that would not come at all counts as a day. */
function usefulness({ found }: Tried): number {
  if (found === undefined) return 0;
  const { shards, beforeMs, afterMs, more } = found.saved;
  return shards * (beforeMs - afterMs) + more * 24 * 3_600_000;
}

/** Advises at once, for whoever has nothing else to do meanwhile. */
export function adviseNow(...asked: Parameters<typeof advise>): readonly Recommendation[] {
  const steps = advise(...asked);
  for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
}
