// Where the workload of a simulation comes from: the only part of `simulate` that reads files.
import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import type { Pool } from "../scheduling/index.ts";
import type { Workload } from "../simulator/simulate.ts";
import { machineOf, readSwf } from "../simulator/swf.ts";
import type { Terminal } from "./terminal.ts";
import { Refusal, UsageError } from "./usage-error.ts";

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

export async function textOf(file: string, { stdin }: Terminal): Promise<string> {
  if (file === "-") {
    const text = stdin.isTTY ? undefined : await stdin.readText();
    if (text === undefined) throw new UsageError("- reads standard input, but nothing that is text was piped in");
    return text;
  }
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
