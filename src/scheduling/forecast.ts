// A plan run forward: when tasks that wait are expected to start and to end, and which small change would start them now.
// The planner itself decides each step; nothing is guessed. Yields between plans, so that whoever asks can rest.
import type { Plan } from "./decision.ts";
import { Memo } from "./memo.ts";
import type { Snapshot } from "./model.ts";
import { decide } from "./plan.ts";
import { inFront, runForward } from "./run-forward.ts";
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

/** What all plans under a change may cost together, counted in tasks that they look at. */
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
  const found = yield* moments(snapshot, plan, told, now);
  const changes = yield* whatStarts(snapshot, plan, told, now, memo);
  return new Map(told.map((key) => [key, { ...found.get(key), wouldStartIf: changes.get(key) ?? [] }] as const));
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

function* moments(
  snapshot: Snapshot,
  plan: Plan,
  told: readonly string[],
  now: number,
): Generator<undefined, ReadonlyMap<string, Moments>> {
  const startedAt = new Map<string, number>();
  const endedAt = new Map<string, number>();
  for (const { at, starts, ended } of runForward(inFront(snapshot, plan, told), plan, now)) {
    // What starts at once does not wait.
    if (at > now) for (const { task } of starts) if (!startedAt.has(task)) startedAt.set(task, at);
    for (const [key, end] of ended) endedAt.set(key, end);
    if (told.every((key) => endedAt.has(key))) break;
    yield;
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
      const changed = decide(withChange(snapshot, change), now, memo);
      for (const { kind, task: started } of changed.decisions) {
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
