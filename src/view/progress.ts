// How far a task is, in words and numbers. Draws nothing.
import { durationText } from "./duration.ts";
import { doneText, type TaskRow } from "./task-row.ts";

export interface Progress extends Pick<TaskRow, "name" | "items" | "percent"> {
  /** Shards that have a node, and whose container does not run yet. */
  readonly starting: number;
  readonly running: number;
  readonly itemsPerSecondMilli: number | undefined;
  readonly remainingMs: number | undefined;
}

export function progressOf({ name, items, percent, shards, itemsPerSecondMilli, remainingMs }: TaskRow): Progress {
  return {
    name,
    items,
    percent,
    starting: shards.starting,
    running: shards.running,
    itemsPerSecondMilli: percent < 100 ? itemsPerSecondMilli : undefined,
    remainingMs: percent < 100 ? remainingMs : undefined,
  };
}

/** `675/10000 items`, `6 starting`, `58 running`, `5.1/s`, `41m left`, `4 failed`: only what there is to tell. */
export function progressParts(progress: Progress): readonly string[] {
  const { items, starting, running, itemsPerSecondMilli, remainingMs } = progress;
  const parts = [`${doneText(items)} items`];
  if (starting > 0) parts.push(`${starting} starting`);
  if (running > 0) parts.push(`${running} running`);
  if (itemsPerSecondMilli !== undefined && itemsPerSecondMilli > 0)
    parts.push(`${(itemsPerSecondMilli / 1000).toFixed(1)}/s`);
  if (remainingMs !== undefined) parts.push(`${durationText(remainingMs)} left`);
  if (items.failed > 0) parts.push(`${items.failed} failed`);
  return parts;
}
