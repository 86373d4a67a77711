import { expect, test } from "vitest";
import type { ItemRecord, RecordLine } from "../../src/api/records.ts";
import { InOrder, Outcomes } from "../../src/view/outcomes.ts";

const success = (item: number, result = `r${item}`): ItemRecord => ({
  kind: "item",
  item,
  shard: item,
  attempts: 1,
  result,
});
const failure = (item: number, message = "no"): ItemRecord => ({
  kind: "item",
  item,
  shard: item,
  attempts: 1,
  exit: 1,
  reason: "Error",
  message,
});

function outcomesOf(lines: readonly RecordLine[], { items = 4, retries = 0 } = {}): Outcomes {
  const outcomes = new Outcomes(items, retries);
  for (const line of lines) outcomes.add(line);
  return outcomes;
}

test("the first accepted success counts, whatever is recorded later", () => {
  const outcomes = outcomesOf([success(0, "first"), success(0, "second"), failure(0)]);
  expect(outcomes.of(0)).toEqual({ kind: "succeeded", record: success(0, "first") });
  expect(outcomes.failures()).toEqual([]);
});

test("of an item that never succeeded the last failure counts", () => {
  const outcomes = outcomesOf([failure(1, "first"), failure(0), failure(1, "last")], { retries: 2 });
  expect(outcomes.failures().map(({ item, message }) => [item, message])).toEqual([
    [0, "no"],
    [1, "last"],
  ]);
});

test("a failure is final once the retries are used up, and no longer when another round is asked for", () => {
  const lines: RecordLine[] = [failure(0), failure(0)];
  expect(outcomesOf(lines, { retries: 2 }).of(0)).toMatchObject({ kind: "failed", final: false });
  expect(outcomesOf(lines, { retries: 1 }).of(0)).toMatchObject({ kind: "failed", final: true });
  expect(outcomesOf([...lines, { kind: "retry", round: 1 }], { retries: 1 }).of(0)).toMatchObject({ final: false });
});

test("successes that were not kept are neither open nor failed", () => {
  const outcomes = outcomesOf([failure(1), { kind: "unkept", items: "1-2", ms: 1 }]);
  expect([0, 1, 2, 3].map((item) => outcomes.of(item).kind)).toEqual(["open", "unkept", "unkept", "open"]);
  expect(outcomes.unkeptCount).toBe(2);
  expect(outcomes.failures()).toEqual([]);
});

test("ranges that somebody wrote by hand beyond the items do no harm", () => {
  expect(outcomesOf([{ kind: "unkept", items: "2-999999999", ms: 1 }]).unkeptCount).toBe(2);
  expect(outcomesOf([{ kind: "unkept", items: "many", ms: 1 }]).unkeptCount).toBe(0);
});

test("items are handed out in order, each once, as soon as all before them are settled", () => {
  const outcomes = new Outcomes(4, 0);
  const inOrder = new InOrder(4);
  const taken = (ended = false) => [...inOrder.take(outcomes, ended)].map(({ item }) => item);
  outcomes.add(success(1));
  expect(taken()).toEqual([]);
  outcomes.add(success(0));
  expect(taken()).toEqual([0, 1]);
  outcomes.add(failure(2));
  expect(taken()).toEqual([2]);
  expect(taken()).toEqual([]);
  outcomes.add(success(3));
  expect(taken(true)).toEqual([3]);
});

test("when nothing more will come, open items hold nobody up", () => {
  const outcomes = outcomesOf([success(3), failure(1)], { retries: 5 });
  expect([...new InOrder(4).take(outcomes, true)].map(({ item }) => item)).toEqual([1, 3]);
});
