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

/** A Standard Workload Format trace: field 2 submit, 4 run, 5 and 8 processors, 9 estimate, 12 user. */
export function readSwf(file: string): readonly Job[] {
  return lines(file, ";").map((line, index) => {
    const fields = line.split(/\s+/).map(Number);
    const field = (number: number): number => fields[number - 1] ?? -1;
    const runMs = field(4) * 1000;
    return {
      index,
      submitMs: field(2) * 1000,
      processors: field(8) > 0 ? field(8) : field(5),
      runMs,
      estimateMs: field(9) > 0 ? field(9) * 1000 : runMs,
      user: String(field(12)),
    };
  });
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
