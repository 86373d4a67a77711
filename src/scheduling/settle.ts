// A plan is carried out in thought and made again at the same moment until nothing is left to do. One pass gives each pool
// its turn once: what starts, stops or is held for one late in it may open or close a place to one that was asked before.
// Does not know how a pass decides.
import type { Decided, Decision, Plan } from "./decision.ts";
import { type Carriable, carriedOut } from "./forward.ts";
import type { Line } from "./line.ts";
import type { Pool, QueueMemory, Snapshot } from "./model.ts";
import type { Preemption } from "./preemption.ts";
import { doubtful, suffices } from "./sparing.ts";

/** Two or three are usual. A plan that would go on after so many is a plan all the same. */
const passesMax = 16;

export interface Pass extends Carriable {
  /** After what another pass may find something to do. */
  readonly opensAfter: Opening;
  /** All that a plan says, once nothing is left to do: the words for who waits are found in the last pass alone. */
  readonly told: (decisions: readonly Decision[]) => Plan;
  readonly decided: (decisions: readonly Decision[]) => Decided;
}

/** The last pass, and what all of them have decided. */
export interface Settled {
  readonly pass: Pass;
  readonly decisions: readonly Decision[];
}

/** A start takes room, so by itself it opens no place: unless it changes who may be stopped for whom, whose turn it is, or what is lent. */
export type Opening = "Nothing" | "OtherHolds" | "AnyStart";

/** How one of several pools may bear on another's tasks that wait: by what is held or was, or by whom it may stop. */
export function opening(lines: readonly Line[], preemption: Preemption): Opening {
  const contending = lines.filter(({ contenders }) => contenders.length > 0);
  if (contending.length < 2) return "Nothing";
  const isOpen = contending.some(
    ({ contenders, isOpen }) => isOpen || (preemption.isOn && contenders.some(({ end }) => end?.kind !== "Served")),
  );
  if (!isOpen) return "Nothing";
  return preemption.isOn || contending.some(({ moves, mayTurn }) => moves || mayTurn) ? "AnyStart" : "OtherHolds";
}

export function settle(snapshot: Snapshot, now: number, passOver: (snapshot: Snapshot) => Pass): Settled {
  let { pass, decisions } = repeat(snapshot, now, passOver);
  for (const stop of doubtful({ ...pass, decisions }, snapshot)) {
    const others = decisions.filter((each) => each !== stop);
    const without = unstopped(carriedOut(snapshot, { ...pass, decisions: others }, now), [stop], others, snapshot);
    const trial = repeat(without, now, passOver);
    if (suffices({ ...trial.pass, decisions: trial.decisions }, pass)) [pass, decisions] = [trial.pass, others];
  }
  return { pass, decisions };
}

/** Until nothing is left to do. */
function repeat(snapshot: Snapshot, now: number, passOver: (snapshot: Snapshot) => Pass): Settled {
  let pass = passOver(snapshot);
  let { decisions } = pass;
  let before = snapshot;
  let takenBack: readonly Decision[] = [];
  for (let passes = 1; passes < passesMax && (takenBack.length > 0 || isOpen(pass, before, now)); passes += 1) {
    before = unstopped(carriedOut(snapshot, { ...pass, decisions }, now), takenBack, decisions, snapshot);
    pass = passOver(before);
    takenBack = startsAmong(decisions, pass.decisions);
    decisions = together(decisions, pass.decisions, takenBack);
  }
  return { pass, decisions };
}

function isOpen({ decisions, memory, opensAfter }: Pass, { pools }: Snapshot, now: number): boolean {
  if (opensAfter === "Nothing") return false;
  return (
    decisions.some(({ kind }) => kind === "stop" || opensAfter === "AnyStart") ||
    pools.some((pool) => placesIn(pool.memory, now) !== placesIn(memory?.[pool.name], now))
  );
}

/** What of a queue's memory keeps places, as text. A promise whose moment has passed is one for now. */
function placesIn({ head, holds, claims }: Partial<QueueMemory> = {}, now: number): string {
  const late = <Promised extends { readonly at: number }>(promised: Promised): Promised =>
    promised.at > now ? promised : { ...promised, at: now };
  return JSON.stringify([head && late(head), holds?.map(late), claims]);
}

/** What a later pass stops that an earlier one has started: the start alone is taken back. */
function startsAmong(before: readonly Decision[], more: readonly Decision[]): readonly Decision[] {
  const stopped = new Set(more.filter(({ kind }) => kind === "stop").map(nameOf));
  return stopped.size === 0 ? [] : before.filter((each) => each.kind === "start" && stopped.has(nameOf(each)));
}

/** What is taken back does not start at all. */
function together(
  before: readonly Decision[],
  more: readonly Decision[],
  takenBack: readonly Decision[],
): readonly Decision[] {
  if (more.length === 0) return before;
  const never = new Set(takenBack.map(nameOf));
  const all = [...before, ...more].filter((each) => !never.has(nameOf(each)));
  return [...all.filter(({ kind }) => kind === "stop"), ...all.filter(({ kind }) => kind === "start")];
}

/** Of whom starts alone were taken back, nothing has been stopped: its queue remembers of it what it did before. */
function unstopped(
  after: Snapshot,
  takenBack: readonly Decision[],
  decisions: readonly Decision[],
  { pools }: Snapshot,
): Snapshot {
  if (takenBack.length === 0) return after;
  const stopped = new Set(decisions.filter(({ kind }) => kind === "stop").map(({ task }) => task));
  const names = new Set(takenBack.map(({ task }) => task).filter((task) => !stopped.has(task)));
  const uids = new Set(after.tasks.filter(({ key }) => names.has(key)).map(({ uid }) => uid));
  const asBefore = (pool: Pool, i: number): Pool => {
    if (pool.memory?.preempted === undefined) return pool;
    const before = pools[i]?.memory?.preempted ?? {};
    const others = Object.entries(pool.memory.preempted).filter(([uid]) => !uids.has(uid) || before[uid] !== undefined);
    return { ...pool, memory: { ...pool.memory, preempted: Object.fromEntries(others) } };
  };
  return { ...after, pools: after.pools.map(asBefore) };
}

function nameOf({ task, shard }: Decision): string {
  return `${task}/${shard}`;
}
