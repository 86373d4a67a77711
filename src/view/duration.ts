// Spans of time as a person reads them in a table: two units at most, as kubectl prints ages. Knows no clock.

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** `45s`, `3m5s`, `41m`, `3h5m`, `2d5h`: the second unit is told only while it still matters. */
export function durationText(spanMs: number): string {
  const ms = Math.max(0, Math.round(spanMs / second) * second);
  if (ms < 2 * minute) return `${ms / second}s`;
  if (ms < 10 * minute) return twoUnits(ms, minute, "m", second, "s");
  if (ms < 3 * hour) return `${Math.floor(ms / minute)}m`;
  if (ms < 8 * hour) return twoUnits(ms, hour, "h", minute, "m");
  if (ms < 2 * day) return `${Math.floor(ms / hour)}h`;
  if (ms < 8 * day) return twoUnits(ms, day, "d", hour, "h");
  return `${Math.floor(ms / day)}d`;
}

function twoUnits(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)}${largeName}${rest === 0 ? "" : `${rest}${smallName}`}`;
}

/** The run time of one item, which may be short: `7ms`, `1.2s`, `3m5s`. */
export function runTimeText(ms: number): string {
  if (ms < second) return `${Math.round(ms)}ms`;
  if (ms < 10 * second) return `${(ms / second).toFixed(1)}s`;
  return durationText(ms);
}
