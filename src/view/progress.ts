// How far a task is, in words and numbers. Draws nothing.
import { durationText } from "./duration.ts";
import type { TaskRow } from "./task-row.ts";

export interface Progress {
  readonly name: string;
  readonly done: number;
  readonly total: number;
  readonly failed: number;
  /** Shards that have a node, and whose container does not run yet. */
  readonly starting: number;
  readonly running: number;
  readonly itemsPerSecondMilli: number | undefined;
  readonly remainingMs: number | undefined;
}

export function progressOf({ name, items, shards, itemsPerSecondMilli, remainingMs }: TaskRow): Progress {
  const done = items.succeeded + items.failed;
  return {
    name,
    done,
    total: items.total,
    failed: items.failed,
    starting: shards.starting,
    running: shards.running,
    itemsPerSecondMilli: done < items.total ? itemsPerSecondMilli : undefined,
    remainingMs: done < items.total ? remainingMs : undefined,
  };
}

/** `675/10000 items`, `6 starting`, `58 running`, `5.1/s`, `41m left`, `4 failed`: only what there is to tell. */
export function progressParts(progress: Progress): readonly string[] {
  const { done, total, failed, starting, running, itemsPerSecondMilli, remainingMs } = progress;
  const parts = [`${done}/${total} items`];
  if (starting > 0) parts.push(`${starting} starting`);
  if (running > 0) parts.push(`${running} running`);
  if (itemsPerSecondMilli !== undefined && itemsPerSecondMilli > 0)
    parts.push(`${(itemsPerSecondMilli / 1000).toFixed(1)}/s`);
  if (remainingMs !== undefined) parts.push(`${durationText(remainingMs)} left`);
  if (failed > 0) parts.push(`${failed} failed`);
  return parts;
}
