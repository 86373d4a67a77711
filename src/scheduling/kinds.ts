// The kinds of shards that a tree of pools usually has: what they ask for, under which constraints, and how often they come.
// Learned from what waits and from what has started, which the queues remember. Does not know nodes.
import type { Contender } from "./contender.ts";
import type { Constraints, Pool, Snapshot, Task } from "./model.ts";
import { compareText } from "./order/chain.ts";
import type { Amounts } from "./resources.ts";

export interface Kind {
  readonly request: Amounts;
  readonly constraints: Constraints;
  /** The constraints as text: the same for the same. */
  readonly where: string;
  /** Of all shards that have come, from 0 to 1. */
  readonly share: number;
}

/** By kind, as text: how many shards of it have come. */
export type KindCounts = Readonly<Record<string, number>>;

/** More kinds are not looked at, nor remembered; the rarest are left out. */
export const kindsMax = 64;
/** A longer text is not remembered, since it stands in a status. */
export const kindTextMax = 1000;
/** When so many shards are remembered all counts are halved, so that what came long ago fades. */
const rememberedMax = 100_000;

/** Of all pools together, since they share the nodes; the most frequent first. */
export function kindsOf({ pools, tasks }: Snapshot): readonly Kind[] {
  const counts = new Map<string, number>();
  const remembering = new Set<string>();
  for (const { name, memory } of pools) {
    if (memory?.kinds === undefined) continue;
    remembering.add(name);
    for (const [kind, count] of Object.entries(memory.kinds)) addTo(counts, kind, count);
  }
  const texts = new Texts();
  for (const task of tasks) {
    const count = waitingOf(task) + (remembering.has(task.pool) ? 0 : startedOf(task));
    if (count > 0) addTo(counts, texts.of(task), count);
  }
  const most = mostFrequent(counts);
  const sum = most.reduce((total, [, count]) => total + count, 0);
  return most.flatMap(([text, count]) => {
    const kind = readKind(text);
    return kind === undefined ? [] : [{ ...kind, share: count / sum }];
  });
}

/** What the pool's queue remembers after a plan: what it remembered before, and what has started in it. */
export function rememberedKinds(
  { memory }: Pool,
  tasks: readonly Task[],
  contenders: readonly Contender[],
): KindCounts {
  const counts = new Map(Object.entries(memory?.kinds ?? {}));
  const texts = new Texts();
  for (const task of memory?.kinds === undefined ? tasks : []) {
    if (startedOf(task) > 0) addTo(counts, texts.of(task), startedOf(task));
  }
  for (const { task, starts } of contenders) {
    if (starts.length > 0) addTo(counts, texts.of(task), starts.length);
  }
  const kept = mostFrequent(counts).filter(([text]) => text.length <= kindTextMax);
  const total = kept.reduce((sum, [, count]) => sum + count, 0);
  const faded = total <= rememberedMax ? kept : kept.map(([text, count]) => [text, Math.floor(count / 2)] as const);
  return Object.fromEntries(faded.filter(([, count]) => count > 0));
}

function addTo(counts: Map<string, number>, kind: string, count: number): void {
  counts.set(kind, (counts.get(kind) ?? 0) + count);
}

function mostFrequent(counts: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...counts].sort(([a, m], [b, n]) => n - m || compareText(a, b)).slice(0, kindsMax);
}

function waitingOf({ waiting, backingOff }: Task): number {
  let count = backingOff.length;
  for (const { start, end } of waiting) count += Math.max(0, end - start);
  return count;
}

function startedOf({ active, finished = 0 }: Task): number {
  return active.length + finished;
}

/** The text of a task's kind; tasks that share their constraints share the work of writing them down. */
class Texts {
  private readonly constraints = new Map<Constraints, string>();

  of({ request, constraints }: Task): string {
    let where = this.constraints.get(constraints);
    if (where === undefined) {
      const { nodeSelector, nodeTerms, tolerations } = constraints;
      where = JSON.stringify({ nodeSelector: sorted(nodeSelector), nodeTerms, tolerations });
      this.constraints.set(constraints, where);
    }
    return `[${JSON.stringify(sorted(request))},${where}]`;
  }
}

function sorted<Value>(record: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => compareText(a, b)));
}

/** What is remembered has been stored meanwhile: what cannot be read is no kind. */
function readKind(text: string): Omit<Kind, "share"> | undefined {
  try {
    const [request, constraints] = JSON.parse(text) as readonly [Amounts, Constraints];
    const isWhole = Object.values(request).every((amount) => Number.isSafeInteger(amount) && amount >= 0);
    if (!isWhole || !Array.isArray(constraints.tolerations)) return undefined;
    return { request, constraints, where: JSON.stringify(constraints) };
  } catch {
    return undefined;
  }
}
