// Where bars stand that share a lane: each gets a part of the height as large as its share, where nobody is meanwhile.

export interface Bar {
  readonly fromMs: number;
  readonly toMs: number;
  /** Of the height of the lane, above 0. */
  readonly share: number;
}

export interface Stacked<T> {
  readonly bar: T;
  /** From 0 (bottom) to 1. */
  readonly bottom: number;
  readonly height: number;
}

/** Amounts are sums of fractions: gaps that differ from a bar by less are as large. */
const tolerance = 1e-9;

/** The lowest gap that holds a bar whole, else parts of several gaps; what no gap is left for stands on top of the lane. */
export function stacked<T extends Bar>(bars: readonly T[]): readonly Stacked<T>[] {
  const placed: Stacked<T>[] = [];
  let standing: Stacked<T>[] = [];
  const inTime = [...bars].sort((a, b) => a.fromMs - b.fromMs || a.toMs - b.toMs);
  for (const bar of inTime) {
    standing = standing.filter((each) => each.bar.toMs > bar.fromMs);
    const gaps = gapsBetween(standing);
    const whole = gaps.find(({ height }) => height >= bar.share - tolerance);
    const parts = whole === undefined ? partsIn(gaps, bar.share) : [{ bottom: whole.bottom, height: bar.share }];
    for (const part of parts) {
      const here = { bar, ...part };
      placed.push(here);
      standing.push(here);
    }
  }
  return placed;
}

interface Part {
  readonly bottom: number;
  readonly height: number;
}

function gapsBetween(standing: readonly Part[]): readonly Part[] {
  const gaps: Part[] = [];
  let bottom = 0;
  for (const each of [...standing].sort((a, b) => a.bottom - b.bottom)) {
    if (each.bottom - bottom > tolerance) gaps.push({ bottom, height: each.bottom - bottom });
    bottom = Math.max(bottom, each.bottom + each.height);
  }
  if (1 - bottom > tolerance) gaps.push({ bottom, height: 1 - bottom });
  return gaps;
}

function partsIn(gaps: readonly Part[], share: number): readonly Part[] {
  const parts: Part[] = [];
  let left = share;
  for (const { bottom, height } of gaps) {
    if (left <= tolerance) break;
    parts.push({ bottom, height: Math.min(height, left) });
    left -= height;
  }
  return parts;
}
