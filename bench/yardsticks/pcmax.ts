// `yardstick pcmax`: jobs on identical machines, the last end as early as may be. Machines are nodes, lengths are sizes, and
// the product's planner places; MULTIFIT's search for the size of a bin stands here.
import { readFileSync } from "node:fs";
import { type OrderName, type Pool, planPool } from "../../src/scheduling/index.ts";
import { binsUsed } from "./binpack.ts";
import { aJob, aMachine } from "./workload.ts";

export interface PcmaxInstance {
  readonly machines: number;
  readonly lengths: readonly number[];
}

/** Machines, jobs, then the length of each job. */
export function readPcmax(file: string): PcmaxInstance {
  const [machines = 0, jobs = 0, ...lengths] = readFileSync(file, "utf8").trim().split(/\s+/).map(Number);
  if (!(machines > 0) || lengths.length < jobs) throw new Error(`${file}: machines, jobs, and a length for each job`);
  return { machines, lengths: lengths.slice(0, jobs) };
}

/** The next job goes to the machine that has least: list scheduling; the longest first, it is LPT. */
export function makespan({ machines, lengths }: PcmaxInstance, order: OrderName): number {
  const whole = lengths.reduce((a, b) => a + b, 0);
  const nodes = Array.from({ length: machines }, (_, index) =>
    aMachine(`machine-${String(index).padStart(6, "0")}`, { time: whole }),
  );
  const pool: Pool = { name: "jobs", uid: "jobs", created: 0, order: [order], placement: "Spread" };
  const tasks = lengths.map((time, index) => aJob(index, pool.name, { time }));
  const { decisions } = planPool({ pools: [pool], nodes, tasks }, lengths.length);
  const loads = new Map<string, number>();
  for (const { node, task } of decisions) {
    loads.set(node, (loads.get(node) ?? 0) + (lengths[Number(task.slice("jobs/".length))] ?? 0));
  }
  return Math.max(...loads.values());
}

/** MULTIFIT (Coffman, Garey and Johnson, 1978): below LPT, by bisection, the size at which first fit decreasing fills no more bins. */
export function multifit(instance: PcmaxInstance): number {
  const { machines, lengths } = instance;
  const longest = Math.max(...lengths);
  const mean = lengths.reduce((a, b) => a + b, 0) / machines;
  const fits = (capacity: number): boolean =>
    binsUsed({ name: "", capacity, bestKnown: 0, sizes: lengths }, "FirstFit", "LargestRequest") <= machines;
  let below = Math.max(Math.ceil(mean), longest) - 1;
  let enough = makespan(instance, "LargestRequest");
  while (enough - below > 1) {
    const middle = Math.floor((below + enough) / 2);
    if (fits(middle)) enough = middle;
    else below = middle;
  }
  return enough;
}
