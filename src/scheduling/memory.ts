// What a pool's queue remembers from plan to plan: turns, decayed use, the head. Does not know who reads it.
import type { Contender, Contest } from "./contender.ts";
import type { Stop } from "./decision.ts";
import { expectationOf, expectationOfShard } from "./estimate.ts";
import { rememberedKinds } from "./kinds.ts";
import type { Line } from "./line.ts";
import type { Claim, Pool, QueueMemory, Task } from "./model.ts";
import { compareText } from "./order/chain.ts";
import { orders } from "./order/index.ts";
import { type Amounts, dominantShare, plus, times } from "./resources.ts";

/** After this long, use counts half. */
export const useHalfLifeMs = 86_400_000;
/** More namespaces are not remembered; those with the least use are forgotten first. */
const namespacesMax = 256;

/** By key where the pool's order remembers something, since sums of fractions depend on the order; else as they came. */
export function inOrderToRemember(pool: Pool, tasks: readonly Task[]): readonly Task[] {
  const remembersAny = remembers(pool, "turns") || remembers(pool, "use");
  return remembersAny ? [...tasks].sort((a, b) => compareText(a.key, b.key)) : tasks;
}

/** The contest of one plan, from what the last one left. */
export function openContest(pool: Pool, capacity: Amounts, now: number): Contest {
  const used = usedUntil(pool.memory, now);
  const memory = { turn: pool.memory?.turn ?? 0, turns: new Map(Object.entries(pool.memory?.turns ?? {})) };
  const agedFrom = pool.maxWaitMs === undefined ? Number.NEGATIVE_INFINITY : now - pool.maxWaitMs;
  const head = pool.memory?.head?.task;
  return { now, pool, capacity, agedFrom, head, changes: 0, ...memory, used: new Map(Object.entries(used)) };
}

/** Counts what runs of the pool's own tasks; they come in order to remember. */
export function countRunning(contest: Contest, tasks: readonly Task[]): void {
  const { now, pool } = contest;
  for (const task of remembers(pool, "use") ? tasks : []) {
    // What runs counts to its likely end, or a namespace could start all it has before its use begins to show.
    // In one order, since sums of fractions depend on it.
    for (const shard of [...task.active].sort((a, b) => a.shard - b.shard || a.attempt - b.attempt)) {
      const { likelyMs } = expectationOfShard(task, shard);
      addUse(contest, task, shard.request, Math.max(0, likelyMs - Math.max(0, now - shard.since)));
    }
  }
}

/** So many more shards of the task have started in this plan. */
export function countStarts(contest: Contest, task: Task, count: number): void {
  contest.changes += 1;
  contest.turn += count;
  contest.turns.set(task.uid, contest.turn);
  if (remembers(contest.pool, "use")) addUse(contest, task, task.request, count * expectationOf(task).likelyMs);
}

/** So many places are kept for shards of the task since an earlier plan, whose turns were counted then. */
export function countKept(contest: Contest, task: Task, count: number): void {
  contest.changes += 1;
  if (remembers(contest.pool, "use")) addUse(contest, task, task.request, count * expectationOf(task).likelyMs);
}

/** Whether the pool's order needs this from plan to plan; else it is not worth the time that it takes. */
function remembers({ order }: Pool, what: "turns" | "use"): boolean {
  return order.some((name) => orders[name].remembers === what);
}

/** What the next plan needs, by pool; undefined where no pool needs anything. */
export function memoryOf(
  lines: readonly Line[],
  stops: readonly Stop[],
): Readonly<Record<string, QueueMemory>> | undefined {
  const remembered = lines.flatMap((line) => {
    const { node, hold } = line;
    const lasting = { claims: claimsOf(line), preempted: preemptedIn(line, stops), byAge: byAgeIn(line) };
    const isAny = Object.values(lasting).some((each) => each !== undefined);
    const remembersAny = line.remembers || line.learns || hold !== undefined || node.pool.memory !== undefined;
    return isAny || remembersAny ? [[node.pool.name, closeContest(line, lasting)] as const] : [];
  });
  return remembered.length === 0 ? undefined : Object.fromEntries(remembered);
}

/** By UID, why shards of its tasks were stopped for somebody else: in this plan, or before and none has started since. */
export function preemptedIn(
  { node: { pool }, tasks, contenders }: Line,
  stops: readonly Stop[],
): QueueMemory["preempted"] | undefined {
  const before = pool.memory?.preempted;
  if (stops.length === 0 && before === undefined) return undefined;
  const why = new Map(stops.map(({ task, why }) => [task, why]));
  const started = new Set(contenders.filter(({ starts }) => starts.length > 0).map(({ task }) => task));
  const found: (readonly [string, "Preempted" | "Reclaimed"])[] = [];
  for (const task of tasks) {
    const now = why.get(task.key);
    const last = now === "Preempted" || now === "Reclaimed" ? now : started.has(task) ? undefined : before?.[task.uid];
    if (last !== undefined) found.push([task.uid, last]);
  }
  return found.length === 0 ? undefined : Object.fromEntries(found.sort(([a], [b]) => compareText(a, b)));
}

/** What lasts where it is there at all. */
type Lasting = { readonly [Name in "claims" | "preempted" | "byAge"]: QueueMemory[Name] | undefined };

function claimsOf({ contenders }: Line): QueueMemory["claims"] | undefined {
  const claiming = contenders.filter(({ claims }) => claims.length > 0);
  if (claiming.length === 0) return undefined;
  return claiming.map(({ task, claims, claimedSince, contest: { now } }): Claim => {
    return { task: task.uid, nodes: claims.map(({ node }) => node.name), since: claimedSince ?? now };
  });
}

function slotsOf({ slots }: Line): Pick<QueueMemory, "holds" | "free"> {
  if (slots === undefined) return {};
  const holds = slots.holds.map(({ contender: { task }, at, placed }) => {
    return { task: task.uid, at, nodes: placed.map(({ node }) => node.name) };
  });
  return { holds, free: slots.free };
}

/** Of what runs or starts now, the shards that started because their task had waited long. */
function byAgeIn({ node: { pool }, tasks, contenders }: Line): QueueMemory["byAge"] | undefined {
  const before = new Set(pool.memory?.byAge);
  const found: string[] = [];
  for (const { uid, active } of before.size === 0 ? [] : tasks) {
    for (const { shard } of active) if (before.has(`${uid}/${shard}`)) found.push(`${uid}/${shard}`);
  }
  for (const { task, startedByAge } of contenders.filter((each) => each.startedByAge.length > 0)) {
    for (const shard of startedByAge) found.push(`${task.uid}/${shard}`);
  }
  return found.length === 0 ? undefined : found.sort(compareText);
}

function closeContest(line: Line, { claims, preempted, byAge }: Lasting): QueueMemory {
  const { contest, tasks, contenders, hold } = line;
  const { now, pool, turn } = contest;
  const turns: Record<string, number> = {};
  for (const { uid } of remembers(pool, "turns") ? tasks : []) {
    const latest = contest.turns.get(uid);
    if (latest !== undefined) turns[uid] = latest;
  }
  const holding = remembers(pool, "use") ? holdingOf(contest, tasks, contenders) : {};
  const used = Object.entries(usedUntil(pool.memory, now)).sort(([a, x], [b, y]) => y - x || compareText(a, b));
  const remembered = Object.fromEntries(used.slice(0, namespacesMax));
  const head = hold && { task: hold.contender.task.uid, at: hold.at };
  return {
    turn,
    turns,
    used: remembered,
    holding,
    usedAt: now,
    ...(head && { head }),
    ...slotsOf(line),
    ...(claims && { claims }),
    ...(preempted && { preempted }),
    ...(line.learns && { kinds: rememberedKinds(pool, tasks, contenders) }),
    ...(byAge && { byAge }),
  };
}

/** What each namespace holds after this plan, as a dominant share. */
function holdingOf(
  { capacity }: Contest,
  tasks: readonly Task[],
  contenders: readonly Contender[],
): Record<string, number> {
  const starts = new Map(contenders.map((contender) => [contender.task, contender.starts.length]));
  const held: Record<string, Amounts> = {};
  for (const task of tasks) {
    const started = times(task.request, starts.get(task) ?? 0);
    const all = task.active.map(({ request }) => request).reduce(plus, started);
    held[task.namespace] = plus(held[task.namespace] ?? {}, all);
  }
  const shares = Object.entries(held).map(
    ([namespace, amounts]) => [namespace, dominantShare(amounts, capacity)] as const,
  );
  return Object.fromEntries(shares.filter(([, share]) => share > 0 && Number.isFinite(share)));
}

/** Exact between plans: what was held has been held all the time since, and fades while it accrues. */
function usedUntil(memory: QueueMemory | undefined, now: number): Record<string, number> {
  if (memory === undefined) return {};
  const elapsedMs = Math.max(0, now - memory.usedAt);
  const kept = 0.5 ** (elapsedMs / useHalfLifeMs);
  const accruedMs = ((1 - kept) * useHalfLifeMs) / Math.LN2;
  const used: Record<string, number> = {};
  for (const namespace of new Set([...Object.keys(memory.used), ...Object.keys(memory.holding)])) {
    used[namespace] = (memory.used[namespace] ?? 0) * kept + (memory.holding[namespace] ?? 0) * accruedMs;
  }
  return used;
}

function addUse({ used, capacity }: Contest, { namespace }: Task, request: Amounts, forMs: number): void {
  const share = dominantShare(request, capacity);
  if (Number.isFinite(share)) used.set(namespace, (used.get(namespace) ?? 0) + share * forMs);
}
