// A ResourcePool as a row: what it has, what is used, what waits. Reads what the operator wrote; decides nothing.
import type { ResourcePool } from "../api/resource-pool.ts";

export interface PoolRow {
  readonly name: string;
  /** The pool that it divides; a root has none. */
  readonly parent: string | undefined;
  /** Undefined until the operator has looked at the pool. */
  readonly ready: boolean | undefined;
  /** Why it is not ready. */
  readonly reason: string | undefined;
  readonly message: string | undefined;
  readonly nodes: { readonly total: number; readonly ready: number; readonly cordoned: number } | undefined;
  /** CPUs allocated of those there are: `61/96`. */
  readonly cpu: string | undefined;
  readonly utilizationPercent: number | undefined;
  readonly tasks: { readonly queued: number; readonly running: number; readonly suspended: number } | undefined;
  readonly shards: { readonly waiting: number; readonly starting: number; readonly running: number } | undefined;
  readonly resources: readonly PoolResourceRow[];
  readonly created: number;
}

export interface PoolResourceRow {
  readonly name: string;
  readonly capacity: string;
  readonly reserved: string;
  readonly foreign: string;
  readonly allocated: string;
  readonly free: string;
  readonly utilizationPercent: number;
}

export function poolRow(pool: ResourcePool): PoolRow {
  const { metadata, status } = pool;
  const condition = status?.conditions?.find(({ type }) => type === "Ready");
  const ready = condition === undefined || condition.status === "Unknown" ? undefined : condition.status === "True";
  return {
    name: metadata.name,
    parent: pool.spec?.parentRef?.name,
    ready,
    reason: ready === true ? undefined : condition?.reason,
    message: ready === true ? undefined : condition?.message,
    nodes: status?.nodes,
    cpu: status?.summary?.cpu,
    utilizationPercent: status?.resources?.find(({ name }) => name === "cpu")?.utilizationPercent,
    tasks: status?.tasks,
    shards: status?.shards,
    resources: (status?.resources ?? []).map(({ name, capacity, reserved = "0", ...of }) => ({
      name,
      capacity: String(capacity),
      reserved: String(reserved),
      foreign: String(of.foreign),
      allocated: String(of.allocated),
      free: String(of.free),
      utilizationPercent: of.utilizationPercent,
    })),
    created: Date.parse(metadata.creationTimestamp),
  };
}
