// What the operator tells of a pool: the schema of a ResourcePool's status. Output only, but for `queue`, its memory.
import * as z from "zod";
import { recommendationTypes } from "../scheduling/advice/recommendation.ts";
import { learnedKeysMax } from "../scheduling/learned.ts";
import { conditions } from "./condition.ts";
import { openStartBytesMax } from "./open-starts.ts";
import {
  backfillCandidates,
  backfillPolicy,
  orderName,
  placementName,
  preemptionReclaim,
  preemptionWithinPool,
  stopPolicy,
} from "./pool-words.ts";
import { quantities, toldQuantity } from "./quantity.ts";
import { queueMemoryFields } from "./queue-memory.ts";

/** Of one pool. */
export const recommendationsMax = 5;
/** Characters of a sentence in one. */
export const sentenceMax = 1024;
/** Characters of what was learned under one key, with the end of its line. */
const learnedLineMax = 97;

const count = (about: string) => z.int().min(0).describe(about);

export const resourcePoolStatus = z
  .object({
    observedGeneration: z.int().min(0).exactOptional().describe("The metadata.generation that this status is about."),
    effective: z
      .object({
        order: z.array(orderName).max(16).describe("The order in force."),
        backfill: z
          .object({
            policy: backfillPolicy.describe("The policy in force."),
            candidates: backfillCandidates.describe("The order of candidates in force."),
          })
          .describe("The backfill in force."),
        maxWaitSeconds: count("After how long a task stands in front by age."),
        preemption: z
          .object({
            withinPool: preemptionWithinPool.describe("What is in force within the pool."),
            reclaim: preemptionReclaim.describe("What is in force against those who borrow from it."),
          })
          .describe("The preemption in force."),
        placement: placementName.describe("The placement in force."),
        defaultRequests: quantities.describe("The default requests in force."),
        stopPolicy: stopPolicy.describe("The strictest of its own and its ancestors' stop policies."),
      })
      .exactOptional()
      .describe("What is in force, what it inherits included. Absent while its place in the tree is not known."),
    nodes: z
      .object({
        total: count("All nodes of the pool."),
        ready: count("Nodes that may take shards."),
        cordoned: count("Nodes that are cordoned."),
      })
      .exactOptional()
      .describe("The nodes by their state. Of a root only."),
    resources: z
      .array(
        z.object({
          name: z.string().max(317).describe("The resource, such as cpu."),
          capacity: toldQuantity.describe(
            "Of a root: what its nodes offer to Pods. Of a child: what it may use at most, all limits above it considered.",
          ),
          reserved: toldQuantity
            .describe(
              "Of a root: what its children have reserved. Of a child: what is reserved for it, as far as it could be paid.",
            )
            .exactOptional(),
          foreign: toldQuantity.describe("What Pods hold on the nodes that are not shards. Of a root only, else 0."),
          allocated: toldQuantity.describe("What shards hold, those of the pools below included."),
          free: toldQuantity.describe("What is left on nodes that may take shards, and under all limits."),
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
      .describe("The tasks by their state, those of the pools below included, finished ones left out."),
    shards: z
      .object({
        waiting: count("Shards that wait for a place."),
        starting: count("Shards whose Pod is being started."),
        running: count("Shards whose container runs."),
      })
      .exactOptional()
      .describe("The shards by their state, those of the pools below included."),
    summary: z
      .object({
        cpu: z.string().max(64).describe("CPUs allocated of those there are, such as 61/96."),
        utilization: z
          .string()
          .max(64)
          .describe("CPUs allocated of those that Pods of others leave, such as 65%.")
          .exactOptional(),
        reserved: z.string().max(64).describe("CPUs reserved, such as 16.").exactOptional(),
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
        fairnessPercent: count(
          "How evenly those with demand got what they are entitled to (Jain's index): the pools below and the pool's own tasks by reservation and shares; without pools below, its namespaces alike.",
        ).exactOptional(),
        headDelayMs: count(
          "How much later than first promised the tasks started that waited in front.",
        ).exactOptional(),
      })
      .exactOptional()
      .describe(
        "The last hour in numbers; formulas in docs/scheduling.md. Absent numbers had nothing to be computed from.",
      ),
    recommendations: z
      .array(
        z.object({
          type: z.enum(recommendationTypes).describe("What would help; docs/scheduling.md tells of each."),
          reason: z.string().max(sentenceMax).describe("What is the case."),
          gain: z.string().max(256).describe("What it would bring, as the planner found."),
          cost: z.string().max(sentenceMax).describe("What it takes."),
        }),
      )
      .max(recommendationsMax)
      .exactOptional()
      .describe(
        "What would help, the most useful first. Each was tried by running the planner forward, and is told after it has held for some minutes. Absent: nothing.",
      ),
    queue: z
      .object({
        term: z
          .string()
          .max(512)
          .exactOptional()
          .describe("The operator that leads, and how often leadership has changed."),
        openStarts: z
          .array(z.string().max(openStartBytesMax))
          .max(1000)
          .exactOptional()
          .describe(
            "Of a root only: starts in its tree that are decided and whose Pods have not been seen yet; they count as used. Each is namespace/task, uid of the task, shard/attempt, node and what the shard holds there.",
          ),
        learned: z
          .array(z.string().max(learnedKeysMax * learnedLineMax))
          .max(learnedKeysMax)
          .exactOptional()
          .describe(
            "How long items run, a line for what tasks have in common: a digest of it, how many attempts ended, mean and nine tenths in milliseconds. The one learned from longest ago first. Of a root only.",
          ),
        ...queueMemoryFields,
      })
      .exactOptional()
      .describe("The operator's own memory. Do not edit it: capacity is counted by it."),
    conditions: conditions.exactOptional(),
  })
  .describe("Where the pool stands. Written by the operator alone.");

export type ResourcePoolStatus = z.output<typeof resourcePoolStatus>;
