// `kubectl pool top`: the pools and what is going on in them.
import { listAll, sleep } from "@dsl/kube-operator";
import type { PooledTask } from "../api/pooled-task.ts";
import type { ResourcePool } from "../api/resource-pool.ts";
import { durationText } from "../view/duration.ts";
import { type PoolRow, poolRow } from "../view/pool-row.ts";
import { doneText, type TaskRow, taskRow } from "../view/task-row.ts";
import type { Options } from "./arguments.ts";
import { pooledTasks, resourcePools } from "./kinds.ts";
import { objectsText } from "./output.ts";
import { type Column, tableText } from "./table.ts";
import { redraws } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";
import type { Cluster, Session, Verb } from "./verb.ts";

const refreshEveryMs = 2000;
const tasksShownMax = 20;

const options = {
  "all-namespaces": { short: "A", help: "show the tasks of all namespaces" },
  selector: { short: "l", value: "SELECTOR", help: "only pools with these labels, such as team=lab" },
  output: {
    short: "o",
    value: "FORMAT",
    choices: ["wide", "json", "yaml", "name"],
    help: "wide: with reasons and all tasks",
  },
  watch: { short: "w", help: "go on, every two seconds, until interrupted" },
} as const satisfies Options;

export const top: Verb = {
  name: "top",
  summary: "show the pools, their use and their queues",
  usage: "[options]",
  description: `Shows the pools as a tree: nodes (ready of all), CPUs (allocated of all), utilisation, how many tasks are queued and
running, and how many of their shards run and wait. Below stand the tasks that have not ended. A shard that has ended is
counted as done once its outcome is recorded, about a second later.`,
  options,
  examples: [
    { does: "The pools now", command: "kubectl pool top" },
    { does: "Live, with everybody's tasks and why they wait", command: "kubectl pool top -w -A -o wide" },
  ],

  async run(session) {
    const { arguments: args, terminal } = session;
    const format = args.text("output");
    const [stray] = args.positionals;
    if (stray !== undefined) throw new UsageError(`top takes no name, but got "${stray}"; select pools by -l`);
    const cluster = await session.connect();
    if (format !== undefined && format !== "wide") {
      if (args.flag("watch")) throw new UsageError(`--watch shows tables only; leave out -o ${format}`);
      terminal.stdout.write(await objectsText(await fetchPools(cluster, args.text("selector")), format));
      return 0;
    }
    if (!args.flag("watch")) {
      terminal.stdout.write(await screen(session, cluster));
      return 0;
    }
    return watch(session, cluster);
  },
};

async function watch(session: Session, cluster: Cluster): Promise<0> {
  const { terminal, clock } = session;
  const { stdout, interrupted } = terminal;
  let shown = "";
  while (!interrupted.aborted) {
    const text = await screen(session, cluster);
    if (redraws(stdout, terminal.env)) {
      // Cut to the width: a line that wraps would take two, and the next drawing would begin in the wrong place.
      const lines = text.split("\n").map((line) => line.slice(0, stdout.columns - 1));
      const up = shown === "" ? "" : `\x1b[${shown.split("\n").length - 1}A`;
      stdout.write(`${up}${lines.map((line) => `${line}\x1b[K`).join("\n")}\x1b[J`);
    } else if (text !== shown) {
      stdout.write(shown === "" ? text : `\n${text}`);
    }
    shown = text;
    await sleep(clock, refreshEveryMs, interrupted);
  }
  return 0;
}

async function fetchPools({ api }: Cluster, selector: string | undefined): Promise<readonly ResourcePool[]> {
  const { items } = await listAll(api, resourcePools, selector === undefined ? {} : { labelSelector: selector });
  return [...items].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

async function screen({ arguments: args, clock }: Session, cluster: Cluster): Promise<string> {
  const isWide = args.text("output") === "wide";
  const allNamespaces = args.flag("all-namespaces");
  const pools = await fetchPools(cluster, args.text("selector"));
  if (pools.length === 0) return "No pools found.\n";
  const now = clock.now();
  const poolTable = `${tableText(poolColumns(isWide, now), asTree(pools.map(poolRow)))}${adviceText(pools)}`;

  const names = new Set(pools.map(({ metadata }) => metadata.name));
  const { items } = await listAll(cluster.api, pooledTasks, allNamespaces ? {} : { namespace: cluster.namespace });
  const rows = items
    .filter((task: PooledTask) => args.text("selector") === undefined || names.has(task.spec.poolRef.name))
    .map((task: PooledTask) => taskRow(task, now))
    .filter(({ stage }) => stage !== "Succeeded" && stage !== "Failed")
    .sort(byTurn);
  if (rows.length === 0) return poolTable;
  const shown = isWide ? rows : rows.slice(0, tasksShownMax);
  const more = rows.length - shown.length;
  const rest = more === 0 ? "" : `and ${more} more: kubectl pool top -o wide\n`;
  return `${poolTable}\n${tableText(taskColumns(isWide, allNamespaces, now), shown)}${rest}`;
}

/** A line for each pool that has any; where it is told in full. */
function adviceText(pools: readonly ResourcePool[]): string {
  const lines = pools.map(({ metadata: { name }, status }) => {
    const types = (status?.recommendations ?? []).map(({ type }) => type);
    return types.length === 0 ? "" : `advice for ${name}: ${types.join(", ")} (kubectl pool explain rpool/${name})\n`;
  });
  return lines.join("");
}

interface TreeRow extends PoolRow {
  /** How many pools of the table are above it. */
  readonly depth: number;
}

/** Each pool below its parent; a pool whose parent is not shown stands as a root does. */
function asTree(rows: readonly PoolRow[]): readonly TreeRow[] {
  const names = new Set(rows.map(({ name }) => name));
  const shown = new Set<string>();
  const below = (parent: string | undefined, depth: number): TreeRow[] =>
    rows.flatMap((row) => {
      const isRoot = row.parent === undefined || !names.has(row.parent);
      if (shown.has(row.name) || (parent === undefined ? !isRoot : row.parent !== parent)) return [];
      shown.add(row.name);
      return [{ ...row, depth }, ...below(row.name, depth + 1)];
    });
  const tree = below(undefined, 0);
  // Pools that go round in a circle are below no root.
  return [...tree, ...rows.filter(({ name }) => !shown.has(name)).map((row) => ({ ...row, depth: 0 }))];
}

/** Pool by pool: what runs first, then the queue in its order. */
function byTurn(a: TaskRow, b: TaskRow): number {
  const text = (x: string, y: string): number => (x < y ? -1 : x > y ? 1 : 0);
  const rank = ({ stage, position }: TaskRow): number =>
    stage === "Running" ? 0 : (position ?? Number.MAX_SAFE_INTEGER);
  return text(a.pool, b.pool) || rank(a) - rank(b) || a.created - b.created || text(a.name, b.name);
}

function poolColumns(isWide: boolean, now: number): readonly Column<TreeRow>[] {
  return [
    { head: "POOL", cell: ({ depth, name }) => `${"  ".repeat(depth)}${name}` },
    { head: "READY", cell: ({ ready }) => (ready === undefined ? "Unknown" : ready ? "True" : "False") },
    { head: "NODES", cell: ({ nodes }) => nodes && `${nodes.ready}/${nodes.total}` },
    { head: "CPU", cell: (row) => row.cpu },
    { head: "UTIL", cell: ({ utilizationPercent: percent }) => (percent === undefined ? undefined : `${percent}%`) },
    { head: "QUEUED", cell: ({ tasks }) => tasks?.queued },
    { head: "RUNNING", cell: ({ tasks }) => tasks?.running },
    { head: "SHARDS", cell: ({ shards }) => shards && shardsText(shards) },
    ...(isWide
      ? [
          {
            head: "RESERVED",
            cell: ({ resources }: PoolRow) => resources.find(({ name }) => name === "cpu")?.reserved,
          },
          { head: "AGE", cell: ({ created }: PoolRow) => durationText(now - created) },
          { head: "REASON", cell: ({ reason }: PoolRow) => reason },
          { head: "MESSAGE", cell: ({ message }: PoolRow) => message },
        ]
      : []),
  ];
}

function taskColumns(isWide: boolean, withNamespace: boolean, now: number): readonly Column<TaskRow>[] {
  return [
    ...(withNamespace ? [{ head: "NAMESPACE", cell: ({ namespace }: TaskRow) => namespace }] : []),
    { head: "TASK", cell: (row) => row.name },
    { head: "POOL", cell: (row) => row.pool },
    { head: "DONE", cell: ({ items }) => doneText(items) },
    { head: "FAILED", cell: ({ items }) => items.failed },
    { head: "SHARDS", cell: ({ shards }) => shardsText(shards) },
    { head: "REASON", cell: (row) => row.reason },
    { head: "ETA", cell: ({ remainingMs }) => (remainingMs === undefined ? undefined : durationText(remainingMs)) },
    ...(isWide
      ? [
          { head: "AGE", cell: ({ created }: TaskRow) => durationText(now - created) },
          { head: "MESSAGE", cell: ({ message }: TaskRow) => message },
        ]
      : []),
  ];
}

/** Of those not done; what is being started still waits. */
function shardsText({ running, starting, waiting }: TaskRow["shards"]): string {
  return `${running} run, ${starting + waiting} wait`;
}
