// Reads a trace of the layout of FGD (USENIX ATC'23): nodes with devices, pods that ask for devices or for a part of one, and
// the order of their arrival. Knows no policy.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { randomFrom } from "../../src/simulator/random.ts";

/** What a pod asks for; pods that ask for the same share one. */
export interface PodKind {
  /** Its number in the trace. */
  readonly id: number;
  readonly cpuMilli: number;
  readonly memoryMib: number;
  readonly devices: number;
  /** Of each device, in thousandths; 1000 unless it asks for a part of one device. */
  readonly deviceMilli: number;
  /** The models that it allows; empty: any. */
  readonly models: readonly string[];
}

export interface NodeSpec {
  readonly name: string;
  readonly cpuMilli: number;
  readonly memoryMib: number;
  readonly devices: number;
  readonly model: string;
}

export interface FgdTrace {
  /** In the order of their names, like `pods`. */
  readonly nodes: readonly NodeSpec[];
  readonly pods: readonly PodKind[];
  readonly kinds: readonly PodKind[];
  /** In the order of arrival, tuned to the load. */
  readonly arrivals: readonly PodKind[];
  /** The nodes, whichever a tie prefers first. */
  readonly ranked: readonly NodeSpec[];
  /** Of all devices together, in thousandths. */
  readonly capacity: number;
}

/** Arrivals ask for so much of the devices, as in the published runs. */
const load = 1.3;

export function readFgdTrace(folder: string, name: string, seed: number): FgdTrace {
  const { podFile, nodeFile } = filesOf(folder, name);
  const nodes = rowsOf(join(folder, `${nodeFile}.csv`)).map(nodeOf);
  const kinds = new Map<string, PodKind>();
  const pods = rowsOf(join(folder, `${podFile}.csv`)).map((row) => kindOf(row, kinds));
  const capacity = 1000 * nodes.reduce((sum, { devices }) => sum + devices, 0);
  const trace = { nodes, pods, kinds: [...kinds.values()], capacity };
  const order = publishedOrder(folder, podFile, seed) ?? shuffledOrder(trace, seed);
  const pick = <T>(list: readonly T[], what: string) => {
    return (row: number): T => {
      const found = list[row];
      if (found === undefined)
        throw new Error(`${podFile}: its order of arrival names ${what} ${row} of ${list.length}`);
      return found;
    };
  };
  return { ...trace, arrivals: order.pods.map(pick(pods, "pod")), ranked: order.nodes.map(pick(nodes, "node")) };
}

/** A trace may be named whole, as its file is, or by the last part of it: `default` for `…_pod_list_default.csv`. */
function filesOf(folder: string, name: string): { readonly podFile: string; readonly nodeFile: string } {
  const stems = readdirSync(folder)
    .filter((file) => file.endsWith(".csv"))
    .map((file) => file.slice(0, -".csv".length))
    .sort();
  const given = name.replace(/\.csv$/, "");
  const podFiles = stems.includes(given) ? [given] : stems.filter((stem) => stem.endsWith(`pod_list_${given}`));
  const nodeFiles = stems.filter((stem) => stem.includes("node_list"));
  const [podFile, another] = podFiles;
  const [nodeFile] = nodeFiles;
  if (podFile === undefined || another !== undefined) {
    const there = stems.filter((stem) => stem.includes("pod_list")).join(", ") || "none";
    throw new Error(`--trace ${name}: ${podFiles.length} pod lists of ${folder} have this name; there are: ${there}`);
  }
  if (nodeFile === undefined || nodeFiles.length > 1) {
    throw new Error(`${folder} has ${nodeFiles.length} node lists (*node_list*.csv); it needs exactly one`);
  }
  return { podFile, nodeFile };
}

type Row = Readonly<Record<string, string>>;

function rowsOf(file: string): readonly Row[] {
  const [head = "", ...lines] = readFileSync(file, "utf8").trim().split(/\r?\n/);
  const columns = head.split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    return Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? ""]));
  });
}

function amount(row: Row, column: string): number {
  const value = Number(row[column] || Number.NaN);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${column} is no amount: ${JSON.stringify(row)}`);
  return value;
}

function nodeOf(row: Row): NodeSpec {
  return {
    name: row.sn ?? "",
    cpuMilli: amount(row, "cpu_milli"),
    memoryMib: amount(row, "memory_mib"),
    devices: amount(row, "gpu"),
    model: row.model ?? "",
  };
}

function kindOf(row: Row, known: Map<string, PodKind>): PodKind {
  const devices = amount(row, "num_gpu");
  const asked = {
    cpuMilli: amount(row, "cpu_milli"),
    memoryMib: amount(row, "memory_mib"),
    devices,
    deviceMilli: devices === 0 ? 0 : Math.min(1000, amount(row, "gpu_milli")),
    models: (row.gpu_spec ?? "").split("|").filter((model) => model !== ""),
  };
  const key = JSON.stringify(asked);
  const kind = known.get(key) ?? { id: known.size, ...asked };
  known.set(key, kind);
  return kind;
}

interface ArrivalOrder {
  readonly pods: readonly number[];
  readonly nodes: readonly number[];
}

function publishedOrder(folder: string, podFile: string, seed: number): ArrivalOrder | undefined {
  const file = join(folder, "arrival_orders", `${podFile}.json.gz`);
  if (!existsSync(file)) return undefined;
  return JSON.parse(gunzipSync(readFileSync(file)).toString("utf8")).seeds?.[String(seed)];
}

/** Where no order is published: pods shuffled, then cloned or dropped by chance until they ask for the load. */
function shuffledOrder(
  { pods, nodes, capacity }: Pick<FgdTrace, "pods" | "nodes" | "capacity">,
  seed: number,
): ArrivalOrder {
  const random = randomFrom(seed);
  const order = shuffled(pods.length, random);
  const asks = (row: number): number => (pods[row]?.devices ?? 0) * (pods[row]?.deviceMilli ?? 0);
  let total = order.reduce((sum, row) => sum + asks(row), 0);
  while (total > load * capacity) {
    const [dropped = 0] = order.splice(Math.floor(random() * order.length), 1);
    total -= asks(dropped);
  }
  for (let clone = 0; total > 0 && total < load * capacity; total += asks(clone)) {
    clone = Math.floor(random() * pods.length);
    if (total + asks(clone) > load * capacity) break;
    order.push(clone);
  }
  return { pods: order, nodes: shuffled(nodes.length, random) };
}

function shuffled(count: number, random: () => number): number[] {
  const list = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [list[i], list[j]] = [list[j] ?? 0, list[i] ?? 0];
  }
  return list;
}
