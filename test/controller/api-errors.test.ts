// Each kind of write meets each kind of error once: the work comes to the same end all the same.
import { expect, test } from "vitest";
import { errors, planForEachKind, runPlans } from "../support/simulated-cluster-faults.ts";
import { workloads } from "./workloads.ts";

test.each(workloads)("$name ends the same, whatever error a write meets", { timeout: 120_000 }, async (workload) => {
  const { problems } = await runPlans(workload, (reference) => planForEachKind(reference, errors));
  expect(problems).toEqual([]);
});
