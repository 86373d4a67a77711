import { describe, expect, test } from "vitest";
import { type PoolStage, poolConditions, type TaskStage, taskConditions } from "../../src/api/task-conditions.ts";

// kstatus reads conditions in this order (ecosystem: Flux, Helm 4, kubectl); see cli-utils' status.Compute.
function kstatus(conditions: readonly { type: string; status: string }[]): string {
  const is = (type: string, status: string): boolean =>
    conditions.some((each) => each.type === type && each.status === status);
  if (is("Reconciling", "True")) return "InProgress";
  if (is("Stalled", "True")) return "Failed";
  if (is("Ready", "True")) return "Current";
  return is("Ready", "False") ? "InProgress" : "Current by mistake";
}

describe("the conditions of a task", () => {
  test.each<[TaskStage, string]>([
    ["InProgress", "Succeeded=Unknown Finished=False Ready=False Reconciling=True"],
    ["Suspended", "Succeeded=Unknown Finished=False Ready=False"],
    ["Succeeded", "Succeeded=True Finished=True Ready=True"],
    ["Failed", "Succeeded=False Finished=True Ready=False Stalled=True"],
    ["Stalled", "Succeeded=Unknown Finished=False Ready=False Stalled=True"],
  ])("%s: %s", (stage, expected) => {
    const found = taskConditions(stage, "Word", "a sentence");
    expect(found.map(({ type, status }) => `${type}=${status}`).join(" ")).toBe(expected);
    expect(found.every(({ reason, message }) => reason === "Word" && message === "a sentence")).toBe(true);
  });

  test.each<[TaskStage, string]>([
    ["InProgress", "InProgress"],
    ["Suspended", "InProgress"],
    ["Succeeded", "Current"],
    ["Failed", "Failed"],
    ["Stalled", "Failed"],
  ])("%s is %s for Flux and Helm", (stage, expected) => {
    expect(kstatus(taskConditions(stage, "Word", ""))).toBe(expected);
  });
});

describe("the conditions of a pool", () => {
  test.each<[PoolStage, string]>([
    ["Ready", "Current"],
    ["InProgress", "InProgress"],
    ["Stalled", "Failed"],
  ])("%s is %s for Flux and Helm", (stage, expected) => {
    expect(kstatus(poolConditions(stage, "Word", ""))).toBe(expected);
  });
});
