// Where the workload of a simulation comes from: the only part of `simulate` that reads files.
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type KubeObject, listAll } from "@dsl/kube-operator";
import type { Pool } from "../scheduling/index.ts";
import type { Workload } from "../simulator/simulate.ts";
import { machineOf, readSwf } from "../simulator/swf.ts";
import { manifestsOf } from "./manifests.ts";
import { manifestWorkload } from "./simulation-manifests.ts";
import type { Terminal } from "./terminal.ts";
import { Refusal, UsageError } from "./usage-error.ts";
import type { Session } from "./verb.ts";
import { wishedNodes } from "./wished-nodes.ts";

export async function traceWorkload(
  file: string,
  pool: Pool,
  processors: number | undefined,
  terminal: Terminal,
): Promise<Workload> {
  const trace = await told(file, async () => readSwf(await textOf(file, terminal), pool.name));
  const width = processors ?? trace.processors;
  if (width === undefined) {
    throw new UsageError(`${file} does not say how many processors its machine had; give --procs N`);
  }
  const machine = machineOf(trace, width);
  const tooWide = trace.submissions.length - machine.submissions.length;
  const leftOut = { ...trace.leftOut, ...(tooWide > 0 && { [`more than ${width} processors`]: tooWide }) };
  for (const [why, count] of Object.entries(leftOut)) {
    terminal.stderr.write(`${count} ${count === 1 ? "job" : "jobs"} left out: ${why}\n`);
  }
  if (machine.submissions.length === 0) throw new Refusal(`${file} has no job to run`);
  return { pools: [pool], ...machine };
}

export async function fileWorkload(file: string, session: Session): Promise<Workload> {
  const { arguments: args, terminal, clock } = session;
  const objects: KubeObject[] = [];
  for (const each of await filesOf(file)) {
    objects.push(...(await told(each, async () => manifestsOf(await textOf(each, terminal)))));
  }
  const wished = args.text("nodes");
  const others = objects.filter(({ kind }) => kind !== "Node");
  const described = wished === undefined ? objects.filter(({ kind }) => kind === "Node") : wishedNodes(wished);
  const nodes = described.length > 0 ? described : await clusterNodes(session);
  const itemSeconds = args.seconds("item-seconds");
  const options = {
    ...(itemSeconds !== undefined && { itemSeconds }),
    spreadPercent: Math.min(100, args.count("spread", 0) ?? 0),
    seed: args.count("seed", 0) ?? 1,
    now: clock.now(),
  };
  return manifestWorkload([...others, ...nodes], options, (line) => terminal.stderr.write(`${line}\n`));
}

async function clusterNodes(session: Session): Promise<readonly KubeObject[]> {
  const { api } = await session.connect();
  const { items } = await listAll<KubeObject>(api, {
    group: "",
    version: "v1",
    kind: "Node",
    plural: "nodes",
    namespaced: false,
  });
  // Items of a list do not repeat what they are.
  return items.map((node) => ({ ...node, apiVersion: "v1", kind: "Node" }));
}

/** A file itself; of a folder the manifests that `kubectl apply -f` takes, in the order of their names. */
async function filesOf(path: string): Promise<readonly string[]> {
  const isFolder = path !== "-" && (await told(path, () => stat(path))).isDirectory();
  if (!isFolder) return [path];
  const entries = await told(path, () => readdir(path, { withFileTypes: true }));
  const names = entries.filter((entry) => !entry.isDirectory() && /\.(ya?ml|json)$/.test(entry.name));
  if (names.length > 0) return names.map(({ name }) => join(path, name)).sort();
  throw new Refusal(
    `${path}: the folder has no *.yaml, *.yml or *.json file; name a file or another folder (folders in it are not read)`,
  );
}

async function textOf(file: string, { stdin }: Terminal): Promise<string> {
  if (file === "-") {
    const text = stdin.isTTY ? undefined : await stdin.readText();
    if (text === undefined) throw new UsageError("- reads standard input, but nothing that is text was piped in");
    return text;
  }
  if ((await stat(file)).isDirectory()) throw new Error("is a folder; name a file");
  const bytes = await readFile(file);
  return (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
}

/** What is wrong with a file is said with its name. */
async function told<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new Refusal(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
