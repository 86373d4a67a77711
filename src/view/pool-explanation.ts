// Where a pool stands and what would help it, as named lines. Where the advice comes from (the status, or the planner at
// this moment) is the caller's choice: both are an `ExplainedPool`.
import type { ResourcePool, ResourcePoolStatus } from "../api/resource-pool.ts";
import { type ExplanationLine, roomOf, roomText } from "./explanation.ts";
import { type PoolRow, poolRow } from "./pool-row.ts";

export type ToldAdvice = NonNullable<ResourcePoolStatus["recommendations"]>[number] & {
  /** The pool that it is about: this one, or one above or below it. */
  readonly pool: string;
};

export interface ExplainedPool {
  readonly pool: PoolRow;
  readonly recommendations: readonly ToldAdvice[];
}

/** What the operator wrote last. */
export function poolExplainedByStatus(pool: ResourcePool): ExplainedPool {
  return { pool: poolRow(pool), recommendations: adviceIn(pool) };
}

export function adviceIn({ metadata: { name }, status }: ResourcePool): readonly ToldAdvice[] {
  return (status?.recommendations ?? []).map((each) => ({ pool: name, ...each }));
}

export function poolExplanationLines({ pool, recommendations }: ExplainedPool): readonly ExplanationLine[] {
  const line = (label: string, text: string | undefined): ExplanationLine[] =>
    text === undefined ? [] : [{ label, text }];
  const { nodes, tasks, shards } = pool;
  return [
    ...line("Pool", pool.parent === undefined ? pool.name : `${pool.name}, below ${pool.parent}`),
    ...line("State", pool.ready === undefined ? "not looked at yet" : pool.ready ? "ready" : "not ready"),
    ...line("Reason", pool.reason),
    ...line("Message", pool.message),
    ...line("Nodes", nodes && `${nodes.ready} of ${nodes.total} may take shards`),
    ...line("Room", roomText(roomOf(pool))),
    ...line("Tasks", tasks && `${tasks.running} running, ${tasks.queued} queued, ${tasks.suspended} suspended`),
    ...line("Shards", shards && `${shards.running} running, ${shards.starting} starting, ${shards.waiting} waiting`),
    ...recommendations.flatMap((each) => [
      { label: each.pool === pool.name ? each.type : `${each.type} (${each.pool})`, text: each.reason },
      { label: "  Gain", text: each.gain },
      { label: "  Cost", text: each.cost },
    ]),
    ...line("Advice", recommendations.length === 0 ? "none" : undefined),
  ];
}
