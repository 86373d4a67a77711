// Reads the job files of the yardsticks: the Standard Workload Format, and the small cases of pyss.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { Job } from "./jobs.ts";

function lines(file: string, comment: string): readonly string[] {
  const bytes = readFileSync(file);
  const text = (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith(comment));
}

/**
 * A Standard Workload Format trace: field 2 submit, 4 run, 5 and 8 processors, 9 estimate, 12 user. What the machine
 * could not have run is left out, and no job outlives its estimate, as in the SC'15 paper; filtered traces stay as they are.
 */
export function readSwf(file: string, processors: number): readonly Job[] {
  const jobs = lines(file, ";").map((line): Omit<Job, "index"> => {
    const fields = line.split(/\s+/).map(Number);
    const field = (number: number): number => fields[number - 1] ?? -1;
    const estimateMs = (field(9) > 0 ? field(9) : field(4)) * 1000;
    return {
      submitMs: field(2) * 1000,
      processors: field(8) > 0 ? field(8) : field(5),
      runMs: Math.min(field(4) * 1000, estimateMs),
      estimateMs,
      user: String(field(12)),
    };
  });
  const fitting = jobs.filter(
    (job) => job.submitMs >= 0 && job.runMs > 0 && job.processors > 0 && job.processors <= processors,
  );
  return fitting.map((job, index) => ({ ...job, index }));
}

/** A case of pyss, `submit id estimate procs run …`; the whole part of the id is the finish time that is expected. */
export function readCase(file: string): readonly (Job & { readonly expectedEndMs: number })[] {
  return lines(file, "#").map((line, index) => {
    const [submit = "", id = "", estimate = "", processors = "", run = "", , , user = ""] = line.split(/\s+/);
    return {
      index,
      submitMs: Number(submit) * 1000,
      processors: Number(processors),
      runMs: Number(run) * 1000,
      estimateMs: Number(estimate) * 1000,
      user,
      expectedEndMs: Math.floor(Number(id)) * 1000,
    };
  });
}
