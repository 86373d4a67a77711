// What a shard lacks on a set of nodes: the one resource that a person should look at first. Does not know why it matters.
import type { Shape } from "./fit.ts";
import { type Ledger, type NodeRoom, timesIn } from "./ledger.ts";
import { amountOfText, amountText } from "./resources.ts";

export interface Shortage {
  /** InSum: all nodes together have too little. OnOneNode: no single one has enough. Together: each resource alone would do. */
  readonly kind: "InSum" | "OnOneNode" | "Together";
  /** What the nodes have of the resource in sum, and at most on one, with units: "9", "3"; the resource is named where it is not plain. */
  readonly sum: string;
  readonly most: string;
}

/** Which of a node's amounts counts. */
export type Have = "free" | "emptied" | "allocatable";

interface Totals {
  readonly sum: Float64Array;
  readonly most: Float64Array;
}

/** Counts each set of nodes once, however many tasks lack something there. To be made when nothing starts any more. */
export class Shortages {
  readonly ledger: Ledger;
  /** Nodes that are ready and not cordoned. */
  readonly usable: number;
  private readonly places = new Map<Shape, number>();
  private readonly totals: Readonly<Record<Have, Map<readonly NodeRoom[], Totals>>>;

  constructor(ledger: Ledger) {
    this.ledger = ledger;
    this.usable = ledger.rooms.filter(({ usable }) => usable).length;
    this.totals = { free: new Map(), emptied: new Map(), allocatable: new Map() };
  }

  /** The resource of which the request asks most against what those nodes have. */
  of(shape: Shape, rooms: readonly NodeRoom[], have: Have): Shortage {
    const totals = this.totalsOf(rooms, have);
    const lines = shape.request.indexes
      .map((index, i) => {
        const name = this.ledger.resources[index] ?? "";
        const need = shape.request.amounts[i] ?? 0;
        return { name, need, sum: totals.sum[index] ?? 0, most: totals.most[index] ?? 0 };
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

  /** How many such shards have room now. */
  placesFor(shape: Shape): number {
    const { open, request } = shape;
    const places = this.places.get(shape) ?? open.reduce((sum, { free }) => sum + timesIn(request, free), 0);
    this.places.set(shape, places);
    return places;
  }

  private totalsOf(rooms: readonly NodeRoom[], have: Have): Totals {
    let totals = this.totals[have].get(rooms);
    if (totals === undefined) {
      const sum = this.ledger.vectorOf({}, 0);
      const most = this.ledger.vectorOf({}, 0);
      for (const room of rooms) {
        for (let i = 0; i < sum.length; i += 1) {
          const amount = Math.max(0, room[have][i] ?? 0);
          sum[i] = (sum[i] ?? 0) + amount;
          most[i] = Math.max(most[i] ?? 0, amount);
        }
      }
      totals = { sum, most };
      this.totals[have].set(rooms, totals);
    }
    return totals;
  }
}

/** The first half of every sentence about room. */
export function asksFor(shape: Shape): string {
  return `each shard asks for ${shape.ask.text}`;
}

function greatest<T>(list: readonly T[], measure: (item: T) => number): T | undefined {
  let best: T | undefined;
  for (const item of list) if (best === undefined || measure(item) > measure(best)) best = item;
  return best;
}
