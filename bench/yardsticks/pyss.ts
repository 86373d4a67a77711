// The bridge to the published artifact's numbers (pyss, as the SC'15 paper ran it): the product's planner decides, but is
// asked where and as that simulator asks. What is different there, and is no part of the product:
//   1 a pass at each submission and each termination, in the order (time, kind, insertion), not one plan an instant;
//   2 a running job whose predicted end has come counts as free until its end or its correction of the same instant;
//   3 under plain EASY a submission makes a pass only if the new job itself would fit.
import { Heap } from "../../src/scheduling/heap.ts";
import { type ActiveShard, type Plan, planPool, type Task } from "../../src/scheduling/index.ts";
import type { Ran } from "../../src/simulator/simulate.ts";
import type { Predictor } from "./estimates.ts";
import { type Job, keyOf, type Rule, workloadOf } from "./jobs.ts";

const kinds = ["expiry", "submission", "termination", "start"] as const;

interface Event {
  readonly at: number;
  readonly kind: (typeof kinds)[number];
  readonly number: number;
  readonly job: Job;
}

interface Known {
  readonly job: Job;
  readonly task: Task;
  readonly first: number;
  current: number;
  corrections: number;
  startedAt?: number;
}

export interface PyssOptions {
  readonly passesOnlyIfItFits?: boolean;
  readonly onPlan?: (plan: Plan) => void;
}

export function runAsPyss(
  jobs: readonly Job[],
  processors: number,
  rule: Rule,
  predictor: Predictor,
  { passesOnlyIfItFits = false, onPlan }: PyssOptions = {},
): readonly Ran[] {
  const { pools, nodes, submissions } = workloadOf(jobs, processors, rule);
  const tasks = new Map(submissions.map(({ task }) => [task.key, task]));
  const events = new Heap<Event>(isBefore);
  let inserted = 0;
  const insert = (at: number, kind: Event["kind"], job: Job): void =>
    events.push({ at, kind, job, number: inserted++ });
  for (const job of jobs) insert(job.submitMs, "submission", job);
  const live = new Map<string, Known>();
  const ran: Ran[] = [];
  let remembering = pools;
  let used = 0;

  const pass = (now: number): void => {
    const snapshot = [...live.values()].filter(
      ({ startedAt, current }) => !(startedAt !== undefined && startedAt + current <= now),
    );
    const plan = planPool({ pools: remembering, nodes, tasks: snapshot.map(taskOf) }, now);
    onPlan?.(plan);
    const memory = plan.memory?.machine;
    // Slots last; the hold of a head is made anew at each pass.
    if (memory?.holds && rule.backfill.policy === "Conservative") {
      const { holds, free = {} } = memory;
      const kept = { turn: 0, turns: {}, used: {}, holding: {}, usedAt: now, holds, free };
      remembering = pools.map((pool) => ({ ...pool, memory: kept }));
    }
    for (const { task } of plan.decisions) {
      const known = live.get(task);
      if (known === undefined) continue;
      known.startedAt = now;
      used += known.job.processors;
      insert(now, "start", known.job);
    }
  };

  for (let event = events.peek(); event !== undefined; event = events.peek()) {
    events.pop();
    const { at, job, kind } = event;
    const known = live.get(keyOf(job));
    if (kind === "submission") {
      const task = tasks.get(keyOf(job));
      if (task === undefined) continue;
      const first = predictor.predict(job);
      live.set(keyOf(job), { job, task, first, current: first, corrections: 0 });
      const free = processors - used + countedAsFree(live.values(), at);
      if (!passesOnlyIfItFits || job.processors <= free) pass(at);
    } else if (known?.startedAt === undefined) {
    } else if (kind === "start") {
      insert(at + job.runMs, "termination", job);
      if (known.current < job.runMs) insert(at + known.current, "expiry", job);
    } else if (kind === "expiry") {
      known.corrections += 1;
      known.current = predictor.correct(job, known.first, known.current, known.corrections);
      if (known.current < job.runMs) insert(known.startedAt + known.current, "expiry", job);
    } else {
      live.delete(keyOf(job));
      used -= job.processors;
      predictor.finished?.(job);
      ran.push({ task: keyOf(job), shard: 0, node: "machine", startedAt: known.startedAt, endedAt: at });
      pass(at);
    }
  }
  return ran;
}

function isBefore(a: Event, b: Event): boolean {
  return (a.at - b.at || kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || a.number - b.number) < 0;
}

function countedAsFree(known: Iterable<Known>, now: number): number {
  let sum = 0;
  for (const { job, startedAt, current } of known) {
    if (startedAt !== undefined && startedAt + current <= now) sum += job.processors;
  }
  return sum;
}

function taskOf({ job, task, current, startedAt }: Known): Task {
  const expected = { likelyMs: current, limitMs: current };
  if (startedAt === undefined) return { ...task, expected };
  const running: ActiveShard = {
    shard: 0,
    attempt: 0,
    node: "machine",
    request: { cpu: job.processors },
    state: "Running",
    since: startedAt,
  };
  return { ...task, waiting: [], active: [running], expected };
}
