// A job of the queueing literature as a task of the product: one shard that asks for so many processors of one node.

import type { Backfill, Expectation, Node, OrderName, Pool, Task } from "../../src/scheduling/index.ts";
import type { Submission, Workload } from "../../src/simulator/simulate.ts";
import type { EstimateName } from "./estimates.ts";

export interface Job {
  /** Unique; jobs submitted at one moment come in the order of this list. */
  readonly index: number;
  readonly submitMs: number;
  readonly processors: number;
  readonly runMs: number;
  /** What the user said that it would take at most. */
  readonly estimateMs: number;
  readonly user: string;
}

export interface Rule {
  readonly order: readonly OrderName[];
  readonly backfill: Backfill;
}

const easySjbf: Rule = { order: ["FirstCome"], backfill: { policy: "Easy", candidates: "ShortestFirst" } };

export const rules = {
  fcfs: { order: ["FirstCome"], backfill: { policy: "None", candidates: "QueueOrder" } },
  sjf: { order: ["ShortestJob"], backfill: { policy: "None", candidates: "QueueOrder" } },
  easy: { order: ["FirstCome"], backfill: { policy: "Easy", candidates: "QueueOrder" } },
  "easy-sjbf": easySjbf,
  "easy++": easySjbf,
  conservative: {
    order: ["FirstCome"],
    backfill: { policy: "Conservative", candidates: "QueueOrder", holdsMax: Number.POSITIVE_INFINITY },
  },
  learned: easySjbf,
} as const satisfies Readonly<Record<string, Rule>>;

export type RuleName = keyof typeof rules;

/** The estimates that a rule is defined with; the others take the user's. */
export const ownEstimates: Readonly<Record<string, EstimateName | undefined>> = {
  "easy++": "tsafrir",
  learned: "learned",
};

export function workloadOf(jobs: readonly Job[], processors: number, rule: Rule): Workload {
  const pool: Pool = { name: "machine", uid: "machine", created: 0, placement: "BinPack", ...rule };
  const node: Node = {
    name: "machine",
    labels: {},
    taints: [],
    ready: true,
    cordoned: false,
    allocatable: { cpu: processors },
    foreign: {},
  };
  return { pools: [pool], nodes: [node], submissions: jobs.map(submissionOf) };
}

export function keyOf({ index }: Job): string {
  return `jobs/${index}`;
}

function submissionOf(job: Job): Submission {
  const expected: Expectation = { likelyMs: job.estimateMs, limitMs: job.estimateMs };
  const task: Task = {
    key: keyOf(job),
    namespace: "jobs",
    name: String(job.index),
    uid: String(job.index),
    pool: "machine",
    created: job.submitMs,
    priority: 0,
    request: { cpu: job.processors },
    constraints: { nodeSelector: {}, tolerations: [] },
    waiting: [{ start: 0, end: 1 }],
    backingOff: [],
    active: [],
    excludedNodes: [],
    expected,
  };
  return { task, durationMs: () => job.runMs };
}
