// What a shard lacks on a set of nodes: the one resource that a person should look at first. Does not know why it matters.
import type { Shape } from "./fit.ts";
import type { NodeRoom } from "./ledger.ts";
import { amountOfText, amountText, requestText } from "./resources.ts";

export interface Shortage {
  /** InSum: all nodes together have too little. OnOneNode: no single one has enough. Together: each resource alone would do. */
  readonly kind: "InSum" | "OnOneNode" | "Together";
  /** What the nodes have of the resource in sum, and at most on one, with units: "9", "3"; the resource is named where it is not plain. */
  readonly sum: string;
  readonly most: string;
}

/** The resource of which the request asks most against what is there; `have` says which room counts. */
export function shortageOf(
  shape: Shape,
  rooms: readonly NodeRoom[],
  resources: readonly string[],
  have: (room: NodeRoom) => Float64Array,
): Shortage {
  const lines = shape.request.indexes
    .map((index, i) => {
      const amounts = rooms.map((room) => Math.max(0, have(room)[index] ?? 0));
      const sum = amounts.reduce((a, b) => a + b, 0);
      const most = amounts.reduce((a, b) => Math.max(a, b), 0);
      return { name: resources[index] ?? "", need: shape.request.amounts[i] ?? 0, sum, most };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const inSum = greatest(lines, ({ need, sum }) => need / sum);
  const onOne = greatest(lines, ({ need, most }) => need / most);
  const isShortInSum = inSum !== undefined && inSum.need > inSum.sum;
  const line = isShortInSum ? inSum : onOne;
  const isPlain = lines.filter(({ name }) => name !== "pods").length <= 1 && line?.name !== "pods";
  const text = (amount: number): string =>
    isPlain ? amountText(line?.name ?? "", amount, "down") : amountOfText(line?.name ?? "", amount, "down");
  const isShortOnOne = line !== undefined && line.need > line.most;
  return {
    kind: isShortInSum ? "InSum" : isShortOnOne ? "OnOneNode" : "Together",
    sum: text(line?.sum ?? 0),
    most: text(line?.most ?? 0),
  };
}

/** The first half of every sentence about room. */
export function asksFor(shape: Shape): string {
  return `each shard asks for ${requestText(shape.amounts)}`;
}

function greatest<T>(list: readonly T[], measure: (item: T) => number): T | undefined {
  let best: T | undefined;
  for (const item of list) if (best === undefined || measure(item) > measure(best)) best = item;
  return best;
}
