// The operator is killed at every write that it makes, before, while and after it: each time a new one brings the work
// to the same end, no result is lost or counted twice, nothing runs twice, nothing is left behind.
import { expect, test } from "vitest";
import { crashes, everyPlan, on, runPlans } from "../support/simulated-cluster-faults.ts";
import { everyEngine } from "./engines.ts";
import { preempted, workloads } from "./workloads.ts";

const tries = everyEngine.flatMap((engine) =>
  [...workloads, ...(engine.name === "Native" ? [preempted] : [])].map((workload) => ({ engine, workload })),
);

test.each(tries)(
  "$workload.name, $engine.name: ends the same, at whatever write the operator is killed",
  { timeout: 300_000 },
  async ({ engine, workload }) => {
    const { count, problems } = await runPlans(on(engine, workload), (reference) => everyPlan(reference, crashes));
    expect(problems).toEqual([]);
    expect(count).toBeGreaterThan(25);
  },
);
