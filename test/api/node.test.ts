import { describe, expect, test } from "vitest";
import { constraintsOf } from "../../src/api/constraints.ts";
import { type KubeNode, nodeOf } from "../../src/api/node.ts";

function aNode(more: Partial<KubeNode>): KubeNode {
  const metadata = { name: "n1", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" };
  return { apiVersion: "v1", kind: "Node", metadata, ...more };
}

describe("a Kubernetes Node for the planner", () => {
  test("has what it offers to Pods, as whole numbers", () => {
    const allocatable = { cpu: "3920m", memory: "16Gi", pods: "110", "nvidia.com/gpu": "2" };
    expect(nodeOf(aNode({ status: { allocatable } })).allocatable).toEqual({
      cpu: 3920,
      memory: 16 * 2 ** 30,
      pods: 110,
      "nvidia.com/gpu": 2,
    });
  });

  test.each([
    [[{ type: "Ready", status: "True" }], true],
    [[{ type: "Ready", status: "Unknown" }], false],
    [[{ type: "DiskPressure", status: "True" }], false],
    [undefined, false],
  ])("with conditions %j is ready: %s", (conditions, ready) => {
    expect(nodeOf(aNode({ status: conditions === undefined ? {} : { conditions } })).ready).toBe(ready);
  });

  test("is cordoned when it is unschedulable", () => {
    expect(nodeOf(aNode({ spec: { unschedulable: true } })).cordoned).toBe(true);
    expect(nodeOf(aNode({})).cordoned).toBe(false);
  });

  test("has its taints, those without a value too, but not those with an effect that nobody knows", () => {
    const taints = [
      { key: "a", effect: "NoSchedule" },
      { key: "b", value: "x", effect: "NoExecute" },
      { key: "c", effect: "Sometimes" },
    ];
    expect(nodeOf(aNode({ spec: { taints } })).taints).toEqual([
      { key: "a", value: "", effect: "NoSchedule" },
      { key: "b", value: "x", effect: "NoExecute" },
    ]);
  });
});

describe("where a template's Pod may run", () => {
  test("a silent template may run anywhere that is not tainted", () => {
    expect(constraintsOf({})).toEqual({ nodeSelector: {}, tolerations: [] });
  });

  test("required affinity is a list of terms, on labels and on fields", () => {
    const matchExpressions = [{ key: "zone", operator: "In" as const, values: ["a"] }];
    const matchFields = [{ key: "metadata.name", operator: "NotIn" as const, values: ["n1"] }];
    const required = { nodeSelectorTerms: [{ matchExpressions }, { matchFields }] };
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } };
    expect(constraintsOf({ affinity }).nodeTerms).toEqual([
      { labels: matchExpressions, fields: [] },
      { labels: [], fields: matchFields },
    ]);
  });

  test("a toleration compares values unless it says that the key is enough", () => {
    const tolerations = [
      { key: "a", value: "x", effect: "NoSchedule" as const },
      { key: "b", operator: "Exists" as const },
    ];
    expect(constraintsOf({ tolerations }).tolerations).toEqual([
      { key: "a", operator: "Equal", value: "x", effect: "NoSchedule" },
      { key: "b", operator: "Exists" },
    ]);
  });
});
