// What the operator tells of itself at /metrics, and what the machine tells of its process.
import { readFileSync } from "node:fs";
import type { OperatorProcess } from "../test/support/operator-process.ts";
import { rounded } from "./scenario.ts";

/** The first series of a metric, or the one with this label. */
export function metricIn(text: string, name: string, label = ""): number {
  const line = text.split("\n").find((each) => each.startsWith(name) && !each.startsWith("#") && each.includes(label));
  if (line === undefined) throw new Error(`the operator has no metric ${name} ${label}`);
  return Number(line.slice(line.lastIndexOf(" ") + 1));
}

/** The longest stalls of the event loop: on the clock, and as work of the operator's own. */
export interface StallsMs {
  readonly elapsed: number;
  readonly work: number;
}

/** Since the metrics were last read. */
export function stallsIn(metrics: string): StallsMs {
  const longest = (of: string): number =>
    rounded(1000 * metricIn(metrics, "kube_operator_event_loop_stall_max_seconds", `of="${of}"`));
  return { elapsed: longest("elapsed"), work: longest("work") };
}

export interface Settled {
  readonly stalls: StallsMs;
  readonly cpuSeconds: number;
}

/** In a second: reading the metrics is some work, too. */
const restCpuSeconds = 0.2;

/** Once the operator has been at rest for three seconds, and `isThere` holds: the longest stalls until then. */
export async function settled(operator: OperatorProcess, isThere = (_: string): boolean => true): Promise<Settled> {
  const stalls = { elapsed: 0, work: 0 };
  let cpuSeconds = 0;
  for (let quiet = 0; quiet < 3; ) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const metrics = await operator.metrics();
    const found = stallsIn(metrics);
    stalls.elapsed = Math.max(stalls.elapsed, found.elapsed);
    stalls.work = Math.max(stalls.work, found.work);
    const total = metricIn(metrics, "process_cpu_seconds_total");
    const used = total - cpuSeconds;
    cpuSeconds = total;
    quiet = used < restCpuSeconds && isThere(metrics) ? quiet + 1 : 0;
  }
  return { stalls, cpuSeconds };
}

export interface Resident {
  readonly now: number;
  readonly peak: number;
}

export function residentBytes(pid: number): Resident {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const bytes = (name: string): number => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]);
  return { now: bytes("VmRSS"), peak: bytes("VmHWM") };
}
