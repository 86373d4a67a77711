// A chain of stops may hold one too many: who comes later takes a place that was made before, or what stops for him would
// have done for both. Each is tried with its shard running on. Does not know how a pass decides.
import type { Stop } from "./decision.ts";
import type { Carriable } from "./forward.ts";
import type { Snapshot } from "./model.ts";

/** Each try costs a pass: of longer chains none is tried. */
const triesMax = 8;

/**
 * The stops that may be too many, those with the most to lose first; none where one task alone has made them. One shard
 * less is no help to a task that runs with its minimum or not at all.
 */
export function doubtful({ decisions, memory }: Carriable, { tasks }: Snapshot): readonly Stop[] {
  const made = decisions.filter((each): each is Stop => each.kind === "stop" && each.for !== undefined);
  if (made.length < 2 || made.length > triesMax || placesOf(memory).size < 2) return [];
  const found = made.flatMap((stop) => {
    const task = tasks.find(({ key }) => key === stop.task);
    const shard = task?.active.find((each) => each.shard === stop.shard);
    return shard === undefined || (task?.minParallelism ?? 1) > 1 ? [] : [{ stop, since: shard.since }];
  });
  return found.sort((a, b) => a.since - b.since).map(({ stop }) => stop);
}

/** Nothing more has to stop or to start, and everybody keeps as many places. */
export function suffices(trial: Carriable, { memory }: Carriable): boolean {
  const kept = placesOf(trial.memory);
  return trial.decisions.length === 0 && [...placesOf(memory)].every(([task, count]) => (kept.get(task) ?? 0) >= count);
}

/** By task, how many places are kept for it until what stops there has ended. */
function placesOf(memory: Carriable["memory"] = {}): ReadonlyMap<string, number> {
  return new Map(
    Object.values(memory).flatMap(({ claims = [] }) => claims.map(({ task, nodes }) => [task, nodes.length] as const)),
  );
}
