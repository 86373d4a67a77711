// What CPU time each party of a control plane of our own has used, as the kernel counts it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Figures } from "./scenario.ts";

/** By name: seconds, rounded to tenths. Linux counts them in hundredths. */
export type CpuSeconds = Readonly<Record<string, number>>;

/** Those that deploy/local/up has recorded in its folder, this operator, and whoever measures: it creates and watches. */
export function cpuSeconds(dataDir: string, operatorPid: number | undefined): CpuSeconds {
  const parties = readFileSync(join(dataDir, "processes"), "utf8")
    .split("\n")
    .flatMap((line) => {
      const [name = "", pid] = line.split(" ");
      return pid === undefined ? [] : [[name, Number(pid)] as const];
    });
  if (operatorPid !== undefined) parties.push(["operator", operatorPid]);
  parties.push(["bench", process.pid]);
  const used: Record<string, number> = {};
  for (const [name, pid] of parties) used[name] = (used[name] ?? 0) + secondsOf(pid);
  return used;
}

export function cpuSince(before: CpuSeconds, after: CpuSeconds): Figures {
  return Object.fromEntries(
    Object.entries(after).map(([name, seconds]) => [name, Number((seconds - (before[name] ?? 0)).toFixed(1))]),
  );
}

/** Of a process that has ended nothing is known any more. */
function secondsOf(pid: number): number {
  try {
    // The name of the program, in parentheses, may hold anything; user and system time are the 12th and 13th after it.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}
