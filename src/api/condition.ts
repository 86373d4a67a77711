// What a condition in our status looks like, and the reading of one. Which condition says what is task-conditions.ts's.
import * as z from "zod";

export const condition = z.object({
  type: z.string().max(64).describe("What the condition is about, such as Succeeded or Ready."),
  status: z.enum(["True", "False", "Unknown"]).describe("Whether it holds."),
  observedGeneration: z
    .int()
    .min(0)
    .exactOptional()
    .describe("The metadata.generation that the condition was found for."),
  lastTransitionTime: z.iso.datetime().describe("When status last changed."),
  reason: z.string().min(1).max(128).describe("One word for why, from the closed list in docs/reasons.md."),
  message: z.string().max(32_768).describe("The same for people, with amounts and names."),
});

export const conditions = z
  .array(condition)
  .max(16)
  .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] })
  .describe("What holds now, one entry a type.");

export type ConditionStatus = "True" | "False" | "Unknown";
