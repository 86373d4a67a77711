// Node selectors, required affinity, taints and tolerations mean what they mean to the Kubernetes scheduler.
import { describe, expect, test } from "vitest";
import { selects, tolerates } from "../../src/scheduling/constraints.ts";
import type { Constraints, NodeRequirement, NodeTerm, Taint, Toleration } from "../../src/scheduling/index.ts";
import { aNode } from "../support/scheduling.ts";

const node = aNode("n1", {}, { labels: { zone: "a", cores: "8", model: "big" } });

function requiring(...terms: readonly NodeTerm[]): Constraints {
  return { nodeSelector: {}, tolerations: [], nodeTerms: terms };
}

function label(key: string, operator: NodeRequirement["operator"], ...values: readonly string[]): NodeTerm {
  return { labels: [{ key, operator, values }], fields: [] };
}

function field(operator: NodeRequirement["operator"], ...values: readonly string[]): NodeTerm {
  return { labels: [], fields: [{ key: "metadata.name", operator, values }] };
}

describe("a node selector", () => {
  test.each([
    [{}, true],
    [{ zone: "a" }, true],
    [{ zone: "a", cores: "8" }, true],
    [{ zone: "b" }, false],
    [{ zone: "a", disk: "ssd" }, false],
  ])("%j on zone=a,cores=8,model=big: %s", (nodeSelector, expected) => {
    expect(selects({ nodeSelector, tolerations: [] }, node)).toBe(expected);
  });
});

describe("a requirement of node affinity", () => {
  test.each([
    [label("zone", "In", "b", "a"), true],
    [label("zone", "In", "b"), false],
    [label("disk", "In", "ssd"), false],
    [label("zone", "In"), false],
    [label("zone", "NotIn", "b"), true],
    [label("zone", "NotIn", "a"), false],
    [label("disk", "NotIn", "ssd"), true],
    [label("zone", "Exists"), true],
    [label("disk", "Exists"), false],
    [label("disk", "DoesNotExist"), true],
    [label("zone", "DoesNotExist"), false],
    [label("cores", "Gt", "7"), true],
    [label("cores", "Gt", "8"), false],
    [label("cores", "Gt", "-1"), true],
    [label("cores", "Lt", "9"), true],
    [label("cores", "Lt", "8"), false],
    [label("cores", "Lt", "9223372036854775808"), false],
    [label("cores", "Gt", "7.5"), false],
    [label("cores", "Gt", "1", "2"), false],
    [label("model", "Gt", "1"), false],
    [label("disk", "Lt", "1"), false],
    [field("In", "n1"), true],
    [field("In", "n2"), false],
    [field("NotIn", "n2"), true],
    [field("NotIn", "n1"), false],
    [field("Exists"), false],
  ])("%j: %s", (term, expected) => {
    expect(selects(requiring(term), node)).toBe(expected);
  });

  test("all requirements of a term must hold, and one term of several is enough", () => {
    const both: NodeTerm = { labels: label("zone", "In", "a").labels, fields: field("In", "n2").fields };
    expect(selects(requiring(both), node)).toBe(false);
    expect(selects(requiring(both, label("zone", "Exists")), node)).toBe(true);
  });

  test("no term, and a term without requirements, select nothing", () => {
    expect(selects(requiring(), node)).toBe(false);
    expect(selects(requiring({ labels: [], fields: [] }), node)).toBe(false);
  });

  test("a selector and an affinity must both hold", () => {
    expect(selects({ ...requiring(label("zone", "Exists")), nodeSelector: { zone: "b" } }, node)).toBe(false);
  });
});

describe("a toleration", () => {
  const gpu: Taint = { key: "gpu", value: "a100", effect: "NoSchedule" };
  const cases: readonly [Toleration[], Taint, boolean][] = [
    [[], gpu, false],
    [[{ key: "gpu", operator: "Equal", value: "a100" }], gpu, true],
    [[{ key: "gpu", operator: "Equal", value: "h100" }], gpu, false],
    [[{ key: "gpu", operator: "Equal" }], gpu, false],
    [[{ key: "gpu", operator: "Equal" }], { ...gpu, value: "" }, true],
    [[{ key: "gpu", operator: "Exists" }], gpu, true],
    [[{ key: "disk", operator: "Exists" }], gpu, false],
    [[{ operator: "Exists" }], gpu, true],
    [[{ operator: "Exists", effect: "NoSchedule" }], gpu, true],
    [[{ operator: "Exists", effect: "NoExecute" }], gpu, false],
    [[{ operator: "Exists", effect: "NoSchedule" }], { ...gpu, effect: "NoExecute" }, false],
    [[], { ...gpu, effect: "NoExecute" }, false],
    [[], { ...gpu, effect: "PreferNoSchedule" }, true],
  ];
  test.each(cases)("%j for %j: %s", (tolerations, taint, expected) => {
    expect(tolerates({ nodeSelector: {}, tolerations }, [taint])).toBe(expected);
  });

  test("each taint needs one of its own", () => {
    const disk: Taint = { key: "disk", value: "", effect: "NoSchedule" };
    const tolerations: Toleration[] = [{ key: "gpu", operator: "Exists" }];
    expect(tolerates({ nodeSelector: {}, tolerations }, [gpu, disk])).toBe(false);
  });
});
