// The two CustomResourceDefinitions, made from the schemas.
import { type CustomResourceDefinition, customResourceDefinition } from "@dsl/kube-operator";
import { pooledTaskSpec, pooledTasks } from "./pooled-task.ts";
import { pooledTaskStatus } from "./pooled-task-status.ts";
import { resourcePoolSpec, resourcePoolStatus, resourcePools } from "./resource-pool.ts";

const condition = (type: string, field: string): string => `.status.conditions[?(@.type=="${type}")].${field}`;

/**
 * Names become parts of other names and values of labels, which Kubernetes limits to DNS labels of 63 characters. They never
 * change, so that no later write is judged by them.
 */
function nameRule(lengthMax: number) {
  return {
    optionalOldSelf: true,
    rule: `oldSelf.hasValue() || size(self.metadata.name) <= ${lengthMax} && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')`,
    message: `metadata.name must be at most ${lengthMax} lower-case letters, digits and hyphens, with no hyphen at either end`,
  };
}

export function resourcePoolCrd(): CustomResourceDefinition {
  return customResourceDefinition({
    resource: resourcePools,
    description: "Capacity with a queue: nodes that are pooled, and who may use them in what order.",
    shortNames: ["rpool"],
    categories: ["pools"],
    spec: resourcePoolSpec,
    status: resourcePoolStatus,
    rules: [
      nameRule(63),
      {
        rule: "!has(self.spec.parentRef) || self.spec.parentRef.name != self.metadata.name",
        message: "spec.parentRef.name: a pool cannot be its own parent; name another, or remove parentRef",
      },
    ],
    columns: [
      { name: "Ready", type: "string", jsonPath: condition("Ready", "status") },
      { name: "Nodes", type: "integer", jsonPath: ".status.nodes.ready", description: "Nodes that may take shards." },
      {
        name: "CPU",
        type: "string",
        jsonPath: ".status.summary.cpu",
        description: "CPUs allocated of those there are.",
      },
      {
        name: "Util",
        type: "string",
        jsonPath: ".status.summary.utilization",
        description: "CPUs allocated of those that Pods of others leave.",
      },
      { name: "Queued", type: "integer", jsonPath: ".status.tasks.queued", description: "Tasks that wait." },
      { name: "Running", type: "integer", jsonPath: ".status.tasks.running", description: "Tasks that run." },
      {
        name: "Parent",
        type: "string",
        jsonPath: ".spec.parentRef.name",
        priority: 1,
        description: "The pool that it divides.",
      },
      {
        name: "Reserved",
        type: "string",
        jsonPath: ".status.summary.reserved",
        priority: 1,
        description: "CPUs reserved: for the pool, or of a root by its children.",
      },
      { name: "Reason", type: "string", jsonPath: condition("Ready", "reason"), priority: 1 },
      { name: "Message", type: "string", jsonPath: condition("Ready", "message"), priority: 1 },
      { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
    ],
  });
}

export function pooledTaskCrd(): CustomResourceDefinition {
  return customResourceDefinition({
    resource: pooledTasks,
    description: "A function, given as a Pod template, mapped over items in a ResourcePool.",
    shortNames: ["ptask"],
    categories: ["pools"],
    spec: pooledTaskSpec,
    status: pooledTaskStatus,
    rules: [nameRule(40)],
    selectableFields: [".spec.poolRef.name"],
    columns: [
      { name: "Pool", type: "string", jsonPath: ".spec.poolRef.name" },
      { name: "Succeeded", type: "string", jsonPath: condition("Succeeded", "status") },
      { name: "Done", type: "string", jsonPath: ".status.summary.items", description: "Items done of all." },
      { name: "Running", type: "integer", jsonPath: ".status.shards.running", description: "Shards that run." },
      { name: "Reason", type: "string", jsonPath: condition("Succeeded", "reason"), description: "Why it stands so." },
      { name: "ETA", type: "string", jsonPath: ".status.summary.eta", description: "How long it will still take." },
      { name: "Message", type: "string", jsonPath: condition("Succeeded", "message"), priority: 1 },
      { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
    ],
  });
}
