// The comparisons that a pool's order chain may name.
import { equalShare } from "./equal-share.ts";
import { fairShare } from "./fair-share.ts";
import { firstCome } from "./first-come.ts";
import { largestRequest } from "./largest-request.ts";
import type { Order } from "./order.ts";
import { priority } from "./priority.ts";
import { roundRobin } from "./round-robin.ts";
import { shortestJob } from "./shortest-job.ts";
import { shortestRemaining } from "./shortest-remaining.ts";
import { smallestRequest } from "./smallest-request.ts";

export type OrderName =
  | "Priority"
  | "FirstCome"
  | "ShortestJob"
  | "ShortestRemaining"
  | "RoundRobin"
  | "SmallestRequest"
  | "LargestRequest"
  | "EqualShare"
  | "FairShare";

/** The schema's enum is checked against these names. */
export const orders: { readonly [Name in OrderName]: Order & { readonly name: Name } } = {
  Priority: priority,
  FirstCome: firstCome,
  ShortestJob: shortestJob,
  ShortestRemaining: shortestRemaining,
  RoundRobin: roundRobin,
  SmallestRequest: smallestRequest,
  LargestRequest: largestRequest,
  EqualShare: equalShare,
  FairShare: fairShare,
};

export const orderNames: readonly OrderName[] = Object.values(orders).map(({ name }) => name);
/** Those whose ranks move with what runs: a chain may end with one. */
export const movingOrders: readonly OrderName[] = orderNames.filter((name) => orders[name].moves);
export const defaultOrder: readonly OrderName[] = ["Priority", "FirstCome"];
