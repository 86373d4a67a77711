// What the operator tells of a task: the schema of a PooledTask's status. Output only, but for the digest of its items.
import * as z from "zod";
import { stallReasons, waitReasons } from "../scheduling/decision.ts";
import { conditions } from "./condition.ts";

const count = (about: string) => z.int().min(0).describe(about);

const failure = z.object({
  item: count("The item's number, from 0."),
  shard: count("Its shard."),
  attempts: count("How often it was tried."),
  exitCode: z.int().exactOptional().describe("The container's exit status, where it ran."),
  reason: z.string().max(128).describe("One word, such as Error, OOMKilled or TimedOut."),
  node: z.string().max(253).exactOptional().describe("Where its last attempt ran."),
  message: z.string().max(4096).exactOptional().describe("The last lines that it said."),
  count: count("How many items failed alike."),
});

export const pooledTaskStatus = z
  .object({
    observedGeneration: z.int().min(0).exactOptional().describe("The metadata.generation that this status is about."),
    engine: z
      .object({
        name: z
          .enum(["Native", "Managed"])
          .describe("Native: a Job an attempt. Managed: one Job for all, whose Pods the operator creates."),
        binding: z
          .enum(["Scheduler", "Direct"])
          .describe(
            "Scheduler: the Kubernetes scheduler has the last word on the node. Direct: Pods are created on it.",
          ),
        reason: z.string().max(1024).describe("Why this binding."),
      })
      .exactOptional()
      .describe("How shards become Pods, chosen at the first start and kept."),
    shards: z
      .object({
        total: count("All shards."),
        waiting: count("Shards that wait for a place."),
        starting: count("Shards whose Pod is being started."),
        running: count("Shards whose container runs."),
        succeeded: count("Shards all of whose items succeeded."),
        failed: count("Shards with failed items and no attempt left."),
      })
      .exactOptional()
      .describe(
        "The shards by their state. One whose Pod has ended is in none until its outcome is recorded, about a second later.",
      ),
    items: z
      .object({
        total: count("All items."),
        succeeded: count("Items with a result."),
        failed: count("Items that failed, with no attempt left."),
        digest: z
          .string()
          .max(71)
          .exactOptional()
          .describe(
            "What the items were when first seen; if those of configMapRefs change, the task stops as ItemsChanged.",
          ),
        completed: z
          .string()
          .max(512)
          .exactOptional()
          .describe("The numbers of the items that succeeded, such as 0-611,650-712: 20 ranges at most, then …"),
      })
      .exactOptional()
      .describe("The items by what became of them."),
    progress: z
      .object({
        percent: z.int().min(0).max(100).describe("Items that have ended, in hundredths."),
        itemsPerSecondMilli: z
          .int()
          .min(0)
          .exactOptional()
          .describe("Items ended a second since the task last rested, in thousandths."),
        estimatedCompletion: z.iso
          .datetime()
          .exactOptional()
          .describe(
            "When it will be done on the places that it has now: told once it has shown how long an item and a start take.",
          ),
      })
      .exactOptional()
      .describe("How far the task is."),
    queue: z
      .object({
        position: z
          .int()
          .min(1)
          .exactOptional()
          .describe("1 for the task whose turn is next; for the first 20 of a pool."),
        reason: z
          .enum([...waitReasons, ...stallReasons])
          .describe("Why shards wait: one word of the list in docs/reasons.md."),
        message: z.string().max(4096).describe("The same in a sentence, with amounts and names."),
        expectedStart: z.iso
          .datetime()
          .exactOptional()
          .describe("When the next of its shards is expected to start, by the planner run forward; where position is."),
        wouldStartIf: z
          .array(z.string().max(512))
          .max(3)
          .exactOptional()
          .describe("Small changes each of which alone would start something of it now; where position is."),
      })
      .exactOptional()
      .describe("Why the task, or what is left of it, does not run. Absent while nothing waits."),
    failures: z.array(failure).max(10).exactOptional().describe("The first distinct failures, at most 10."),
    results: z
      .object({
        segments: count("The ConfigMaps with records, <task>-<6 characters of its uid>-results-0 and on."),
        bytes: count("What the results take together."),
        truncated: count("Results that were cut off at their limit of 4096 bytes, or not kept for results.maxBytes."),
        absent: count("Items that succeeded and wrote no result.").exactOptional(),
        notReduced: z
          .string()
          .max(512)
          .exactOptional()
          .describe("The first result that results.reduce could not take, and how many more."),
        reduced: z.string().max(32_768).exactOptional().describe("What results.reduce made of all results."),
      })
      .exactOptional()
      .describe("The results; kubectl pool results prints them."),
    statistics: z
      .object({
        waitMs: count("From creation to the first start."),
        runMs: count("From the first start to the last end so far."),
        workMs: count("The run times of all items together."),
        averageParallelismMilli: count("workMs ÷ runMs, in thousandths."),
        efficiencyPercent: count("workMs ÷ the time for which places were held."),
        wastedMs: count("Place time of attempts that brought nothing."),
      })
      .exactOptional()
      .describe("Times, in milliseconds; formulas in docs/scheduling.md."),
    startTime: z.iso.datetime().exactOptional().describe("When its first shard started."),
    completionTime: z.iso.datetime().exactOptional().describe("When it ended."),
    handledRetry: z.int().min(0).exactOptional().describe("The spec.retryFailed that was carried out last."),
    summary: z
      .object({
        items: z.string().max(64).describe("Items done of all, such as 675/10000."),
        eta: z.string().max(64).exactOptional().describe("How long it will still take, such as 41m."),
      })
      .exactOptional()
      .describe("Texts for the columns of kubectl get."),
    conditions: conditions.exactOptional(),
  })
  .describe("Where the task stands. Written by the operator alone.");

export type PooledTaskStatus = z.output<typeof pooledTaskStatus>;
export type TaskFailure = z.output<typeof failure>;
