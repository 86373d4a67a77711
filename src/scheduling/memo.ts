// What one plan may leave for the next so that it costs less. It holds nothing that the snapshot does not say: a plan
// with a memo is the plan without one. What is the same object again need not be read again.
import { Ask, Facts } from "./facts.ts";
import type { Constraints, Task } from "./model.ts";
import type { Amounts } from "./resources.ts";

/** So many different texts are known at once; with more, all are forgotten. */
const textsMax = 20_000;
/** So many objects are known by what they say. */
const objectsMax = 100_000;

/** The facts of all tasks of a snapshot, in their order, and of those of which something depends on the moment. */
export class Reading {
  readonly all: readonly Facts[];
  readonly moving: readonly Facts[];

  constructor(all: readonly Facts[]) {
    this.all = all;
    this.moving = all.filter(({ moves }) => moves);
  }
}

export class Memo {
  /** Not by weak references: each collection would look at all of them, and of what is young there are many in a plan. */
  private readonly firsts = new Map<object, object>();
  private readonly asks = new Map<Amounts, Map<Constraints, Ask>>();
  /** The latest of each task, by UID: one that is read anew is likely to stand where it stood. */
  private latest = new Map<string, Facts>();
  /** All that were read last. */
  private before: readonly Facts[] = [];
  private readonly byText = new Map<string, object>();

  /** Of all objects that say the same the first that came: what depends on what they say is found once for all. */
  firstLike<T extends object>(value: T): T {
    const known = this.firsts.get(value);
    if (known !== undefined) return known as T;
    if (this.byText.size > textsMax) this.forget();
    if (this.firsts.size > objectsMax) this.firsts.clear();
    const text = JSON.stringify(value);
    const first = this.byText.get(text) ?? value;
    if (first === value) this.byText.set(text, value);
    this.firsts.set(value, first);
    return first as T;
  }

  read(tasks: readonly Task[]): Reading {
    // Who is gone is forgotten once more are gone than there.
    if (this.latest.size > 2 * tasks.length) this.latest = new Map();
    const before = this.before;
    // Most stand where they stood: then nothing needs to be looked up.
    let at = 0;
    const all = tasks.map((task) => {
      if (before[at]?.task !== task && before[at + 1]?.task === task) at += 1;
      const there = before[at];
      const facts = there?.task === task ? there : this.factsOf(task);
      if (there?.uid === facts.uid) at += 1;
      return facts;
    });
    this.before = all;
    return new Reading(all);
  }

  private factsOf(task: Task): Facts {
    const last = this.latest.get(task.uid);
    if (last?.task === task) return last;
    const isAskedAgain = last?.task.request === task.request && last.task.constraints === task.constraints;
    const facts = new Facts(task, isAskedAgain ? last.ask : this.askOf(task), last?.place);
    this.latest.set(task.uid, facts);
    return facts;
  }

  private askOf({ request, constraints }: Task): Ask {
    const ask = new Ask(this.firstLike(request), this.firstLike(constraints));
    let alike = this.asks.get(ask.request);
    if (alike === undefined) {
      alike = new Map();
      this.asks.set(ask.request, alike);
    }
    const first = alike.get(ask.constraints);
    if (first !== undefined) return first;
    alike.set(ask.constraints, ask);
    return ask;
  }

  private forget(): void {
    this.byText.clear();
    this.firsts.clear();
    this.asks.clear();
    this.latest = new Map();
    this.before = [];
  }
}

/** As they stood last time, newcomers last: what is nearly in order is soon put in order. */
export function asBefore<T extends { readonly facts: Facts }>(items: readonly T[]): T[] {
  const places = items.reduce((most, { facts }) => Math.max(most, facts.place + 1), 0);
  const known: (T | undefined)[] = new Array(places).fill(undefined);
  const others = items.filter((item) => {
    const { place } = item.facts;
    const isOther = place < 0 || known[place] !== undefined;
    if (!isOther) known[place] = item;
    return isOther;
  });
  return known.filter((item) => item !== undefined).concat(others);
}
