// ResourcePool: capacity with a queue. Its schema, its types, and the reading of one that somebody wrote. Does not know
// which nodes there are.
import type { KubeObject, Resource } from "@dsl/kube-operator";
import { z } from "zod";
import type { OrderName } from "../scheduling/order/index.ts";
import type { PlacementName } from "../scheduling/placement/index.ts";
import { type Quantities, quantities, toldQuantity } from "./amount.ts";
import { conditions } from "./condition.ts";
import { group, version } from "./group.ts";
import { labelSelectorSchema, type MakeObject } from "./label-selector.ts";
import type { Parsed } from "./problem.ts";
import { read, specOf } from "./reading.ts";
import { type Rule, validations } from "./rule.ts";

const count = (about: string) => z.int().min(0).describe(about);

const orderName = z.enum(["Priority", "FirstCome"] satisfies OrderName[]);
const placementName = z.enum(["FirstFit", "BinPack", "Spread"] satisfies PlacementName[]);

const poolFields = z.object({
  nodeSelector: labelSelectorSchema(
    z.object as unknown as MakeObject,
    "The nodes of the pool, by their labels. Neither this nor nodeNames: every node that no older pool has.",
  ).exactOptional(),
  nodeNames: z
    .array(z.string().min(1).max(253))
    .min(1)
    .max(5000)
    .exactOptional()
    .meta({ "x-kubernetes-list-type": "set" })
    .describe("The nodes of the pool, by name, instead of nodeSelector."),
  sharing: z
    .enum(["Shared", "Exclusive"])
    .exactOptional()
    .describe(
      "Exclusive: its nodes carry the taint kube-pool.dev/pool=<the pool's name>:NoSchedule, put there by an administrator, so that nobody else's Pods come there. Absent: Shared.",
    ),
  namespaceSelector: labelSelectorSchema(
    z.object as unknown as MakeObject,
    "Which namespaces may submit tasks, by their labels. {} is every one; absent is none.",
  ).exactOptional(),
  queue: z
    .object({
      order: z
        .array(orderName)
        .min(1)
        .max(2)
        .exactOptional()
        .describe(
          "Whose turn is next: a chain of comparisons, the first difference decides. Absent: [Priority, FirstCome].",
        ),
    })
    .exactOptional()
    .describe("How tasks wait."),
  placement: placementName
    .exactOptional()
    .describe(
      "On which node a shard is placed, of those that it fits. BinPack: the fullest; Spread: the emptiest; FirstFit: the first by name. Absent: BinPack.",
    ),
  defaultRequests: quantities
    .exactOptional()
    .describe('What a shard is counted and started with if its main container requests nothing. Absent: {cpu: "1"}.'),
});

const poolRules: readonly Rule<z.output<typeof poolFields>>[] = [
  {
    rule: "!(has(self.nodeSelector) && has(self.nodeNames))",
    message: "nodeSelector and nodeNames are both given; remove one of them",
    fieldPath: ".nodeNames",
    holds: ({ nodeSelector, nodeNames }) => nodeSelector === undefined || nodeNames === undefined,
  },
  {
    rule: "!has(self.queue) || !has(self.queue.order) || self.queue.order.all(o, self.queue.order.exists_one(p, p == o))",
    message: "queue.order names a comparison twice; remove one",
    fieldPath: ".queue",
    holds: ({ queue }) => new Set(queue?.order).size === (queue?.order ?? []).length,
  },
];

export const resourcePoolSpec = poolFields
  .meta(validations(poolRules))
  .describe("Which nodes, for whom, in what order.");

const openStart = z.object({
  namespace: z.string().max(63).describe("The task's namespace."),
  task: z.string().max(63).describe("The task's name."),
  taskUid: z.string().max(64).describe("The task's uid."),
  shard: count("The shard."),
  attempt: count("The number of its attempt."),
  node: z.string().max(253).describe("The node."),
  request: quantities.describe("What the shard holds there."),
});

export const resourcePoolStatus = z
  .object({
    observedGeneration: z.int().min(0).exactOptional().describe("The metadata.generation that this status is about."),
    effective: z
      .object({
        order: z.array(orderName).max(16).describe("The order in force."),
        placement: placementName.describe("The placement in force."),
        defaultRequests: quantities.describe("The default requests in force."),
      })
      .exactOptional()
      .describe("The values in force where the spec is silent."),
    nodes: z
      .object({
        total: count("All nodes of the pool."),
        ready: count("Nodes that may take shards."),
        cordoned: count("Nodes that are cordoned."),
      })
      .exactOptional()
      .describe("The nodes by their state."),
    resources: z
      .array(
        z.object({
          name: z.string().max(317).describe("The resource, such as cpu."),
          capacity: toldQuantity.describe("What the nodes offer to Pods."),
          foreign: toldQuantity.describe("What Pods hold that are not the pool's."),
          allocated: toldQuantity.describe("What shards hold."),
          free: toldQuantity.describe("What is left on nodes that may take shards."),
          utilizationPercent: count(
            "allocated ÷ (capacity − foreign); over 100 where nodes were lost under running shards.",
          ),
        }),
      )
      .max(64)
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
      .exactOptional()
      .describe("What the pool has, one entry a resource."),
    tasks: z
      .object({
        queued: count("Tasks that wait and run nothing."),
        running: count("Tasks that run something."),
        suspended: count("Tasks that are suspended."),
      })
      .exactOptional()
      .describe("The tasks by their state, finished ones left out."),
    shards: z
      .object({
        waiting: count("Shards that wait for a place."),
        starting: count("Shards whose Pod is being started."),
        running: count("Shards whose container runs."),
      })
      .exactOptional()
      .describe("The shards by their state."),
    summary: z
      .object({
        cpu: z.string().max(64).describe("CPUs allocated of those there are, such as 61/96."),
        tasks: z.string().max(64).describe("Such as 7 running, 4 queued."),
      })
      .exactOptional()
      .describe("Texts for the columns of kubectl get."),
    statistics: z
      .object({
        asOf: z.iso.datetime().describe("When it was computed."),
        windowSeconds: count("The time that it is about."),
        utilizationPercent: count(
          "allocated × time ÷ available × time, of the resource used most; available is capacity − foreign.",
        ).exactOptional(),
        itemsPerSecondMilli: count("Items ended a second, in thousandths.").exactOptional(),
        meanFirstStartMs: count("From submission to first start, of tasks that started.").exactOptional(),
        meanWaitMs: count("From when a shard could start to its start, of shards that started.").exactOptional(),
        meanResponseMs: count("From submission to end, of tasks that ended.").exactOptional(),
        boundedSlowdownMilli: count(
          "Response ÷ (work ÷ the shards that it may run at once, 10 s at least), in thousandths.",
        ).exactOptional(),
      })
      .exactOptional()
      .describe(
        "The last hour in numbers; formulas in docs/scheduling.md. Absent numbers had nothing to be computed from.",
      ),
    queue: z
      .object({
        term: z
          .string()
          .max(512)
          .exactOptional()
          .describe("The operator that leads, and how often leadership has changed."),
        openStarts: z
          .array(openStart)
          .max(1000)
          .exactOptional()
          .describe("Starts that are decided and whose Pods have not been seen yet; they count as used."),
      })
      .exactOptional()
      .describe("The operator's own memory. Do not edit it: capacity is counted by it."),
    conditions: conditions.exactOptional(),
  })
  .describe("Where the pool stands. Written by the operator alone.");

export type ResourcePoolSpec = z.output<typeof resourcePoolSpec>;
export type ResourcePoolStatus = z.output<typeof resourcePoolStatus>;
export type OpenStart = z.output<typeof openStart>;

export interface ResourcePool extends KubeObject {
  readonly kind: "ResourcePool";
  readonly spec: ResourcePoolSpec;
  readonly status?: ResourcePoolStatus;
}

export const resourcePools: Resource<ResourcePool> = {
  group,
  version,
  kind: "ResourcePool",
  plural: "resourcepools",
  namespaced: false,
};

/** What is in force where the spec of a root is silent. */
export interface EffectivePool {
  readonly order: readonly z.output<typeof orderName>[];
  readonly placement: z.output<typeof placementName>;
  readonly defaultRequests: Quantities;
  readonly sharing: "Shared" | "Exclusive";
}

export function effectivePool(spec: ResourcePoolSpec): EffectivePool {
  return {
    order: spec.queue?.order ?? ["Priority", "FirstCome"],
    placement: spec.placement ?? "BinPack",
    defaultRequests: spec.defaultRequests ?? { cpu: "1" },
    sharing: spec.sharing ?? "Shared",
  };
}

/** Reads a stored pool as hostile input: never throws. */
export function parseResourcePool(
  object: unknown,
): Parsed<{ readonly spec: ResourcePoolSpec; readonly effective: EffectivePool }> {
  const reading = read(resourcePoolSpec, poolRules, specOf(object), "spec", () => "TaskInvalid");
  return reading.ok ? { ok: true, spec: reading.value, effective: effectivePool(reading.value) } : reading;
}

/** The open starts that a stored pool remembers; those that cannot be read are left out. */
export function openStartsOf(pool: ResourcePool): readonly OpenStart[] {
  const stored: unknown = pool.status?.queue?.openStarts;
  return Array.isArray(stored) ? stored.flatMap((each) => openStart.safeParse(each).data ?? []) : [];
}
