// What would help a pool, as its status tells it. To find that takes many plans, so they are made one after the other
// between the turns of the loop, seldom; and nothing is told that has not held for a while.
import type { Clock } from "@dsl/kube-operator";
import { advise, type Plan, type PoolStatistics, type Recommendation } from "../scheduling/index.ts";
import type { Observed } from "./observe.ts";
import { unhurried } from "./unhurried.ts";

export interface Advice {
  /** Of all pools of the tree, the most useful first. Absent: nothing is known yet; what stands in the statuses stays. */
  readonly told?: readonly Recommendation[];
  /** When the next look may be taken that is wanted now. */
  readonly wakeAt?: number;
  readonly errors: readonly unknown[];
}

/** A queue comes and goes: what would have helped for so long is worth a thought. */
const everyMs = 150_000;
/** Whoever has changed a limit or added a node does not read for minutes that he should. */
const newsEveryMs = 10_000;

export class Adviser {
  readonly #clock: Clock;
  readonly #ready: () => void;
  #told: readonly Recommendation[] | undefined;
  /** Of what the latest look found, as `pool type`, since when each look has; what an operator before this one has told, too. */
  #since: ReadonlyMap<string, number> | undefined;
  #isToldAll = true;
  #errors: readonly unknown[] = [];
  #isWorking = false;
  #begunAt = Number.NEGATIVE_INFINITY;
  /** Of what the latest look was taken. */
  #scene = "";

  /** `ready` is called when there is something new to tell, or to look at again. */
  constructor(clock: Clock, ready: () => void) {
    this.#clock = clock;
    this.#ready = ready;
  }

  /** What is known now. Where that is old, or nodes or pools have changed, a new look is taken. */
  of(observed: Observed, plan: Plan, statistics: ReadonlyMap<string, PoolStatistics>, now: number): Advice {
    const scene = sceneOf(observed);
    const isNews = scene !== this.#scene;
    const dueAt = this.#begunAt + (isNews ? newsEveryMs : everyMs);
    const isDue = now >= dueAt;
    if (isDue && !this.#isWorking) {
      this.#scene = scene;
      this.#since ??= storedIn(observed);
      void this.#look(observed, plan, statistics.get(observed.root), now);
    }
    const errors = this.#errors;
    this.#errors = [];
    const isWanted = !isDue && !this.#isWorking && (isNews || !this.#isToldAll);
    return { ...(this.#told && { told: this.#told }), errors, ...(isWanted && { wakeAt: dueAt }) };
  }

  async #look({ snapshot }: Observed, plan: Plan, statistics: PoolStatistics | undefined, now: number): Promise<void> {
    this.#isWorking = true;
    this.#begunAt = now;
    const before = this.#since ?? new Map<string, number>();
    try {
      const found = await unhurried(this.#clock, advise(snapshot, plan, now, statistics));
      const since = new Map(found.map((each) => [idOf(each), before.get(idOf(each)) ?? now]));
      this.#since = since;
      const held = found.filter((each) => now - (since.get(idOf(each)) ?? now) >= everyMs);
      this.#told = held;
      this.#isToldAll = this.#told.length === found.length;
    } catch (error) {
      this.#errors = [error];
    }
    this.#isWorking = false;
    // A quiet pool is not woken to read that there is nothing.
    if (before.size > 0 || !this.#isToldAll || this.#errors.length > 0) this.#ready();
  }
}

function idOf({ pool, type }: { readonly pool: string; readonly type: string }): string {
  return `${pool} ${type}`;
}

function storedIn({ pools }: Observed): ReadonlyMap<string, number> {
  const stored = [...pools].flatMap(([pool, { object }]) =>
    (object.status?.recommendations ?? []).map(({ type }) => [idOf({ pool, type }), Number.NEGATIVE_INFINITY] as const),
  );
  return new Map(stored);
}

/** What somebody changes who follows advice. */
function sceneOf({ pools, pool }: Observed): string {
  const generations = [...pools.values()].map(({ object: { metadata } }) => `${metadata.uid}/${metadata.generation}`);
  const open = (pool?.nodes ?? []).filter(({ ready, cordoned }) => ready && !cordoned);
  return [...generations, open.length].join(" ");
}
