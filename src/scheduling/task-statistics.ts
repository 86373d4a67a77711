// A task's numbers, folded from what became of its attempts: W, P, T and E of the sources. Does not know shards, items
// or objects, only facts about attempts that have ended.

/** One attempt of one shard, once it has ended. */
export interface AttemptFacts {
  /** When it was decided: from here on it held a place. */
  readonly decidedAt: number;
  /** When its container started; absent if it never did. */
  readonly startedAt?: number;
  readonly endedAt: number;
  /** Run times of the items whose outcome this attempt accounted for, summed. */
  readonly workMs: number;
  /** Run times of items that have to run again, or ran elsewhere too: lost nodes, stopped shards, losing copies. */
  readonly lostMs: number;
}

/** The fold of all attempts so far: a few numbers, in whatever order the attempts came. */
export interface TaskFacts {
  readonly created: number;
  readonly firstStart?: number;
  readonly lastEnd?: number;
  readonly workMs: number;
  readonly wastedMs: number;
  /** H: from decision to end, of every attempt. */
  readonly heldMs: number;
}

export interface TaskStatistics {
  /** Submission to first start; absent before it. */
  readonly waitMs?: number;
  /** W: what the items took, one after the other. */
  readonly workMs: number;
  /** T: first start to last end. */
  readonly runMs: number;
  /** E = W / T: how many items ran at once in the mean. */
  readonly averageParallelismMilli: number;
  /** P in effect = H / T: how many places were held in the mean, those of attempts that start up included. */
  readonly parallelismMilli: number;
  /** W / H: what of the places' time was work that counts. */
  readonly efficiencyPercent: number;
  readonly wastedMs: number;
}

export function noAttempts(created: number): TaskFacts {
  return { created, workMs: 0, wastedMs: 0, heldMs: 0 };
}

export function withAttempt(
  facts: TaskFacts,
  { decidedAt, startedAt, endedAt, workMs, lostMs }: AttemptFacts,
): TaskFacts {
  return {
    ...facts,
    ...(startedAt !== undefined && { firstStart: Math.min(facts.firstStart ?? startedAt, startedAt) }),
    lastEnd: Math.max(facts.lastEnd ?? endedAt, endedAt),
    workMs: facts.workMs + workMs,
    wastedMs: facts.wastedMs + lostMs,
    heldMs: facts.heldMs + (endedAt - decidedAt),
  };
}

export function taskStatistics({ created, firstStart, lastEnd, workMs, wastedMs, heldMs }: TaskFacts): TaskStatistics {
  const runMs = firstStart === undefined ? 0 : Math.max(0, (lastEnd ?? firstStart) - firstStart);
  const perRunMilli = (time: number): number => (runMs > 0 ? Math.round((1000 * time) / runMs) : 0);
  return {
    ...(firstStart !== undefined && { waitMs: Math.max(0, firstStart - created) }),
    workMs,
    runMs,
    averageParallelismMilli: perRunMilli(workMs),
    parallelismMilli: perRunMilli(heldMs),
    efficiencyPercent: heldMs > 0 ? Math.round((100 * workMs) / heldMs) : 0,
    wastedMs,
  };
}
