// What nodes are still good for, as placements that learn see it: a node is worth the sum, over the kinds of shards that
// usually come, of what it can do for each, times a weight of the kind. Does not know what a node is: a state stands for all
// that are alike, so that each is looked at once.

/** By kind: what a node in this state can do for it. */
export type Measure<State> = (state: State) => Float64Array;

/** The weight of a kind, from its share of the arrivals and what all nodes together can do for it. */
export type Weigh = (share: number, total: number) => number;

/** Weights are taken anew when together they are off by more: what was compared before has to be compared again then. */
const drift = 1 / 16;
/** Values that differ by less come from the order of sums. */
const precision = 1e9;

interface Prospect {
  readonly measures: Float64Array;
  value: number;
  /** The epoch in which the value was computed. */
  epoch: number;
}

export class Outlook<State> {
  /** Moves on when weights are taken anew. */
  epoch = 0;
  private readonly shares: readonly number[];
  private readonly measure: Measure<State>;
  private readonly weigh: Weigh;
  private readonly totals: Float64Array;
  private readonly weights: Float64Array;
  /** By how much each weight is off since they were taken, and all together. */
  private readonly offBy: Float64Array;
  private off = 0;
  private weightSum = 0;
  private readonly prospects = new Map<State, Prospect>();

  constructor(shares: readonly number[], weigh: Weigh, measure: Measure<State>, nodes: Iterable<State>) {
    this.shares = shares;
    this.weigh = weigh;
    this.measure = measure;
    this.totals = new Float64Array(shares.length);
    this.weights = new Float64Array(shares.length);
    this.offBy = new Float64Array(shares.length);
    for (const state of nodes) {
      const { measures } = this.prospectOf(state);
      for (let i = 0; i < measures.length; i += 1) this.totals[i] = (this.totals[i] ?? 0) + (measures[i] ?? 0);
    }
    this.weighAnew();
  }

  /** A node has gone from one state to another. */
  change(before: State, after: State): void {
    const { measures: were } = this.prospectOf(before);
    const { measures: are } = this.prospectOf(after);
    for (let i = 0; i < were.length; i += 1) {
      const change = (are[i] ?? 0) - (were[i] ?? 0);
      if (change === 0) continue;
      const total = (this.totals[i] ?? 0) + change;
      const offBy = Math.abs(this.weigh(this.shares[i] ?? 0, total) - (this.weights[i] ?? 0));
      this.totals[i] = total;
      this.off += offBy - (this.offBy[i] ?? 0);
      this.offBy[i] = offBy;
    }
    if (this.off > drift * this.weightSum) this.weighAnew();
  }

  /** What a node gains by going from one state to the other, in whole steps; a placement costs, so it is seldom above 0. */
  gain(before: State, after: State): number {
    return Math.round((this.valueOf(after) - this.valueOf(before)) * precision);
  }

  private valueOf(state: State): number {
    const prospect = this.prospectOf(state);
    if (prospect.epoch !== this.epoch) {
      const { measures } = prospect;
      let value = 0;
      for (let i = 0; i < measures.length; i += 1) value += (this.weights[i] ?? 0) * (measures[i] ?? 0);
      prospect.value = value;
      prospect.epoch = this.epoch;
    }
    return prospect.value;
  }

  private prospectOf(state: State): Prospect {
    let prospect = this.prospects.get(state);
    if (prospect === undefined) {
      prospect = { measures: this.measure(state), value: 0, epoch: -1 };
      this.prospects.set(state, prospect);
    }
    return prospect;
  }

  private weighAnew(): void {
    this.off = 0;
    this.weightSum = 0;
    for (let i = 0; i < this.weights.length; i += 1) {
      const weight = this.weigh(this.shares[i] ?? 0, this.totals[i] ?? 0);
      this.weights[i] = weight;
      this.weightSum += weight;
      this.offBy[i] = 0;
    }
    this.epoch += 1;
  }
}
