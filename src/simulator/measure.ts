// What a run in virtual time was worth, in the numbers of docs/scheduling.md. Does not run it.
import { boundedSlowdownMilli, dominantShare, fairness, plus, times } from "../scheduling/index.ts";
import type { Amounts } from "../scheduling/resources.ts";
import type { Ran, SimulatedRun, Workload } from "./simulate.ts";

export interface Measures {
  /** Held × time ÷ there × time, of the resource that is used most. */
  readonly utilizationPercent: number;
  /** From submission to the first start, mean over the tasks. */
  readonly meanFirstStartMs: number;
  /** From submission to the end, mean over the tasks. */
  readonly meanResponseMs: number;
  readonly boundedSlowdownMilli: number;
  readonly itemsPerSecondMilli: number;
  /** Jain's index over the shares of namespaces with demand, mean over the time in which two had any; else absent. */
  readonly fairnessPercent?: number;
  /** From the first submission to the last end. */
  readonly makespanMs: number;
  /** Tasks that never came to an end. */
  readonly unfinished: number;
}

export function measure(workload: Workload, { ran, unfinished }: SimulatedRun): Measures {
  const { submissions, nodes } = workload;
  const capacity = nodes.map(({ allocatable }) => allocatable).reduce(plus, {});
  const runs = Map.groupBy(ran, ({ task }) => task);
  const submittedAt = submissions.map(({ task }) => task.created).reduce((a, b) => Math.min(a, b), Infinity);
  const endedAt = ran.reduce((latest, each) => Math.max(latest, each.endedAt), submittedAt);
  const makespanMs = submissions.length === 0 ? 0 : endedAt - submittedAt;
  const isOpen = new Set(unfinished);
  const finished = submissions.filter(({ task }) => runs.has(task.key) && !isOpen.has(task.key));
  const items = submissions.flatMap(({ task, items }) =>
    (runs.get(task.key) ?? []).map((run) => items?.(run.shard) ?? 1),
  );
  const fair = fairnessOf(workload, runs, capacity);
  return {
    utilizationPercent: utilizationOf(workload, runs, capacity, makespanMs),
    meanFirstStartMs: meanOf(
      finished.map(({ task }) => first(runs.get(task.key) ?? [], ({ startedAt }) => startedAt) - task.created),
    ),
    meanResponseMs: meanOf(finished.map(({ task }) => lastEnd(runs.get(task.key) ?? []) - task.created)),
    boundedSlowdownMilli: meanOf(
      finished.map(({ task }) => {
        const own = runs.get(task.key) ?? [];
        const workMs = own.reduce((sum, run) => sum + run.endedAt - run.startedAt, 0);
        const places = Math.min(own.length, task.parallelism ?? own.length);
        return boundedSlowdownMilli(lastEnd(own) - task.created, workMs, places);
      }),
    ),
    itemsPerSecondMilli: makespanMs === 0 ? 0 : Math.round((sum(items) * 1_000_000) / makespanMs),
    ...(fair !== undefined && { fairnessPercent: fair }),
    makespanMs,
    unfinished: unfinished.length,
  };
}

type Runs = ReadonlyMap<string, readonly Ran[]>;

function utilizationOf({ submissions }: Workload, runs: Runs, capacity: Amounts, makespanMs: number): number {
  const held: Record<string, number> = {};
  for (const { task } of submissions) {
    const ms = sum((runs.get(task.key) ?? []).map(({ startedAt, endedAt }) => endedAt - startedAt));
    for (const [name, amount] of Object.entries(task.request)) held[name] = (held[name] ?? 0) + amount * ms;
  }
  const shares = Object.entries(capacity).map(([name, amount]) => (held[name] ?? 0) / (amount * makespanMs || 1));
  return Math.round(100 * Math.max(0, ...shares));
}

interface Change {
  readonly at: number;
  readonly party: string;
  /** Tasks that begin (1) or cease (−1) to want something. */
  readonly demand: number;
  readonly held: Amounts;
}

function fairnessOf({ submissions }: Workload, runs: Runs, capacity: Amounts): number | undefined {
  const changes: Change[] = [];
  for (const { task } of submissions) {
    const { namespace: party, request } = task;
    const own = runs.get(task.key) ?? [];
    if (own.length === 0) continue;
    changes.push({ at: task.created, party, demand: 1, held: {} });
    changes.push({ at: lastEnd(own), party, demand: -1, held: {} });
    for (const { startedAt, endedAt } of own) {
      changes.push({ at: startedAt, party, demand: 0, held: request });
      changes.push({ at: endedAt, party, demand: 0, held: times(request, -1) });
    }
  }
  changes.sort((a, b) => a.at - b.at);
  const parties = new Map<string, { demand: number; held: Amounts; share: number }>();
  let contendedMs = 0;
  let fairMs = 0;
  for (const [index, { at, party, demand, held }] of changes.entries()) {
    const state = parties.get(party) ?? { demand: 0, held: {}, share: 0 };
    state.demand += demand;
    state.held = plus(state.held, held);
    state.share = dominantShare(state.held, capacity);
    if (state.demand > 0) parties.set(party, state);
    else parties.delete(party);
    const ms = (changes[index + 1]?.at ?? at) - at;
    if (ms === 0 || parties.size < 2) continue;
    contendedMs += ms;
    fairMs += ms * fairness([...parties.values()].map(({ share }) => share));
  }
  return contendedMs === 0 ? undefined : Math.round((100 * fairMs) / contendedMs);
}

function lastEnd(runs: readonly Ran[]): number {
  return -first(runs, ({ endedAt }) => -endedAt);
}

function first(runs: readonly Ran[], moment: (run: Ran) => number): number {
  return runs.reduce((least, run) => Math.min(least, moment(run)), Infinity);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function meanOf(numbers: readonly number[]): number {
  return numbers.length === 0 ? 0 : Math.round(sum(numbers) / numbers.length);
}
