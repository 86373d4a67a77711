// Where the ticks of a time axis stand, at round distances. Knows no picture.
import { durationText } from "./duration.ts";

export interface Tick {
  readonly atMs: number;
  readonly text: string;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const steps = [
  ...[1, 2, 5, 10, 20, 30].map((count) => count * second),
  ...[1, 2, 5, 10, 20, 30].map((count) => count * minute),
  ...[1, 2, 3, 6, 12].map((count) => count * hour),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map((count) => count * day),
];

/** From 0 to the span, at most `most` of them; always the one at 0. */
export function timeTicks(spanMs: number, most: number): readonly Tick[] {
  const step = steps.find((each) => spanMs / each <= most) ?? Math.ceil(spanMs / most / day) * day;
  const count = Math.floor(spanMs / step);
  return Array.from({ length: count + 1 }, (_, index) => ({ atMs: index * step, text: durationText(index * step) }));
}
