// How much of something is used, column by column of a picture: exact means, whatever the number of spans.

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  /** What it uses all that time, as a share of the whole. */
  readonly share: number;
}

/** The mean use in each of `columns` equal parts of the time from 0 to `spanMs`. */
export function useByColumn(spans: Iterable<Span>, spanMs: number, columns: number): Float64Array {
  const use = new Float64Array(columns);
  // Whole columns are counted where they begin and end; a running sum then fills them.
  const change = new Float64Array(columns + 1);
  const width = spanMs / columns;
  if (!(width > 0)) return use;
  for (const { fromMs, toMs, share } of spans) {
    const from = Math.max(0, fromMs / width);
    const to = Math.min(columns, toMs / width);
    if (to <= from) continue;
    const first = Math.min(columns - 1, Math.floor(from));
    const last = Math.min(columns - 1, Math.floor(to));
    if (first === last) {
      use[first] = (use[first] ?? 0) + share * (to - from);
      continue;
    }
    use[first] = (use[first] ?? 0) + share * (first + 1 - from);
    use[last] = (use[last] ?? 0) + share * (to - last);
    change[first + 1] = (change[first + 1] ?? 0) + share;
    change[last] = (change[last] ?? 0) - share;
  }
  let running = 0;
  for (let column = 0; column < columns; column += 1) {
    running += change[column] ?? 0;
    use[column] = (use[column] ?? 0) + running;
  }
  return use;
}
