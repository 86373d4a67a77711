import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Bar, stacked } from "../../src/view/stack.ts";

const bar = (fromMs: number, toMs: number, share: number): Bar => ({ fromMs, toMs, share });

describe("bars in a lane", () => {
  test("stand one above the other while both last, and take the freed place afterwards", () => {
    const placed = stacked([bar(0, 10, 0.5), bar(0, 20, 0.25), bar(10, 20, 0.5)]);
    expect(placed.map(({ bottom, height }) => [bottom, height])).toEqual([
      [0, 0.5],
      [0.5, 0.25],
      [0, 0.5],
    ]);
  });

  test("are cut where no one gap is large enough", () => {
    const placed = stacked([bar(0, 10, 0.4), bar(1, 30, 0.2), bar(2, 10, 0.4), bar(10, 30, 0.7)]);
    const parts = placed.filter((each) => each.bar.fromMs === 10);
    expect(parts.map(({ bottom }) => bottom)).toEqual([0, expect.closeTo(0.6, 9)]);
    expect(parts.reduce((sum, { height }) => sum + height, 0)).toBeCloseTo(0.7, 9);
  });

  test("never lie on each other, and are as high as their share, whenever the lane has room for all", () => {
    const bars = fc.array(fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 4 })), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(bars, (drawn) => {
        // As a node runs them: only what fits beside the others at that moment.
        const run: Bar[] = [];
        for (const [from, length, quarters] of drawn.sort(([a], [b]) => a - b)) {
          const beside = run.filter(({ toMs }) => toMs > from).reduce((sum, { share }) => sum + share, 0);
          if (beside + quarters / 4 <= 1) run.push(bar(from, from + length, quarters / 4));
        }
        const placed = stacked(run);
        for (const each of run) {
          const height = placed.filter((part) => part.bar === each).reduce((sum, part) => sum + part.height, 0);
          expect(height).toBeCloseTo(each.share, 6);
        }
        for (const a of placed) {
          for (const b of placed) {
            const isTogether = a !== b && a.bar.fromMs < b.bar.toMs && b.bar.fromMs < a.bar.toMs;
            if (isTogether)
              expect(a.bottom >= b.bottom + b.height - 1e-6 || b.bottom >= a.bottom + a.height - 1e-6).toBe(true);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
