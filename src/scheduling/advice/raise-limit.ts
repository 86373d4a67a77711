// RaiseLimit: a pool's tasks wait under its limit while nodes stand free; the limit that lets them have what is free.
import type { Pool, Snapshot } from "../model.ts";
import { compareText } from "../order/chain.ts";
import { decide } from "../plan.ts";
import { type Amounts, amountOfText, amountText, plus, requestText } from "../resources.ts";
import type { AdviceKind, Situation } from "./advise.ts";
import { savedText, type Tried } from "./recommendation.ts";

const poolsMax = 3;
const gi = 2 ** 30;

export const raiseLimit: AdviceKind = function* (situation) {
  const { held, front, trials, memo, now } = situation;
  const all: Tried[] = [];
  for (const pool of limitedPools(situation)) {
    const below = front.filter(({ task }) => held.lineageOf(task.pool).includes(pool)).map(({ task }) => task);
    const tasks = new Set(below.map(({ key }) => key));
    yield;
    const { decisions } = decide(withLimit(situation, pool, undefined), now, memo);
    // What starts at the expense of others stands free for nobody.
    if (decisions.some(({ kind }) => kind === "stop")) continue;
    const starting = decisions.flatMap(({ task }) => below.find(({ key }) => key === task) ?? []);
    if (starting.length === 0) continue;
    const holds = starting.reduce((sum, { request }) => plus(sum, request), held.inPool(pool));
    const limit = Object.fromEntries(
      Object.entries(pool.limit ?? {}).map(([name, amount]) => [
        name,
        Math.max(amount, roundedUp(name, holds[name] ?? 0)),
      ]),
    );
    const changed = withLimit(situation, pool, limit);
    const found = yield* trials.savedBy(changed, tasks);
    if (found === undefined) continue;
    all.push({
      type: "RaiseLimit",
      pool: pool.name,
      reason: `${countText(below.length)} under the limit of ${pool.name}, ${requestText(pool.limit ?? {})}, while nodes stand free`,
      gain: savedText(found.saved),
      cost: `a limit of ${raisedText(pool.limit ?? {}, limit)}: what ${pool.name} holds of it, others wait for until its shards end`,
      found,
    });
  }
  return all;
};

/** Those under whose limit somebody in front waits, or never could start. */
function limitedPools({ front, held }: Situation): readonly Pool[] {
  const pools = new Set<Pool>();
  for (const { task, waiting } of front) {
    if (waiting.reason !== "LimitReached" && waiting.reason !== "NeverFits") continue;
    for (const pool of held.lineageOf(task.pool)) if (pool.limit !== undefined) pools.add(pool);
  }
  return [...pools].sort((a, b) => compareText(a.name, b.name)).slice(0, poolsMax);
}

function withLimit({ snapshot }: Situation, pool: Pool, limit: Amounts | undefined): Snapshot {
  const { limit: _, ...unlimited } = pool;
  const changed = limit === undefined ? unlimited : { ...pool, limit };
  return { ...snapshot, pools: snapshot.pools.map((each) => (each === pool ? changed : each)) };
}

/** As somebody would write it. */
function roundedUp(resource: string, amount: number): number {
  const unit = resource === "cpu" ? 1000 : amount >= gi ? gi : 1;
  return Math.ceil(amount / unit) * unit;
}

function raisedText(before: Amounts, after: Amounts): string {
  const raised = Object.keys(after).filter((name) => after[name] !== before[name]);
  return raised
    .sort()
    .map((name) => `${amountText(name, before[name] ?? 0)} -> ${amountOfText(name, after[name] ?? 0)}`)
    .join(" and ");
}

function countText(tasks: number): string {
  return tasks === 1 ? "1 task waits" : `${tasks} tasks wait`;
}
