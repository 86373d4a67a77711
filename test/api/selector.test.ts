import { describe, expect, test } from "vitest";
import { admitsNamespace, type LabelSelector, selectsLabels, selectsNode } from "../../src/api/selector.ts";

const node = { zone: "lab", cores: "8" };
type Requirement = NonNullable<LabelSelector["matchExpressions"]>[number];
const matches = (...matchExpressions: Requirement[]): boolean => selectsLabels({ matchExpressions }, node);

describe("label selectors", () => {
  test("an empty one selects everything", () => {
    expect(selectsLabels({}, {})).toBe(true);
  });

  test("all labels must match", () => {
    expect(selectsLabels({ matchLabels: { zone: "lab", cores: "8" } }, node)).toBe(true);
    expect(selectsLabels({ matchLabels: { zone: "lab", cores: "4" } }, node)).toBe(false);
  });

  test.each<[Requirement, boolean]>([
    [{ key: "zone", operator: "In", values: ["a", "lab"] }, true],
    [{ key: "zone", operator: "In", values: ["a"] }, false],
    [{ key: "absent", operator: "In", values: ["a"] }, false],
    [{ key: "zone", operator: "NotIn", values: ["lab"] }, false],
    [{ key: "absent", operator: "NotIn", values: ["lab"] }, true],
    [{ key: "zone", operator: "Exists" }, true],
    [{ key: "absent", operator: "Exists" }, false],
    [{ key: "absent", operator: "DoesNotExist" }, true],
    [{ key: "zone", operator: "DoesNotExist" }, false],
  ])("%j is %s", (requirement, expected) => {
    expect(matches(requirement)).toBe(expected);
  });

  test("malformed requirements select nothing", () => {
    expect(matches({ key: "zone", operator: "NotIn", values: [] })).toBe(false);
    expect(matches({ key: "zone", operator: "Exists", values: ["lab"] })).toBe(false);
  });

  test("a label named like something that every JavaScript object has is no label", () => {
    expect(matches({ key: "constructor", operator: "Exists" })).toBe(false);
    expect(matches({ key: "toString", operator: "DoesNotExist" })).toBe(true);
  });
});

describe("a pool", () => {
  const worker = { name: "n1", labels: node };

  test("without a selector has every node", () => {
    expect(selectsNode({}, worker)).toBe(true);
  });

  test("has the nodes that it selects or names", () => {
    expect(selectsNode({ nodeSelector: { matchLabels: { zone: "lab" } } }, worker)).toBe(true);
    expect(selectsNode({ nodeSelector: { matchLabels: { zone: "attic" } } }, worker)).toBe(false);
    expect(selectsNode({ nodeNames: ["n1"] }, worker)).toBe(true);
    expect(selectsNode({ nodeNames: ["n2"] }, worker)).toBe(false);
  });

  test("admits nobody until it says whom, and everybody with {}", () => {
    expect(admitsNamespace({}, { team: "lab" })).toBe(false);
    expect(admitsNamespace({ namespaceSelector: {} }, {})).toBe(true);
    expect(admitsNamespace({ namespaceSelector: { matchLabels: { team: "lab" } } }, { team: "lab" })).toBe(true);
    expect(admitsNamespace({ namespaceSelector: { matchLabels: { team: "lab" } } }, { team: "attic" })).toBe(false);
  });
});
