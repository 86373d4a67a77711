// A workload in virtual time: the product's own planPool decides, ends come when their time has come. Pure. Does not know
// Kubernetes; a Pod starts at once and ends on time.
import { withActive, withMemory, withoutActive } from "../scheduling/forward.ts";
import { Heap } from "../scheduling/heap.ts";
import { type Expectation, Memo, type Node, type Plan, type Pool, planPool, type Task } from "../scheduling/index.ts";
import { compareText } from "../scheduling/order/chain.ts";
import { earliest } from "../scheduling/stops.ts";

/** A task that will be submitted at `task.created`, and how long each of its shards will really run. */
export interface Submission {
  readonly task: Task;
  readonly durationMs: (shard: number) => number;
  /** How many items a shard has; absent: one. */
  readonly items?: (shard: number) => number;
}

export interface Workload {
  readonly pools: readonly Pool[];
  readonly nodes: readonly Node[];
  readonly submissions: readonly Submission[];
}

export interface SimulatorOptions {
  /** What is known of a shard's length when a plan is made; absent: what the task says itself. */
  readonly expectation?: (task: Task, now: number) => Expectation | undefined;
  /** Told of each shard that has ended, before the next plan. */
  readonly onEnd?: (ran: Ran, task: Task) => void;
  /** Told of each plan, before it is carried out. */
  readonly onPlan?: (plan: Plan) => void;
}

/** One shard's run. */
export interface Ran {
  readonly task: string;
  readonly shard: number;
  readonly node: string;
  readonly startedAt: number;
  readonly endedAt: number;
}

export interface SimulatedRun {
  /** In the order of their ends. */
  readonly ran: readonly Ran[];
  readonly plans: number;
  /** Tasks of which something was still open when nothing could happen any more. */
  readonly unfinished: readonly string[];
}

/** All that happens at one instant is seen by one plan. */
export function simulate({ pools, nodes, submissions }: Workload, options: SimulatorOptions = {}): SimulatedRun {
  const arriving = [...submissions].sort((a, b) => a.task.created - b.task.created);
  const durations = new Map(submissions.map(({ task, durationMs }) => [task.key, durationMs]));
  const live = new Map<string, Task>();
  const running = new Heap<Ran>(endsBefore);
  const ran: Ran[] = [];
  const memo = new Memo();
  let remembering = pools;
  let arrived = 0;
  let plans = 0;
  let wakeAt: number | undefined;
  for (;;) {
    const moments = [arriving[arrived]?.task.created, running.peek()?.endedAt, wakeAt];
    const now = earliest(...moments);
    if (now === undefined) break;
    for (let next = arriving[arrived]; next && next.task.created <= now; next = arriving[arrived]) {
      live.set(next.task.key, next.task);
      arrived += 1;
    }
    for (let next = running.peek(); next && next.endedAt <= now; next = running.peek()) {
      running.pop();
      ran.push(next);
      const task = live.get(next.task);
      if (task === undefined) continue;
      options.onEnd?.(next, task);
      const after = withoutActive(task, [next.shard]);
      if (after.active.length === 0 && after.waiting.length === 0) live.delete(task.key);
      else live.set(task.key, after);
    }
    const tasks = [...live.values()].map((task) => withExpectation(task, options.expectation?.(task, now)));
    const plan = planPool({ pools: remembering, nodes, tasks }, now, memo);
    plans += 1;
    options.onPlan?.(plan);
    wakeAt = plan.wakeAt;
    remembering = withMemory(remembering, plan);
    for (const decision of plan.decisions) {
      const task = live.get(decision.task);
      if (task === undefined || decision.kind !== "start") continue;
      const { shard, node } = decision;
      live.set(task.key, withActive(task, [decision], now));
      const durationMs = durations.get(task.key)?.(shard) ?? 0;
      running.push({ task: task.key, shard, node, startedAt: now, endedAt: now + durationMs });
    }
    // Nothing runs, nobody comes and nothing has started: no later plan could be another one.
    if (running.size === 0 && arrived === arriving.length) break;
  }
  return { ran, plans, unfinished: [...live.keys()] };
}

function endsBefore(a: Ran, b: Ran): boolean {
  return (a.endedAt - b.endedAt || compareText(a.task, b.task) || a.shard - b.shard) < 0;
}

function withExpectation(task: Task, expected: Expectation | undefined): Task {
  return expected === undefined ? task : { ...task, expected };
}
