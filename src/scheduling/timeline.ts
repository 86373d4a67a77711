// What is free over time, on a node or under a limit, as far as anybody knows: more where shards end, less where holds
// begin. Does not know whose they are.
import { add, type Request, timesIn } from "./ledger.ts";

interface Step {
  readonly at: number;
  /** From then until the next step. */
  readonly free: Float64Array;
}

export class Track {
  private readonly steps: Step[];

  constructor(now: number, free: Float64Array) {
    this.steps = [{ at: now, free }];
  }

  /** Adds the request so many times from one moment until another. */
  change(request: Request, from: number, until: number, factor: number): void {
    const first = this.cut(from);
    const end = until === Number.POSITIVE_INFINITY ? this.steps.length : this.cut(until);
    for (let i = first; i < end; i += 1) {
      const step = this.steps[i];
      if (step) add(step.free, request, factor);
    }
  }

  at(moment: number): Float64Array {
    return this.steps[this.indexAt(moment)]?.free ?? new Float64Array();
  }

  /** So many such requests fit all the time from one moment until another; `through`: what begins then counts, too. */
  timesDuring(request: Request, from: number, until: number, through: boolean = false): number {
    let times = Number.POSITIVE_INFINITY;
    for (let i = this.indexAt(from); times > 0; i += 1) {
      const step = this.steps[i];
      if (step === undefined || (step.at > from && (through ? step.at > until : step.at >= until))) break;
      times = Math.min(times, timesIn(request, step.free));
    }
    return times;
  }

  /** The least of each resource meanwhile. */
  leastDuring(from: number, until: number): Float64Array {
    const first = this.indexAt(from);
    const least = Float64Array.from(this.steps[first]?.free ?? []);
    for (let i = first + 1; (this.steps[i]?.at ?? until) < until; i += 1) {
      this.steps[i]?.free.forEach((free, resource) => {
        if (free < (least[resource] ?? 0)) least[resource] = free;
      });
    }
    return least;
  }

  /** The first moment, not before `from`, from which `count` requests fit for so long; undefined if that never comes. */
  firstFit(request: Request, count: number, from: number, lengthMs: number): number | undefined {
    let start: number | undefined;
    for (let i = this.indexAt(from); i < this.steps.length; i += 1) {
      const step = this.steps[i];
      if (step === undefined) break;
      if (start !== undefined && step.at >= start + lengthMs) return start;
      if (timesIn(request, step.free) < count) start = undefined;
      else start ??= Math.max(from, step.at);
    }
    return start;
  }

  /** The moments, not before `from`, at which what fits for so long may change: each once, in order. */
  momentsFrom(from: number, lengthMs: number): readonly number[] {
    const moments = new Set(this.steps.flatMap(({ at }) => [at, at - lengthMs]));
    return [...moments].filter((moment) => moment >= from).sort((a, b) => a - b);
  }

  private indexAt(moment: number): number {
    let low = 0;
    let high = this.steps.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.steps[middle]?.at ?? 0) <= moment) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The index of the step that begins at the moment; what is before the first step counts as its beginning. */
  private cut(moment: number): number {
    const index = this.indexAt(moment);
    const step = this.steps[index];
    if (step === undefined || step.at >= moment) return index;
    this.steps.splice(index + 1, 0, { at: moment, free: Float64Array.from(step.free) });
    return index + 1;
  }
}

/**
 * The first moment at which `count` requests fit for so long on the nodes together, and under every limit. One place is
 * found node by node; several must be free at one time.
 */
export function firstFit(
  request: Request,
  count: number,
  lengthMs: number,
  now: number,
  rooms: readonly Track[],
  limits: readonly Track[],
): number | undefined {
  let from = now;
  for (;;) {
    const onNodes =
      count === 1 ? earliestOf(rooms, request, from, lengthMs) : together(rooms, request, count, from, lengthMs);
    if (onNodes === undefined) return undefined;
    let moment = onNodes;
    for (const limit of limits) {
      const under = limit.firstFit(request, count, moment, lengthMs);
      if (under === undefined) return undefined;
      moment = under;
    }
    if (moment === onNodes) return moment;
    from = moment;
  }
}

function earliestOf(rooms: readonly Track[], request: Request, from: number, lengthMs: number): number | undefined {
  let earliest: number | undefined;
  for (const room of rooms) {
    const moment = room.firstFit(request, 1, from, lengthMs);
    if (moment === from) return from;
    if (moment !== undefined && (earliest === undefined || moment < earliest)) earliest = moment;
  }
  return earliest;
}

function together(
  rooms: readonly Track[],
  request: Request,
  count: number,
  from: number,
  lengthMs: number,
): number | undefined {
  let sum = 0;
  /** What fits from that moment on; or from right after it, where something begins that the very moment just avoids. */
  const changes: { readonly at: number; readonly after: 0 | 1; readonly by: number }[] = [];
  for (const room of rooms) {
    let last = Math.min(count, room.timesDuring(request, from, from + lengthMs));
    sum += last;
    for (const at of room.momentsFrom(from, lengthMs)) {
      for (const after of [0, 1] as const) {
        const fitting = Math.min(count, room.timesDuring(request, at, at + lengthMs, after === 1));
        if (fitting !== last) changes.push({ at, after, by: fitting - last });
        last = fitting;
      }
    }
  }
  if (sum >= count) return from;
  changes.sort((a, b) => a.at - b.at || a.after - b.after);
  for (const [i, { at, after, by }] of changes.entries()) {
    sum += by;
    const next = changes[i + 1];
    if (sum >= count && (next?.at !== at || next.after !== after)) return at;
  }
  return undefined;
}
