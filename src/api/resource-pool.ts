// ResourcePool: capacity with a queue. Its schema, its types, and the reading of one that somebody wrote. Does not know
// which nodes there are, nor what its parent says.
import type { KubeObject, Resource } from "@dsl/kube-operator";
import * as z from "zod";
import { movingOrders } from "../scheduling/order/index.ts";
import { group, version } from "./group.ts";
import { labelSelectorSchema, type MakeObject } from "./label-selector.ts";
import {
  backfillCandidates,
  backfillPolicy,
  orderName,
  placementName,
  preemptionReclaim,
  preemptionWithinPool,
  stopPolicy,
} from "./pool-words.ts";
import type { Parsed } from "./problem.ts";
import { quantities } from "./quantity.ts";
import { read, specOf } from "./reading.ts";
import type { ResourcePoolStatus } from "./resource-pool-status.ts";
import { immutable, type Rule, validations } from "./rule.ts";

export { type ResourcePoolStatus, resourcePoolStatus } from "./resource-pool-status.ts";

const sharesMax = 1_000_000;
const namedShares: Readonly<Record<string, number>> = { Low: 2000, Normal: 4000, High: 8000 };

const poolFields = z.object({
  parentRef: z
    .object({ name: z.string().min(1).max(63).describe("The ResourcePool above this one.") })
    .exactOptional()
    .describe(
      "Makes it a child: it divides the capacity of that pool, whose nodes it uses. Creating a child needs the verb divide on the parent. Cannot be changed. Absent: it is a root.",
    ),
  reservation: quantities
    .exactOptional()
    .describe(
      "Of a child only: its own before anybody's share, and lent to others while it is unused. Paid from the parent's reservation; a root's is its capacity.",
    ),
  limit: quantities
    .exactOptional()
    .describe(
      "What its shards, those of the pools below it included, never hold more of, also while others are idle. Absent: no limit of its own.",
    ),
  shares: z
    .union(
      [
        z.int().min(1).max(sharesMax),
        z
          .string()
          .max(6)
          .regex(/^(Low|Normal|High)$/),
      ],
      `is no weight; give Low (2000), Normal (4000), High (8000) or a whole number from 1 to ${sharesMax}`,
    )
    .exactOptional()
    .describe(
      "Of a child only: its weight against its siblings in what is left above all reservations. Low is 2000, Normal 4000, High 8000; or a number. Absent: Normal.",
    ),
  expandableReservation: z
    .boolean()
    .exactOptional()
    .describe(
      "Of a child only: whether the reservations of its own children may draw on its parent when its own reservation is used up. Absent: true.",
    ),
  nodeSelector: labelSelectorSchema(
    z.object as unknown as MakeObject,
    "Of a root only: the nodes of the pool, by their labels. Neither this nor nodeNames: every node that no older pool has.",
  ).exactOptional(),
  nodeNames: z
    .array(z.string().min(1).max(253))
    .min(1)
    .max(5000)
    .exactOptional()
    .meta({ "x-kubernetes-list-type": "set" })
    .describe("Of a root only: the nodes of the pool, by name, instead of nodeSelector."),
  sharing: z
    .enum(["Shared", "Exclusive"])
    .exactOptional()
    .describe(
      "Of a root only. Exclusive: its nodes carry the taint kube-pool.dev/pool=<the pool's name>:NoSchedule, put there by an administrator, so that nobody else's Pods come there. Absent: Shared.",
    ),
  namespaceSelector: labelSelectorSchema(
    z.object as unknown as MakeObject,
    "Which namespaces may submit tasks, by their labels. {} is every one; absent is none. A child admits only whom its ancestors admit too; absent there: all of those.",
  ).exactOptional(),
  queue: z
    .object({
      order: z
        .array(orderName)
        .min(1)
        .max(orderName.options.length)
        .exactOptional()
        .describe(
          "Whose turn is next: a chain of comparisons, the first difference decides. Of those that move with what runs (ShortestRemaining, RoundRobin, EqualShare, FairShare) at most one, as the last. Inherited; at a root: [Priority, FirstCome].",
        ),
      backfill: z
        .object({
          policy: backfillPolicy
            .exactOptional()
            .describe(
              "Who may pass a task that waits for room. None: nobody. BestEffort: whoever fits. Easy: whoever does not delay the task in front. Conservative: whoever delays none of the first 100 that wait. Inherited; at a root: Easy.",
            ),
          candidates: backfillCandidates
            .exactOptional()
            .describe(
              "In which order those behind are tried: ShortestFirst, by how long a shard is likely to last, or QueueOrder; under Conservative always as they stand. Inherited; at a root: ShortestFirst.",
            ),
        })
        .exactOptional()
        .describe("Who passes whom."),
      maxWaitSeconds: z
        .int()
        .min(1)
        .max(31_536_000)
        .exactOptional()
        .describe(
          "A task that has waited longer stands in front, the longest waiting first, until something of it starts. Inherited; at a root: 86400, a day.",
        ),
      preemption: z
        .object({
          withinPool: preemptionWithinPool
            .exactOptional()
            .describe(
              "LowerPriority: shards of the pool's own tasks of lower priority are stopped where a task could not start otherwise; in force where Priority comes first in the order. Inherited; at a root: Never.",
            ),
          reclaim: preemptionReclaim
            .exactOptional()
            .describe(
              "Always: shards of other pools that run on what this pool has reserved are stopped when its own tasks want it. Inherited; at a root: Never.",
            ),
        })
        .exactOptional()
        .describe(
          "Whose running shards may be stopped for a task that waits. It is no failure, and finished items are kept.",
        ),
    })
    .exactOptional()
    .describe("How tasks wait."),
  placement: placementName
    .exactOptional()
    .describe(
      "On which node a shard is placed, of those that it fits. BinPack: the fullest; Spread: the emptiest; DotProduct: the one whose room is shaped most like the request; FirstFit: the first by name; FragmentationGradient and Packability: where it takes least from the shards that usually come, which they learn from the queue. Inherited; at a root: BinPack.",
    ),
  defaultRequests: quantities
    .exactOptional()
    .describe(
      'What a shard is counted and started with if its main container requests nothing. Inherited; at a root: {cpu: "1"}.',
    ),
  stopPolicy: stopPolicy
    .default("None")
    .describe(
      "None: tasks run. Stop: nothing new starts, here and in the pools below. StopAndDrain: what runs is stopped too, without counting it as a retry. May be changed at any time.",
    ),
});

const childOnly = ["reservation", "shares", "expandableReservation"] as const;
const rootOnly = ["nodeSelector", "nodeNames", "sharing"] as const;
const moving = movingOrders.map((name) => `'${name}'`).join(", ");

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
  {
    rule: `!has(self.queue) || !has(self.queue.order) || self.queue.order.all(o, !(o in [${moving}]) || o == self.queue.order[size(self.queue.order) - 1])`,
    message: `queue.order: ${movingOrders.join(", ")} move with what runs; give at most one of them, as the last`,
    fieldPath: ".queue",
    holds: ({ queue }) => (queue?.order ?? []).slice(0, -1).every((name) => !movingOrders.includes(name)),
  },
  ...rootOnly.map(
    (field): Rule<z.output<typeof poolFields>> => ({
      rule: `!has(self.parentRef) || !has(self.${field})`,
      message: `${field} is of roots only, since a child uses the nodes of its parent; remove it or parentRef`,
      fieldPath: `.${field}`,
      holds: (spec) => spec.parentRef === undefined || spec[field] === undefined,
    }),
  ),
  ...childOnly.map(
    (field): Rule<z.output<typeof poolFields>> => ({
      rule: `has(self.parentRef) || !has(self.${field})`,
      message: `${field} is of children only; remove it, or name the pool to divide in parentRef`,
      fieldPath: `.${field}`,
      holds: (spec) => spec.parentRef !== undefined || spec[field] === undefined,
    }),
  ),
  immutable("parentRef", "create another pool"),
];

export const resourcePoolSpec = poolFields
  .meta(validations(poolRules))
  .describe("Which nodes or which part of another pool, for whom, in what order.");

export type ResourcePoolSpec = z.output<typeof resourcePoolSpec>;

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

/** Reads a stored pool as hostile input: never throws. */
export function parseResourcePool(object: unknown): Parsed<{ readonly spec: ResourcePoolSpec }> {
  const reading = read(resourcePoolSpec, poolRules, specOf(object), "spec", () => "TaskInvalid");
  return reading.ok ? { ok: true, spec: reading.value } : reading;
}

/** The name of the pool above, of a pool that may be anything. */
export function parentOf({ spec }: Pick<ResourcePool, "spec">): string | undefined {
  const name: unknown = spec?.parentRef?.name;
  return typeof name === "string" ? name : undefined;
}

/** Shares as a number, as vSphere counts them. */
export function sharesOf(shares: ResourcePoolSpec["shares"]): number {
  return typeof shares === "number" ? shares : (namedShares[shares ?? "Normal"] ?? 4000);
}
