// A trace in the Standard Workload Format (version 2.2, Parallel Workloads Archive) as tasks of one shard each: a job of
// p processors asks for p CPUs of one large node. Reads text; opens no file.
import type { Node, Task } from "../scheduling/index.ts";
import type { Submission, Workload } from "./simulate.ts";

export interface SwfTrace {
  readonly submissions: readonly Submission[];
  /** Of the header's MaxProcs, else of its MaxNodes; undefined where neither stands there. */
  readonly processors: number | undefined;
  /** Jobs that no machine could run as they are written, by why. */
  readonly leftOut: Readonly<Record<string, number>>;
}

/** Field numbers as the format counts them, from 1. */
const fieldOf = { id: 1, submit: 2, run: 4, used: 5, asked: 8, estimate: 9, user: 12 } as const;
const fieldsLeast = 12;

/** Throws an Error that names the line. */
export function readSwf(text: string, pool: string): SwfTrace {
  const submissions: Submission[] = [];
  const leftOut: Record<string, number> = {};
  let maxProcs: number | undefined;
  let maxNodes: number | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const trimmed = line.trim();
    const header = /^;\s*(MaxProcs|MaxNodes):\s*(\d+)/.exec(trimmed);
    if (header?.[1] === "MaxProcs") maxProcs = Number(header[2]);
    if (header?.[1] === "MaxNodes") maxNodes = Number(header[2]);
    if (trimmed === "" || trimmed.startsWith(";")) continue;
    const fields = trimmed.split(/\s+/).map(Number);
    if (fields.length < fieldsLeast || fields.some(Number.isNaN)) {
      throw new Error(`line ${index + 1} is no job: it must have at least ${fieldsLeast} numbers between spaces`);
    }
    const job = jobOf((name) => fields[fieldOf[name] - 1] ?? -1);
    if (typeof job === "string") leftOut[job] = (leftOut[job] ?? 0) + 1;
    else submissions.push(submissionOf(job, submissions.length, pool));
  }
  return { submissions, processors: maxProcs ?? maxNodes, leftOut };
}

interface Job {
  readonly id: number;
  readonly submitMs: number;
  readonly runMs: number;
  readonly estimateMs: number;
  readonly processors: number;
  readonly user: number;
}

/** A job that outlives its estimate is ended by it, as the machines that wrote such traces did. */
function jobOf(field: (name: keyof typeof fieldOf) => number): Job | string {
  const processors = field("asked") > 0 ? field("asked") : field("used");
  if (processors <= 0) return "no processors";
  if (field("run") <= 0) return "no run time";
  if (field("submit") < 0) return "no submit time";
  const runMs = field("run") * 1000;
  const estimateMs = field("estimate") > 0 ? field("estimate") * 1000 : runMs;
  const submitMs = field("submit") * 1000;
  return { id: field("id"), submitMs, runMs: Math.min(runMs, estimateMs), estimateMs, processors, user: field("user") };
}

function submissionOf(job: Job, index: number, pool: string): Submission {
  const namespace = `user-${Math.max(0, job.user)}`;
  const task: Task = {
    key: `${namespace}/job-${job.id}`,
    namespace,
    name: `job-${job.id}`,
    uid: String(index),
    pool,
    created: job.submitMs,
    priority: 0,
    request: { cpu: job.processors * 1000, pods: 1 },
    constraints: { nodeSelector: {}, tolerations: [] },
    waiting: [{ start: 0, end: 1 }],
    backingOff: [],
    active: [],
    excludedNodes: [],
    expected: { likelyMs: job.estimateMs, limitMs: job.estimateMs },
  };
  return { task, durationMs: () => job.runMs };
}

/** The whole machine as one node, as the traces see it; without the jobs that are wider than it. */
export function machineOf({ submissions }: SwfTrace, processors: number): Pick<Workload, "nodes" | "submissions"> {
  const machine: Node = {
    name: "machine",
    labels: {},
    taints: [],
    ready: true,
    cordoned: false,
    allocatable: { cpu: processors * 1000, pods: processors },
    foreign: {},
  };
  return {
    nodes: [machine],
    submissions: submissions.filter(({ task }) => (task.request.cpu ?? 0) <= processors * 1000),
  };
}
