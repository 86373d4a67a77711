// Nodes by score: whatever is set and removed, the best is the one that a search through all would find.
import fc from "fast-check";
import { expect, test } from "vitest";
import { Ranking } from "../../src/scheduling/ranking.ts";

const nodes = 12;
const changes = fc.array(fc.tuple(fc.nat(nodes - 1), fc.option(fc.integer({ min: -4, max: 4 }))), { maxLength: 200 });

/** The highest score; the lowest of equals. */
function bestOf(scores: ReadonlyMap<number, number>): number | undefined {
  return [...scores].sort(([a, x], [b, y]) => y - x || a - b)[0]?.[0];
}

test("its best is the best of all that were set and not removed since", () => {
  fc.assert(
    fc.property(changes, (each) => {
      const ranking = new Ranking(nodes);
      const scores = new Map<number, number>();
      for (const [node, score] of each) {
        if (score === null) {
          ranking.remove(node);
          scores.delete(node);
        } else {
          ranking.set(node, score);
          scores.set(node, score);
        }
        expect(ranking.best).toBe(bestOf(scores));
      }
    }),
    { numRuns: 500 },
  );
});

test("all come out in order, each once however often its score was set, and may be put back", () => {
  const ranking = new Ranking(nodes);
  for (let i = 0; i < 100; i += 1) ranking.set(i % nodes, (7 * i) % 5);
  const out: number[] = [];
  const scores: number[] = [];
  for (let best = ranking.best; best !== undefined; best = ranking.best) {
    out.push(best);
    scores.push(ranking.pop());
  }
  expect(out).toHaveLength(nodes);
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
  for (const [i, node] of out.entries()) ranking.set(node, scores[i] ?? 0);
  expect(ranking.best).toBe(out[0]);
  ranking.clear();
  expect(ranking.best).toBeUndefined();
});
