// The words that a pool may name, as schemas. Which there are is the planner's to say: each list is compared with its own.
import * as z from "zod";
import type { Backfill, Preemption } from "../scheduling/model.ts";
import type { OrderName } from "../scheduling/order/index.ts";
import type { PlacementName } from "../scheduling/placement/index.ts";

export const orderName = z.enum([
  "Priority",
  "FirstCome",
  "ShortestJob",
  "ShortestRemaining",
  "RoundRobin",
  "SmallestRequest",
  "LargestRequest",
  "EqualShare",
  "FairShare",
] satisfies OrderName[]);

export const placementName = z.enum([
  "FirstFit",
  "BinPack",
  "Spread",
  "DotProduct",
  "FragmentationGradient",
  "Packability",
] satisfies PlacementName[]);

export const backfillPolicy = z.enum(["None", "BestEffort", "Easy", "Conservative"] satisfies Backfill["policy"][]);
export const backfillCandidates = z.enum(["ShortestFirst", "QueueOrder"] satisfies Backfill["candidates"][]);

export const preemptionWithinPool = z.enum(["Never", "LowerPriority"] satisfies Preemption["withinPool"][]);
export const preemptionReclaim = z.enum(["Never", "Always"] satisfies Preemption["reclaim"][]);

export const stopPolicy = z.enum(["None", "Stop", "StopAndDrain"]);
export type StopPolicy = z.output<typeof stopPolicy>;
