// `kubectl pool simulate`: the operator's planner in virtual time, every policy side by side.
import { defaultOrder, defaultPlacement, type Pool } from "../scheduling/index.ts";
import { type Measures, measure } from "../simulator/measure.ts";
import { simulate as runInVirtualTime, type SimulatedRun, type Workload } from "../simulator/simulate.ts";
import { type Variant, variantsOf } from "../simulator/variants.ts";
import { durationText } from "../view/duration.ts";
import { ganttPicture } from "../view/gantt.ts";
import type { Options } from "./arguments.ts";
import { structureText } from "./output.ts";
import { panelOf } from "./simulation-panel.ts";
import { type Column, tableText } from "./table.ts";
import { UsageError } from "./usage-error.ts";
import type { Session, Verb } from "./verb.ts";

const options = {
  filename: {
    short: "f",
    value: "FILE",
    help: "manifests or a folder of them: pools, tasks, what they need; - reads standard input",
  },
  nodes: { value: "NODES", help: "instead of those in the file: 3xcpu=8,memory=32Gi; absent there too: the cluster's" },
  "item-seconds": { value: "SECONDS", help: "how long an item takes where a task has no expectedItemSeconds" },
  spread: { value: "PERCENT", help: "items take up to so much more or less than that (0)" },
  seed: { value: "N", help: "another number draws other item times (1)" },
  swf: { value: "FILE", help: "jobs of a Standard Workload Format trace, .gz too; - reads standard input" },
  procs: { value: "N", help: "processors of the machine that runs a trace; absent: what its header says" },
  policy: { value: "NAMES", help: "only these, such as as-written,order=ShortestJob; absent: every one" },
  output: { short: "o", value: "FORMAT", choices: ["json", "yaml", "svg"], help: "svg: a picture of nodes over time" },
} as const satisfies Options;

export const simulate: Verb = {
  name: "simulate",
  summary: "run a workload in virtual time under every policy, side by side",
  usage: "(-f FILE | --swf FILE) [options]",
  description: `Runs a workload in virtual time by the operator's own planner and shows what each policy makes of it: the pool as
it is written, then each other order, backfill and placement, one change at a time. Nothing is started.`,
  options,
  examples: [
    {
      does: "What other policies would make of my tasks",
      command: "kubectl pool simulate -f tasks.yaml --nodes 3xcpu=8",
    },
    {
      does: "Which order would have served these jobs best?",
      command: "kubectl pool simulate --swf jobs.swf.gz --procs 100",
    },
    {
      does: "A picture of two of them",
      command: "kubectl pool simulate --swf jobs.swf --policy as-written,backfill=None -o svg > jobs.svg",
    },
  ],

  async run(session) {
    const { arguments: args, terminal } = session;
    const workload = await workloadOf(session);
    const variants = chosen(variantsOf(workload.pools, workload.nodes.length), args.text("policy"));
    const results: Result[] = [];
    for (const [index, { name, pools }] of variants.entries()) {
      if (terminal.stderr.isTTY) terminal.stderr.write(`\r\x1b[K${index + 1} of ${variants.length}: ${name} …`);
      const run = runInVirtualTime({ ...workload, pools });
      results.push({ name, run, measures: measure(workload, run) });
      if (terminal.interrupted.aborted) break;
    }
    if (terminal.stderr.isTTY) terminal.stderr.write("\r\x1b[K");
    terminal.stdout.write(await textOf(results, workload, args.text("output")));
    return terminal.interrupted.aborted ? 130 : 0;
  },
};

interface Result {
  readonly name: string;
  readonly run: SimulatedRun;
  readonly measures: Measures;
}

async function workloadOf(session: Session): Promise<Workload> {
  const { arguments: args, terminal } = session;
  const [stray] = args.positionals;
  if (stray !== undefined)
    throw new UsageError(`simulate takes no name, but got "${stray}"; a file is given by -f or --swf`);
  const file = args.text("filename");
  const trace = args.text("swf");
  if (trace !== undefined && file !== undefined) throw new UsageError("-f and --swf are both given; leave one out");
  // Evaluated only now: the schemas that it reads manifests by take longer to build than most verbs take.
  const { fileWorkload, traceWorkload } = await import("./simulation-sources.ts");
  if (trace !== undefined) return traceWorkload(trace, machinePool, args.count("procs", 1), terminal);
  if (file !== undefined) return fileWorkload(file, session);
  throw new UsageError("no workload; name a file of manifests by -f FILE, or a trace by --swf FILE");
}

/** For the machine of a trace: what a pool does that says nothing. */
const machinePool: Pool = {
  name: "machine",
  uid: "machine",
  created: 0,
  order: defaultOrder,
  placement: defaultPlacement,
  backfill: { policy: "Easy", candidates: "ShortestFirst" },
};

function chosen(variants: readonly Variant[], names: string | undefined): readonly Variant[] {
  if (names === undefined) return variants;
  return names.split(",").map((name) => {
    const variant = variants.find((each) => each.name === name.trim());
    if (variant !== undefined) return variant;
    throw new UsageError(
      `there is no policy "${name}" here; there are ${variants.map((each) => each.name).join(", ")}`,
    );
  });
}

async function textOf(results: readonly Result[], workload: Workload, format: string | undefined): Promise<string> {
  if (format === "svg") return ganttPicture(results.map(({ name, run }) => panelOf(name, run, workload)));
  if (format !== undefined) {
    return structureText(
      results.map(({ name, measures }) => ({ policy: name, ...measures })),
      format,
    );
  }
  return tableText(columns, results);
}

const columns: readonly Column<Result>[] = [
  { head: "POLICY", cell: ({ name }) => name },
  { head: "UTIL", cell: ({ measures }) => `${measures.utilizationPercent}%` },
  { head: "FIRST START", cell: ({ measures }) => durationText(measures.meanFirstStartMs) },
  { head: "RESPONSE", cell: ({ measures }) => durationText(measures.meanResponseMs) },
  { head: "SLOWDOWN", cell: ({ measures }) => (measures.boundedSlowdownMilli / 1000).toFixed(2) },
  { head: "ITEMS/S", cell: ({ measures }) => (measures.itemsPerSecondMilli / 1000).toFixed(3) },
  { head: "FAIRNESS", cell: ({ measures }) => measures.fairnessPercent && `${measures.fairnessPercent}%` },
  { head: "MAKESPAN", cell: ({ measures }) => durationText(measures.makespanMs) },
  { head: "UNFINISHED", cell: ({ measures }) => measures.unfinished },
];
