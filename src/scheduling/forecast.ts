// A plan run forward: when tasks that wait are expected to start and to end, and which small change would start them now.
// The planner itself decides each step; nothing is guessed. Yields between plans, so that whoever asks can rest.
import type { Decision, Plan } from "./decision.ts";
import { expectationOf, expectedEnd } from "./estimate.ts";
import { withActive, withMemory, withoutActive } from "./forward.ts";
import { Memo } from "./memo.ts";
import type { ActiveShard, Snapshot, Task } from "./model.ts";
import { compareText } from "./order/chain.ts";
import { planPool } from "./plan.ts";
import { earliest } from "./stops.ts";
import { type Change, Changes, changeText, withChange } from "./what-if.ts";

export interface TaskForecast {
  /** When the first of its shards that wait now is expected to start; absent: not within what was looked at. */
  readonly expectedStart?: number;
  /** When all of it is expected to have ended. */
  readonly estimatedCompletion?: number;
  /** Each of these alone would start something of it now. */
  readonly wouldStartIf: readonly WouldStart[];
}

export interface WouldStart {
  readonly change: Change;
  readonly message: string;
}

/** So many tasks in front of each pool's queue are run forward; behind them, only what runs counts. */
const queueDepth = 20;
/** What all plans of one forecast may cost together, counted in tasks that they look at. */
const runWork = 16_000;
const changeWork = 20_000;
const changesPerTask = 3;

/** For the tasks of these keys that wait, by key. `plan` is that of the snapshot at `now`, made with `memo`. */
export function* forecast(
  snapshot: Snapshot,
  plan: Plan,
  keys: readonly string[],
  now: number,
  memo: Memo = new Memo(),
): Generator<undefined, ReadonlyMap<string, TaskForecast>> {
  const waiting = new Set(plan.waiting.map(({ task }) => task));
  const told = keys.filter((key) => waiting.has(key));
  if (told.length === 0) return new Map();
  const moments = yield* runForward(inFront(snapshot, plan, told), plan, told, now);
  const changes = yield* whatStarts(snapshot, plan, told, now, memo);
  return new Map(told.map((key) => [key, { ...moments.get(key), wouldStartIf: changes.get(key) ?? [] }] as const));
}

/** Forecasts at once, for whoever has nothing else to do meanwhile. */
export function forecastNow(...asked: Parameters<typeof forecast>): ReadonlyMap<string, TaskForecast> {
  const steps = forecast(...asked);
  for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
}

// ---- forward in time

interface Moments {
  readonly expectedStart?: number;
  readonly estimatedCompletion?: number;
}

/** A short queue as it is; of a long one the front, and what runs: behind the front, tasks only keep their places. */
function inFront(snapshot: Snapshot, plan: Plan, told: readonly string[]): Snapshot {
  const kept = new Set(told);
  for (const { task, position } of plan.waiting) if (position !== undefined && position <= queueDepth) kept.add(task);
  for (const { task, kind } of plan.decisions) if (kind === "start") kept.add(task);
  const tasks = snapshot.tasks.flatMap((task): Task[] => {
    if (kept.has(task.key)) return [task];
    return task.active.length === 0 ? [] : [{ ...task, waiting: [], backingOff: [] }];
  });
  return { ...snapshot, tasks };
}

/**
 * Each end is a moment at which the planner is asked again. Where there are more ends than plans that may be made, the
 * next ones count as one moment, the last of theirs: starts are then told rather late than early.
 */
function* runForward(
  { nodes, ...from }: Snapshot,
  first: Plan,
  told: readonly string[],
  start: number,
): Generator<undefined, ReadonlyMap<string, Moments>> {
  let { pools } = from;
  const live = new Map(from.tasks.map((task) => [task.key, task]));
  const startedAt = new Map<string, number>();
  const endedAt = new Map<string, number>();
  const memo = new Memo();
  let plan = first;
  let now = start;
  for (let plansLeft = Math.max(8, Math.floor(runWork / Math.max(100, live.size))); plansLeft > 0; plansLeft -= 1) {
    for (const [key, starts] of Map.groupBy(plan.decisions.filter(isStart), ({ task }) => task)) {
      const task = live.get(key);
      if (task === undefined) continue;
      live.set(key, withActive(task, starts, now));
      // What starts at once does not wait.
      if (plan !== first && !startedAt.has(key)) startedAt.set(key, now);
    }
    pools = withMemory(pools, plan);
    if (told.every((key) => endedAt.has(key))) break;
    const ends = endsOf(live.values(), now);
    const together = Math.max(1, Math.ceil(ends.length / plansLeft));
    const next = earliest(ends[together - 1]?.at, plan.wakeAt);
    if (next === undefined) break;
    now = next;
    const past = ends.filter(({ at }) => at <= now);
    for (const [key, ofTask] of Map.groupBy(past, (end) => end.key)) {
      const task = live.get(key);
      if (task === undefined) continue;
      const shards = ofTask.map(({ shard }) => shard.shard);
      const after = withoutActive(task, shards);
      live.set(key, after);
      if (after.active.length + after.waiting.length + after.backingOff.length === 0) {
        live.delete(key);
        endedAt.set(key, ofTask.at(-1)?.at ?? now);
      }
    }
    yield;
    plan = planPool({ pools, nodes, tasks: [...live.values()] }, now, memo);
  }
  return new Map(
    told.map((key) => {
      const [expectedStart, estimatedCompletion] = [startedAt.get(key), endedAt.get(key)];
      const moments = {
        ...(expectedStart !== undefined && { expectedStart }),
        ...(estimatedCompletion !== undefined && { estimatedCompletion }),
      };
      return [key, moments] as const;
    }),
  );
}

function isStart({ kind }: Decision): boolean {
  return kind === "start";
}

interface End {
  readonly key: string;
  readonly shard: ActiveShard;
  readonly at: number;
}

/** In time. What runs ends when it is likely to; what has run longer, when its place is expected back. */
function endsOf(tasks: Iterable<Task>, now: number): readonly End[] {
  const ends: End[] = [];
  for (const task of tasks) {
    const { likelyMs } = expectationOf(task);
    for (const shard of task.active) {
      const likely = shard.since + likelyMs;
      const at = shard.state === "Running" && likely > now ? likely : Math.max(expectedEnd(task, shard, now), now + 1);
      ends.push({ key: task.key, shard, at });
    }
  }
  return ends.sort((a, b) => a.at - b.at || compareText(a.key, b.key) || a.shard.shard - b.shard.shard);
}

// ---- under a change

/** Asks the planner about one change after the other, and keeps for each task those that start something of it. */
function* whatStarts(
  snapshot: Snapshot,
  { decisions }: Plan,
  told: readonly string[],
  now: number,
  memo: Memo,
): Generator<undefined, ReadonlyMap<string, readonly WouldStart[]>> {
  const starting = new Set(decisions.flatMap(({ kind, task }) => (kind === "start" ? [task] : [])));
  const byKey = new Map(snapshot.tasks.map((task) => [task.key, task]));
  const found = new Map<string, WouldStart[]>();
  const asked = new Set<string>();
  yield;
  const changes = new Changes(snapshot, now);
  let plansLeft = Math.max(2, Math.floor(changeWork / Math.max(100, snapshot.tasks.length)));
  for (const key of told) {
    const task = byKey.get(key);
    if (task === undefined || starting.has(key)) continue;
    for (const change of plansLeft === 0 ? [] : changes.for(task)) {
      const id = changeText(change, { ...task, namespace: "" }) + (change.kind === "ShardEnds" ? change.task.key : "");
      if (asked.has(id) || plansLeft === 0) continue;
      yield;
      asked.add(id);
      plansLeft -= 1;
      const plan = planPool(withChange(snapshot, change), now, memo);
      for (const { kind, task: started } of plan.decisions) {
        const reader = byKey.get(started);
        const known = found.get(started) ?? [];
        if (kind !== "start" || reader === undefined || known.length === changesPerTask) continue;
        if (known.some((each) => each.change === change)) continue;
        found.set(started, [...known, { change, message: changeText(change, reader) }]);
      }
    }
  }
  for (const key of starting) found.delete(key);
  return found;
}
