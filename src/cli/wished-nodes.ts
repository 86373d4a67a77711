// Nodes that nobody has yet, from a few words: `3xcpu=8,memory=32Gi`, several kinds with a space or `;` between.
import { type KubeObject, parseQuantity } from "@dsl/kube-operator";
import { UsageError } from "./usage-error.ts";

const nodesMax = 10_000;
const podsPerNode = "110";

export function wishedNodes(text: string): readonly KubeObject[] {
  const kinds = text.split(/[;\s]+/).filter((part) => part !== "");
  const nodes = kinds.flatMap((part) => {
    const match = /^(\d{1,5})x(.+)$/.exec(part);
    if (match === null) throw wrong(part);
    const allocatable: Record<string, string> = { pods: podsPerNode };
    for (const pair of (match[2] ?? "").split(",")) {
      const at = pair.indexOf("=");
      if (at < 1) throw wrong(part);
      allocatable[pair.slice(0, at)] = checkedAmount(pair.slice(at + 1), part);
    }
    return Array.from({ length: Number(match[1]) }, () => allocatable);
  });
  if (nodes.length === 0 || nodes.length > nodesMax) {
    throw new UsageError(`--nodes must make 1 to ${nodesMax} nodes, but makes ${nodes.length}`);
  }
  return nodes.map((allocatable, index) => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: `node-${index + 1}` } as KubeObject["metadata"],
    spec: {},
    status: { allocatable, conditions: [{ type: "Ready", status: "True" }] },
  }));
}

function checkedAmount(text: string, part: string): string {
  try {
    parseQuantity(text);
    return text;
  } catch {
    throw wrong(part);
  }
}

function wrong(part: string): UsageError {
  return new UsageError(`--nodes must be such as 3xcpu=8,memory=32Gi, but has "${part}"`);
}
